/**
 * What a debugger asks of a virtual CPU's thread, and what it is told.
 *
 * @module
 */
import type { Watchpoint } from "../../memory/watchpoints.ts";

/** A request. Bytes are lower-case hexadecimal digits. */
export type DebugCommand =
  /** Holds the CPU at its next instruction boundary, and answers whether it has SSE. */
  | { readonly kind: "attach" }
  /** Lets the CPU run, without breakpoints and without a debugger. */
  | { readonly kind: "detach" }
  /** Lets the CPU run until one of these is met, or for one instruction. */
  | { readonly kind: "resume"; readonly step: boolean } & StopPlaces
  /** Holds the CPU: `DebugStop` tells where. */
  | { readonly kind: "interrupt" }
  /** All registers, one after the other. */
  | { readonly kind: "registers" }
  /** Sets a register, by its number. */
  | { readonly kind: "set-register"; readonly register: number; readonly bytes: string }
  /** Memory by linear address, up to where there is none; or by physical address. */
  | { readonly kind: "read"; readonly address: number; readonly length: number; readonly physical?: boolean }
  | { readonly kind: "write"; readonly address: number; readonly bytes: string }
  /** Resets the machine; it stays held. */
  | { readonly kind: "reset" }
  /** Whether a step may take an interrupt. */
  | { readonly kind: "step-interrupts"; readonly on: boolean };

/** Where a CPU is to stop. */
export interface StopPlaces {
  /** Linear addresses of instructions. */
  readonly breakpoints: readonly number[];
  /** Linear ranges of data. */
  readonly watchpoints: readonly Watchpoint[];
}

/** The answer to a request. */
export interface DebugAnswer {
  /** Bytes that were asked for. */
  readonly bytes?: string;
  /** `attach`: the CPU has SSE. */
  readonly sse?: boolean;
  /** `set-register` and `write`: false if it could not be done. */
  readonly done?: boolean;
}

/** Why a CPU stands still for its debugger. */
export type DebugStop =
  | { readonly why: "step" | "interrupt" }
  | { readonly why: "breakpoint"; readonly address: number }
  | { readonly why: "watchpoint"; readonly watchpoint: Watchpoint }
  /** The guest has come to an end: it can be looked at, and ends when it is resumed. */
  | { readonly why: "halted" | "triple-fault" | "unbuilt" };

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Bytes from hexadecimal digits, or undefined where they are none. */
export function fromHex(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? Uint8Array.fromHex(text) : undefined;
}
