/**
 * The vector instructions: `v128` and its views as lanes.
 *
 * @module
 */
import { type Expr, Immediate } from "./expression.ts";
import {
  binary,
  type BinaryOperation,
  type ExtractOperation,
  extracts,
  laneLoads,
  laneStores,
  type LoadLaneOperation,
  type LoadOperation,
  loads,
  type Operations,
  type ReplaceOperation,
  replaces,
  type StoreLaneOperation,
  type StoreOperation,
  stores,
  ternary,
  type TernaryOperation,
  unary,
  type UnaryOperation,
} from "./operations.ts";
import { F32X4, F64X2, I16X8, I32X4, I64X2, I8X16, I8X16_SHUFFLE, V128, V128_CONST } from "./opcodes_vector.ts";
import type { ValueType } from "./types.ts";

/** Makes `v128` expressions that do not depend on a lane width. */
export interface V128Operations
  extends
    Operations<typeof V128.load, LoadOperation<"v128">>,
    Operations<typeof V128.store, StoreOperation<"v128">>,
    Operations<typeof V128.load_lane, LoadLaneOperation>,
    Operations<typeof V128.store_lane, StoreLaneOperation>,
    Operations<typeof V128.unary, UnaryOperation<"v128", "v128">>,
    Operations<typeof V128.binary, BinaryOperation<"v128", "v128", "v128">>,
    Operations<typeof V128.ternary, TernaryOperation<"v128", "v128">>,
    Operations<typeof V128.test, UnaryOperation<"v128", "i32">> {
  /** A constant of 16 bytes, lowest address first. */
  const(bytes: ArrayLike<number>): Expr<"v128">;
}

/** Vector opcodes of one lane shape. */
export type LaneOpcodes = Readonly<
  Record<"splat" | "extract" | "replace" | "binary" | "unary", Readonly<Record<string, number>>>
>;

/** Makes expressions on the lanes of a vector; `T` is what a lane becomes outside of it. */
export type LaneOperations<C extends LaneOpcodes, T extends ValueType> =
  & Operations<C["splat"], UnaryOperation<T, "v128">>
  & Operations<C["extract"], ExtractOperation<T>>
  & Operations<C["replace"], ReplaceOperation<T>>
  & Operations<C["binary"], BinaryOperation<"v128", "v128", "v128">>
  & Operations<C["unary"], UnaryOperation<"v128", "v128">>;

/** Vector opcodes of integer lanes: with shifts and tests. */
export type IntegerLaneOpcodes =
  & LaneOpcodes
  & Readonly<Record<"shift" | "test" | "ternary", Readonly<Record<string, number>>>>;

/** As {@linkcode LaneOperations}, for integer lanes. */
export type IntegerLaneOperations<C extends IntegerLaneOpcodes, T extends ValueType> =
  & LaneOperations<C, T>
  & Operations<C["shift"], BinaryOperation<"v128", "i32", "v128">>
  & Operations<C["test"], UnaryOperation<"v128", "i32">>
  & Operations<C["ternary"], TernaryOperation<"v128", "v128">>;

/** As {@linkcode LaneOperations}, for floating-point lanes. */
export type FloatLaneOperations<
  C extends LaneOpcodes & Readonly<Record<"ternary", Readonly<Record<string, number>>>>,
  T extends ValueType,
> = LaneOperations<C, T> & Operations<C["ternary"], TernaryOperation<"v128", "v128">>;

/** The shuffle, which only `i8x16` has. */
export interface Shuffle {
  /** Picks 16 bytes: lane numbers 0 to 15 pick from `a`, 16 to 31 from `b`. */
  shuffle(a: Expr<"v128">, b: Expr<"v128">, lanes: ArrayLike<number>): Expr<"v128">;
}

function sixteen(bytes: ArrayLike<number>, limit: number, what: string): Uint8Array {
  const all = Array.from(bytes);
  if (all.length !== 16 || all.some((byte) => !(byte >= 0 && byte < limit && byte % 1 === 0))) {
    throw new RangeError(`${what} takes 16 integers from 0 to ${limit - 1}; found [${all.join(", ")}].`);
  }
  return Uint8Array.from(all);
}

function laneOperations<T extends ValueType, C extends LaneOpcodes>(
  type: T,
  lanes: number,
  codes: C,
): LaneOperations<C, T> {
  return {
    ...unary(type, "v128", codes.splat),
    ...extracts(type, lanes, codes.extract),
    ...replaces(type, lanes, codes.replace),
    ...binary("v128", "v128", "v128", codes.binary),
    ...unary("v128", "v128", codes.unary),
  } as LaneOperations<C, T>;
}

function integerLaneOperations<T extends ValueType, C extends IntegerLaneOpcodes>(
  type: T,
  lanes: number,
  codes: C,
): IntegerLaneOperations<C, T> {
  return {
    ...laneOperations(type, lanes, codes),
    ...binary("v128", "i32", "v128", codes.shift),
    ...unary("v128", "i32", codes.test),
    ...ternary("v128", "v128", codes.ternary),
  } as IntegerLaneOperations<C, T>;
}

/** The instructions on whole vectors: `v128.load(address)`, `v128.bitselect(a, b, mask)`. */
export const v128: V128Operations = {
  const: (bytes) => new Immediate("v128", V128_CONST, [], sixteen(bytes, 256, "v128.const")),
  ...loads("v128", V128.load),
  ...stores("v128", V128.store),
  ...laneLoads(V128.load_lane),
  ...laneStores(V128.store_lane),
  ...unary("v128", "v128", V128.unary),
  ...binary("v128", "v128", "v128", V128.binary),
  ...ternary("v128", "v128", V128.ternary),
  ...unary("v128", "i32", V128.test),
};

/** The instructions on 16 lanes of 8 bits. */
export const i8x16: IntegerLaneOperations<typeof I8X16, "i32"> & Shuffle = {
  ...integerLaneOperations("i32", 16, I8X16),
  shuffle: (a, b, lanes) => new Immediate("v128", I8X16_SHUFFLE, [a, b], sixteen(lanes, 32, "i8x16.shuffle")),
};

/** The instructions on eight lanes of 16 bits. */
export const i16x8: IntegerLaneOperations<typeof I16X8, "i32"> = integerLaneOperations("i32", 8, I16X8);

/** The instructions on four lanes of 32 bits. */
export const i32x4: IntegerLaneOperations<typeof I32X4, "i32"> = integerLaneOperations("i32", 4, I32X4);

/** The instructions on two lanes of 64 bits. */
export const i64x2: IntegerLaneOperations<typeof I64X2, "i64"> = integerLaneOperations("i64", 2, I64X2);

/** The instructions on four binary32 lanes. */
export const f32x4: FloatLaneOperations<typeof F32X4, "f32"> = {
  ...laneOperations("f32", 4, F32X4),
  ...ternary("v128", "v128", F32X4.ternary),
};

/** The instructions on two binary64 lanes. */
export const f64x2: FloatLaneOperations<typeof F64X2, "f64"> = {
  ...laneOperations("f64", 2, F64X2),
  ...ternary("v128", "v128", F64X2.ternary),
};
