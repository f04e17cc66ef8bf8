/**
 * Turns tables of opcodes into tables of functions that make expressions: one function per instruction, its operand and
 * result types checked by TypeScript.
 *
 * @module
 */
import { Access, Binary, Expr, Immediate, Load, Store, Ternary, Unary } from "./expression.ts";
import type { ValueType } from "./types.ts";

/** Opcodes by instruction name. */
export type Opcodes = Readonly<Record<string, number>>;

/** One function of type `F` for each instruction of a table. */
export type Operations<C extends Opcodes, F> = { readonly [N in keyof C]: F };

/** Makes an expression from one operand. */
export type UnaryOperation<A extends ValueType, T extends ValueType> = (a: Expr<A>) => Expr<T>;

/** Makes an expression from two operands. */
export type BinaryOperation<A extends ValueType, B extends ValueType, T extends ValueType> = (
  a: Expr<A>,
  b: Expr<B>,
) => Expr<T>;

/** Makes an expression from three operands. */
export type TernaryOperation<A extends ValueType, T extends ValueType> = (
  a: Expr<A>,
  b: Expr<A>,
  c: Expr<A>,
) => Expr<T>;

/** Makes a load from `address + offset`; the sum does not wrap. Offset: bytes, 0 to 2^32-1. */
export type LoadOperation<T extends ValueType> = (address: Expr<"i32">, offset?: number) => Expr<T>;

/** Makes a store of `value` at `address + offset`; the sum does not wrap. Offset: bytes, 0 to 2^32-1. */
export type StoreOperation<T extends ValueType> = (
  address: Expr<"i32">,
  value: Expr<T>,
  offset?: number,
) => Expr<"void">;

/** Makes an atomic read-modify-write, which gives the value read. Traps if `address + offset` is not aligned. */
export type ReadModifyWriteOperation<T extends ValueType> = (
  address: Expr<"i32">,
  value: Expr<T>,
  offset?: number,
) => Expr<T>;

/** Makes an atomic compare-exchange, which gives the value read. Traps if `address + offset` is not aligned. */
export type CompareExchangeOperation<T extends ValueType> = (
  address: Expr<"i32">,
  expected: Expr<T>,
  replacement: Expr<T>,
  offset?: number,
) => Expr<T>;

/** Makes an expression that reads lane `lane` of a vector. */
export type ExtractOperation<T extends ValueType> = (vector: Expr<"v128">, lane: number) => Expr<T>;

/** Makes an expression that is `vector` with lane `lane` replaced. */
export type ReplaceOperation<T extends ValueType> = (
  vector: Expr<"v128">,
  lane: number,
  value: Expr<T>,
) => Expr<"v128">;

/** Makes a load of one lane: `vector` with that lane read from memory. */
export type LoadLaneOperation = (
  address: Expr<"i32">,
  vector: Expr<"v128">,
  lane: number,
  offset?: number,
) => Expr<"v128">;

/** Makes a store of one lane of `vector`. */
export type StoreLaneOperation = (
  address: Expr<"i32">,
  vector: Expr<"v128">,
  lane: number,
  offset?: number,
) => Expr<"void">;

/** The base-2 logarithm of the width in bytes that an atomic instruction's name gives, or of its type's. */
function naturalAlignment(type: ValueType, name: string): number {
  const bits = /^atomic_(?:load|store|rmw)(\d*)/.exec(name)?.[1];
  if (!bits) return type === "i64" ? 3 : 2;
  return bits === "8" ? 0 : bits === "16" ? 1 : 2;
}

function each<C extends Opcodes, F>(codes: C, make: (code: number, name: string) => F): Operations<C, F> {
  const made: Record<string, F> = {};
  for (const name in codes) made[name] = make(codes[name] as number, name);
  return made as Operations<C, F>;
}

/** Functions for instructions with one operand. */
export function unary<A extends ValueType, T extends ValueType, C extends Opcodes>(
  _operand: A,
  type: T,
  codes: C,
): Operations<C, UnaryOperation<A, T>> {
  return each(codes, (code) => (a: Expr<A>) => new Unary(type, code, a));
}

/** Functions for instructions with two operands; the second one's type may differ (vector shifts). */
export function binary<A extends ValueType, B extends ValueType, T extends ValueType, C extends Opcodes>(
  _first: A,
  _second: B,
  type: T,
  codes: C,
): Operations<C, BinaryOperation<A, B, T>> {
  return each(codes, (code) => (a: Expr<A>, b: Expr<B>) => new Binary(type, code, a, b));
}

/** Functions for instructions with three operands. */
export function ternary<A extends ValueType, T extends ValueType, C extends Opcodes>(
  _operand: A,
  type: T,
  codes: C,
): Operations<C, TernaryOperation<A, T>> {
  return each(codes, (code) => (a: Expr<A>, b: Expr<A>, c: Expr<A>) => new Ternary(type, code, a, b, c));
}

/** Functions for loads; the alignment hint is one byte. */
export function loads<T extends ValueType, C extends Opcodes>(type: T, codes: C): Operations<C, LoadOperation<T>> {
  return each(codes, (code) => (address: Expr<"i32">, offset = 0) => new Load(type, code, address, offset));
}

/** Functions for stores; the alignment hint is one byte. */
export function stores<T extends ValueType, C extends Opcodes>(_type: T, codes: C): Operations<C, StoreOperation<T>> {
  return each(
    codes,
    (code) => (address: Expr<"i32">, value: Expr<T>, offset = 0) => new Store(code, address, value, offset),
  );
}

/** Functions for atomic loads. */
export function atomicLoads<T extends ValueType, C extends Opcodes>(
  type: T,
  codes: C,
): Operations<C, LoadOperation<T>> {
  return each(codes, (code, name) => {
    const align = naturalAlignment(type, name);
    return (address: Expr<"i32">, offset = 0) => new Access(type, code, align, offset, address, null, null, -1);
  });
}

/** Functions for atomic stores. */
export function atomicStores<T extends ValueType, C extends Opcodes>(
  type: T,
  codes: C,
): Operations<C, StoreOperation<T>> {
  return each(codes, (code, name) => {
    const align = naturalAlignment(type, name);
    return (address: Expr<"i32">, value: Expr<T>, offset = 0) =>
      new Access("void", code, align, offset, address, value, null, -1);
  });
}

/** Functions for atomic read-modify-writes. */
export function readModifyWrites<T extends ValueType, C extends Opcodes>(
  type: T,
  codes: C,
): Operations<C, ReadModifyWriteOperation<T>> {
  return each(codes, (code, name) => {
    const align = naturalAlignment(type, name);
    return (address: Expr<"i32">, value: Expr<T>, offset = 0) =>
      new Access(type, code, align, offset, address, value, null, -1);
  });
}

/** Functions for atomic compare-exchanges. */
export function compareExchanges<T extends ValueType, C extends Opcodes>(
  type: T,
  codes: C,
): Operations<C, CompareExchangeOperation<T>> {
  return each(codes, (code, name) => {
    const align = naturalAlignment(type, name);
    return (address: Expr<"i32">, expected: Expr<T>, replacement: Expr<T>, offset = 0) =>
      new Access(type, code, align, offset, address, expected, replacement, -1);
  });
}

function laneByte(lane: number, lanes: number): number {
  if (lane < 0 || lane >= lanes || lane % 1 !== 0) {
    throw new RangeError(`A lane of a vector of ${lanes} must be an integer from 0 to ${lanes - 1}; found ${lane}.`);
  }
  return lane;
}

/** Functions for reads of one lane of `lanes`. */
export function extracts<T extends ValueType, C extends Opcodes>(
  type: T,
  lanes: number,
  codes: C,
): Operations<C, ExtractOperation<T>> {
  return each(
    codes,
    (code) => (vector: Expr<"v128">, lane: number) =>
      new Immediate(type, code, [vector], Uint8Array.of(laneByte(lane, lanes))),
  );
}

/** Functions for replacements of one lane of `lanes`. */
export function replaces<T extends ValueType, C extends Opcodes>(
  _type: T,
  lanes: number,
  codes: C,
): Operations<C, ReplaceOperation<T>> {
  return each(
    codes,
    (code) => (vector: Expr<"v128">, lane: number, value: Expr<T>) =>
      new Immediate("v128", code, [vector, value], Uint8Array.of(laneByte(lane, lanes))),
  );
}

/** The number of lanes that `load8_lane`, `store64_lane` and their like address. */
function lanesOf(name: string): number {
  return 128 / Number(/\d+/.exec(name)?.[0]);
}

/** Functions for loads of one lane. */
export function laneLoads<C extends Opcodes>(codes: C): Operations<C, LoadLaneOperation> {
  return each(
    codes,
    (code, name) => (address: Expr<"i32">, vector: Expr<"v128">, lane: number, offset = 0) =>
      new Access("v128", code, 0, offset, address, vector, null, laneByte(lane, lanesOf(name))),
  );
}

/** Functions for stores of one lane. */
export function laneStores<C extends Opcodes>(codes: C): Operations<C, StoreLaneOperation> {
  return each(
    codes,
    (code, name) => (address: Expr<"i32">, vector: Expr<"v128">, lane: number, offset = 0) =>
      new Access("void", code, 0, offset, address, vector, null, laneByte(lane, lanesOf(name))),
  );
}
