/**
 * What a description may say of the MMX and XMM registers and of memory operands of 8 and 16 bytes. An MMX value is the low half of a
 * vector; what is above it does not matter.
 *
 * @module
 */
import type { Expr } from "../../wasm/mod.ts";
import type { Value } from "./builder.ts";

/** A value of 128 bits. */
export type Vector = Expr<"v128">;

/** Bytes that an operand of these instructions moves to or from memory. */
export type VectorBytes = 2 | 4 | 8 | 16;

/** Memory of 16 bytes must be aligned, or need not be (Intel SDM volume 1, 4.1.1). Narrower memory never needs to be. */
export type Alignment = "aligned" | "any";

/** What may be known of a value: its lowest element, or all of them, are zero or normal numbers of a precision. */
export const FACT = { SINGLE: 1, SINGLES: 2, DOUBLE: 4, DOUBLES: 8 } as const;

/** Values computed once, as a shared test may have them. */
export interface Scratch {
  let(value: Value): Value;
  let64(value: Expr<"i64">): Expr<"i64">;
  letVector(value: Vector): Vector;
}

/** Values of 64 and 128 bits. */
export interface VectorBuilder {
  /** Whether operand `k` is an MMX register. */
  isMmx(k: number): boolean;
  /** Whether operand `k` is an XMM register. */
  isXmm(k: number): boolean;
  /** #UD, #NM or #MF unless MMX instructions may run (Intel SDM volume 3, 12.1). Said before anything is read. */
  requireMmx(): void;
  /** #UD or #NM unless SSE instructions may run (Intel SDM volume 3, 13.1). */
  requireSse(): void;
  /** An MMX instruction takes the FPU's registers over: TOP is 0, all tags are valid (Intel SDM volume 3, 12.2). */
  enterMmx(): void;
  /** A register whole, or `bytes` of memory with zeros above. */
  readVector(k: number, bytes: VectorBytes, alignment?: Alignment): Vector;
  /** Writes a register whole, or the low `bytes` of the value to memory. */
  writeVector(k: number, value: Vector, bytes: VectorBytes, alignment?: Alignment): void;
  /** Writes the low 4 or 8 bytes of XMM register operand `k`; the rest of it stays. */
  writeLow(k: number, value: Vector, bytes: 4 | 8): void;
  /** An XMM register by number. */
  xmm(register: number): Vector;
  /** Computes a value once. */
  letVector(value: Vector): Vector;
  /** Nonzero if SSE arithmetic may raise no flag but PE, which is set already, and rounds to nearest: see `core/x86/simd`. */
  roundsQuietly(): Value;
  /** Whether all of the facts (FACT bits) are known of a value. */
  knows(value: Vector, facts: number): boolean;
  /** From here on they hold. */
  learn(value: Vector, facts: number): void;
  /** A test that is rarely made, of values that are computed already; its code may be shared by all tests of the name. */
  shared(name: string, values: readonly Vector[], test: (s: Scratch, ...values: Vector[]) => Value): Value;
}
