/**
 * How a family's file writes down an encoding.
 *
 * @module
 */

import type { Feature } from "../form.ts";

/** What a row says beyond its encoding. */
export interface Traits {
  /** Shared name of the semantics; the mnemonic when absent. */
  readonly semantics?: string;
  /** LOCK is legal with a memory destination. */
  readonly lock?: boolean;
  /** Ends a straight run of decoded instructions. */
  readonly ends?: boolean;
  /** Condition of Jcc, SETcc, CMOVcc. */
  readonly condition?: number;
  /** What a processor must have to know it; the 80386's set when absent. */
  readonly feature?: Feature;
}

/** An encoding before the table numbers it. */
export interface Row extends Traits {
  readonly opcode: string;
  readonly mnemonic: string;
  /** Operand codes, separated by blanks. */
  readonly operands: string;
}

/** Writes one row: `row("00 /r", "add", "Eb Gb", { lock: true })`. */
export function row(opcode: string, mnemonic: string, operands = "", traits: Traits = {}): Row {
  return { opcode, mnemonic, operands, ...traits };
}

/** Two upper-case hexadecimal digits, as opcodes are written. */
export function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}
