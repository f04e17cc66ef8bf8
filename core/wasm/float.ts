/**
 * The `f32` and `f64` instructions.
 *
 * @module
 */
import { ByteWriter } from "./encoding.ts";
import { type Expr, Immediate } from "./expression.ts";
import { F32, F64, OP } from "./opcodes.ts";
import {
  binary,
  type BinaryOperation,
  type LoadOperation,
  loads,
  type Operations,
  type StoreOperation,
  stores,
  unary,
  type UnaryOperation,
} from "./operations.ts";

/** Makes `f32` expressions, one function per instruction. */
export interface F32Operations
  extends
    Operations<typeof F32.unary, UnaryOperation<"f32", "f32">>,
    Operations<typeof F32.binary, BinaryOperation<"f32", "f32", "f32">>,
    Operations<typeof F32.compare, BinaryOperation<"f32", "f32", "i32">>,
    Operations<typeof F32.from_i32, UnaryOperation<"i32", "f32">>,
    Operations<typeof F32.from_i64, UnaryOperation<"i64", "f32">>,
    Operations<typeof F32.from_f64, UnaryOperation<"f64", "f32">>,
    Operations<typeof F32.load, LoadOperation<"f32">>,
    Operations<typeof F32.store, StoreOperation<"f32">> {
  /** A constant, rounded to the nearest binary32 value. For a NaN with a payload, reinterpret an `i32.const`. */
  const(value: number): Expr<"f32">;
}

/** Makes `f64` expressions, one function per instruction. */
export interface F64Operations
  extends
    Operations<typeof F64.unary, UnaryOperation<"f64", "f64">>,
    Operations<typeof F64.binary, BinaryOperation<"f64", "f64", "f64">>,
    Operations<typeof F64.compare, BinaryOperation<"f64", "f64", "i32">>,
    Operations<typeof F64.from_i32, UnaryOperation<"i32", "f64">>,
    Operations<typeof F64.from_i64, UnaryOperation<"i64", "f64">>,
    Operations<typeof F64.from_f32, UnaryOperation<"f32", "f64">>,
    Operations<typeof F64.load, LoadOperation<"f64">>,
    Operations<typeof F64.store, StoreOperation<"f64">> {
  /** A constant. For a NaN with a payload, reinterpret an `i64.const`. */
  const(value: number): Expr<"f64">;
}

function f32Const(value: number): Expr<"f32"> {
  const bytes = new ByteWriter(4);
  bytes.f32(value);
  return new Immediate("f32", OP.f32_const, [], bytes.view());
}

function f64Const(value: number): Expr<"f64"> {
  const bytes = new ByteWriter(8);
  bytes.f64(value);
  return new Immediate("f64", OP.f64_const, [], bytes.view());
}

/** The `f32` instructions: `f32.add(a, b)`, `f32.convert_i32_s(a)`. */
export const f32: F32Operations = {
  const: f32Const,
  ...unary("f32", "f32", F32.unary),
  ...binary("f32", "f32", "f32", F32.binary),
  ...binary("f32", "f32", "i32", F32.compare),
  ...unary("i32", "f32", F32.from_i32),
  ...unary("i64", "f32", F32.from_i64),
  ...unary("f64", "f32", F32.from_f64),
  ...loads("f32", F32.load),
  ...stores("f32", F32.store),
};

/** The `f64` instructions: `f64.add(a, b)`, `f64.promote_f32(a)`. */
export const f64: F64Operations = {
  const: f64Const,
  ...unary("f64", "f64", F64.unary),
  ...binary("f64", "f64", "f64", F64.binary),
  ...binary("f64", "f64", "i32", F64.compare),
  ...unary("i32", "f64", F64.from_i32),
  ...unary("i64", "f64", F64.from_i64),
  ...unary("f32", "f64", F64.from_f32),
  ...loads("f64", F64.load),
  ...stores("f64", F64.store),
};
