/**
 * The `i32` and `i64` instructions, atomic ones included.
 *
 * @module
 */
import { type Expr, I32Const, I64Const } from "./expression.ts";
import { I32, I32_ATOMIC, I64, I64_ATOMIC } from "./opcodes.ts";
import {
  atomicLoads,
  atomicStores,
  binary,
  type BinaryOperation,
  type CompareExchangeOperation,
  compareExchanges,
  type LoadOperation,
  loads,
  type Operations,
  type ReadModifyWriteOperation,
  readModifyWrites,
  type StoreOperation,
  stores,
  unary,
  type UnaryOperation,
} from "./operations.ts";

/** Makes `i32` expressions, one function per instruction. */
export interface I32Operations
  extends
    Operations<typeof I32.unary, UnaryOperation<"i32", "i32">>,
    Operations<typeof I32.binary, BinaryOperation<"i32", "i32", "i32">>,
    Operations<typeof I32.test, UnaryOperation<"i32", "i32">>,
    Operations<typeof I32.compare, BinaryOperation<"i32", "i32", "i32">>,
    Operations<typeof I32.from_i64, UnaryOperation<"i64", "i32">>,
    Operations<typeof I32.from_f32, UnaryOperation<"f32", "i32">>,
    Operations<typeof I32.from_f64, UnaryOperation<"f64", "i32">>,
    Operations<typeof I32.load, LoadOperation<"i32">>,
    Operations<typeof I32.store, StoreOperation<"i32">>,
    Operations<typeof I32_ATOMIC.load, LoadOperation<"i32">>,
    Operations<typeof I32_ATOMIC.store, StoreOperation<"i32">>,
    Operations<typeof I32_ATOMIC.rmw, ReadModifyWriteOperation<"i32">>,
    Operations<typeof I32_ATOMIC.cmpxchg, CompareExchangeOperation<"i32">> {
  /** A constant, -2^31 to 2^32-1. */
  const(value: number): Expr<"i32">;
}

/** Makes `i64` expressions, one function per instruction. */
export interface I64Operations
  extends
    Operations<typeof I64.unary, UnaryOperation<"i64", "i64">>,
    Operations<typeof I64.binary, BinaryOperation<"i64", "i64", "i64">>,
    Operations<typeof I64.test, UnaryOperation<"i64", "i32">>,
    Operations<typeof I64.compare, BinaryOperation<"i64", "i64", "i32">>,
    Operations<typeof I64.from_i32, UnaryOperation<"i32", "i64">>,
    Operations<typeof I64.from_f32, UnaryOperation<"f32", "i64">>,
    Operations<typeof I64.from_f64, UnaryOperation<"f64", "i64">>,
    Operations<typeof I64.load, LoadOperation<"i64">>,
    Operations<typeof I64.store, StoreOperation<"i64">>,
    Operations<typeof I64_ATOMIC.load, LoadOperation<"i64">>,
    Operations<typeof I64_ATOMIC.store, StoreOperation<"i64">>,
    Operations<typeof I64_ATOMIC.rmw, ReadModifyWriteOperation<"i64">>,
    Operations<typeof I64_ATOMIC.cmpxchg, CompareExchangeOperation<"i64">> {
  /** A constant, -2^63 to 2^64-1. */
  const(value: bigint | number): Expr<"i64">;
}

/** Constants that many functions use, made once: expressions never change. */
const LEAST_SHARED = -256, MOST_SHARED = 4096;
const SHARED = Array.from({ length: MOST_SHARED - LEAST_SHARED + 1 }, (_, k) => new I32Const(k + LEAST_SHARED));

function i32Const(value: number): Expr<"i32"> {
  const shared = SHARED[value - LEAST_SHARED];
  if (shared !== undefined) return shared;
  if ((value | 0) !== value && value >>> 0 !== value) {
    throw new RangeError(`i32.const takes an integer from -2^31 to 2^32-1; found ${value}.`);
  }
  return new I32Const(value | 0);
}

function i64Const(value: bigint | number): Expr<"i64"> {
  if (typeof value === "number") {
    if ((value | 0) === value) return new I64Const(value);
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`i64.const takes a bigint or an integer below 2^53 in magnitude; found ${value}.`);
    }
    value = BigInt(value);
  }
  if (value < -(1n << 63n) || value >= 1n << 64n) {
    throw new RangeError(`i64.const takes an integer from -2^63 to 2^64-1; found ${value}.`);
  }
  return new I64Const(BigInt.asIntN(64, value));
}

/** The `i32` instructions: `i32.add(a, b)`, `i32.load8_u(address, offset)`, `i32.atomic_rmw_add(address, value)`. */
export const i32: I32Operations = {
  const: i32Const,
  ...unary("i32", "i32", I32.unary),
  ...binary("i32", "i32", "i32", I32.binary),
  ...unary("i32", "i32", I32.test),
  ...binary("i32", "i32", "i32", I32.compare),
  ...unary("i64", "i32", I32.from_i64),
  ...unary("f32", "i32", I32.from_f32),
  ...unary("f64", "i32", I32.from_f64),
  ...loads("i32", I32.load),
  ...stores("i32", I32.store),
  ...atomicLoads("i32", I32_ATOMIC.load),
  ...atomicStores("i32", I32_ATOMIC.store),
  ...readModifyWrites("i32", I32_ATOMIC.rmw),
  ...compareExchanges("i32", I32_ATOMIC.cmpxchg),
};

/** The `i64` instructions: `i64.add(a, b)`, `i64.load32_u(address, offset)`, `i64.atomic_rmw_add(address, value)`. */
export const i64: I64Operations = {
  const: i64Const,
  ...unary("i64", "i64", I64.unary),
  ...binary("i64", "i64", "i64", I64.binary),
  ...unary("i64", "i32", I64.test),
  ...binary("i64", "i64", "i32", I64.compare),
  ...unary("i32", "i64", I64.from_i32),
  ...unary("f32", "i64", I64.from_f32),
  ...unary("f64", "i64", I64.from_f64),
  ...loads("i64", I64.load),
  ...stores("i64", I64.store),
  ...atomicLoads("i64", I64_ATOMIC.load),
  ...atomicStores("i64", I64_ATOMIC.store),
  ...readModifyWrites("i64", I64_ATOMIC.rmw),
  ...compareExchanges("i64", I64_ATOMIC.cmpxchg),
};
