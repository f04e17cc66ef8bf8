/**
 * The shapes that most MMX and SSE instructions share: check the unit, read the sources, compute, write the destination.
 *
 * @module
 */
import { i32, i32x4, i8x16, v128 } from "../../wasm/mod.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import type { Vector } from "./vector_builder.ts";

/** All zeros. */
export const ZERO: Vector = v128.const(new Uint8Array(16));

/** Sixteen bytes from a function of their place. */
export function bytes(of: (place: number) => number): Vector {
  return v128.const(Array.from({ length: 16 }, (_, place) => of(place) & 0xff));
}

/** A constant of lanes of 16, 32 or 64 bits, the lowest first. */
export function lanes(width: 16 | 32 | 64, values: readonly number[]): Vector {
  const size = width / 8;
  return bytes((place) => place % size > 3 ? 0 : values[Math.floor(place / size)]! >> (place % size * 8));
}

/** The low halves of two vectors, side by side: MMX values as one vector. */
export function joined(low: Vector, high: Vector): Vector {
  return i8x16.shuffle(low, high, Array.from({ length: 16 }, (_, i) => i < 8 ? i : i + 8));
}

/** A vector whose lowest lane is a 32-bit value, the rest zeros. */
export function fromScalar(value: Value): Vector {
  return i32x4.replace_lane(ZERO, 0, value);
}

/** The lowest 32 bits. */
export function toScalar(value: Vector): Value {
  return i32x4.extract_lane(value, 0);
}

/** An immediate operand, unsigned, computed once. */
export function immediate(b: Builder, k: number): Value {
  return b.let(i32.and(b.read(k), i32.const(0xff)));
}

/** Checks the unit of an instruction whose register operand `k` tells it; true if it is MMX. */
export function requireUnit(b: Builder, k = 0): boolean {
  const mmx = b.isMmx(k);
  if (mmx) b.requireMmx();
  else b.requireSse();
  return mmx;
}

/** Computes a result from destination and source; `mmx` tells which file they are of. */
export type BinaryOperation = (x: Vector, y: Vector, mmx: boolean, b: Builder) => Vector;

/** Destination and source, both of the destination's file; a third operand is an immediate that `operation` reads. */
export function binary(operation: BinaryOperation): Semantics {
  return (b) => {
    const mmx = requireUnit(b);
    const y = b.letVector(b.readVector(1, mmx ? 8 : 16));
    const x = b.letVector(b.readVector(0, mmx ? 8 : 16));
    if (mmx) b.enterMmx();
    b.writeVector(0, operation(x, y, mmx, b), 16);
  };
}

/** A result of the source alone. */
export function unary(operation: (y: Vector, mmx: boolean, b: Builder) => Vector): Semantics {
  return (b) => {
    const mmx = requireUnit(b);
    const y = b.letVector(b.readVector(1, mmx ? 8 : 16));
    if (mmx) b.enterMmx();
    b.writeVector(0, operation(y, mmx, b), 16);
  };
}
