/**
 * Vectors recorded in real mode on an 80286 and an 8086 (SingleStepTests), as their files hold them.
 *
 * @module
 */
import type { RawVector } from "./files.ts";

/** Registers in the files' order; `ip` is the instruction's, or the one after HLT. */
export const REGISTERS = "ax bx cx dx cs ss ds es sp bp si di ip flags".split(" ");

/** Memory: linear address, and bytes in hexadecimal. */
export type Run = readonly [address: number, bytes: string];

/** One recorded instruction. */
export interface RealModeVector {
  readonly op: string;
  readonly name: string;
  readonly bytes: string;
  readonly init: { readonly regs: Readonly<Record<string, number>>; readonly ram: readonly Run[] };
  /** Registers that changed, and memory. */
  readonly final: { readonly regs: Readonly<Record<string, number>>; readonly ram: readonly Run[] };
  /** FLAGS bits that are defined. */
  readonly fmask: number;
  /** Vector and address of the pushed FLAGS, where the instruction raised an exception or was an interrupt. */
  readonly exc?: readonly [vector: number, flagsAddress: number];
  /** Prefetch queue before and after: 8086 alone. */
  readonly queue?: unknown;
}

/** Whether a vector was recorded on an 8086, not on an 80286. */
export function isOf8086(vector: RealModeVector): boolean {
  return vector.queue !== undefined;
}

/** The vector's type if it has this format. */
export function isRealModeVector(raw: RawVector): raw is RawVector & RealModeVector {
  const { op, bytes, fmask, init, final } = raw;
  return typeof op === "string" && typeof bytes === "string" && typeof fmask === "number" && isState(init) &&
    isState(final) && REGISTERS.every((name) => typeof init.regs[name] === "number");
}

function isState(value: unknown): value is RealModeVector["init"] {
  if (typeof value !== "object" || value === null) return false;
  const { regs, ram } = value as Partial<RealModeVector["init"]>;
  return typeof regs === "object" && regs !== null && Array.isArray(ram) && ram.every(isRun);
}

/** Whether a value is a run of memory. */
export function isRun(value: unknown): value is Run {
  return Array.isArray(value) && typeof value[0] === "number" && typeof value[1] === "string";
}

/** Bytes of hexadecimal text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.substring(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** LOCK, REPNE, REP and the segment overrides. */
export const PREFIXES: ReadonlySet<number> = new Set([0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e]);
