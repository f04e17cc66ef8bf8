/**
 * Expressions that belong to no value type: selection, conditional values, traps, references, and the instructions on a
 * whole memory.
 *
 * @module
 */
import { Access, type Expr, type Hint, IfValue, Immediate, Indexed, Nullary, Ternary, Unary } from "./expression.ts";
import { ATOMIC_OTHER, OP } from "./opcodes.ts";
import { type ReferenceType, TYPE_CODE, type ValueType } from "./types.ts";

/** `a` if `condition` is not zero, else `b`; both are evaluated. */
export function select<T extends ValueType>(condition: Expr<"i32">, a: Expr<T>, b: Expr<NoInfer<T>>): Expr<T> {
  if (a.type === "funcref" || a.type === "externref") {
    return new Immediate(a.type, OP.select_typed, [a, b, condition], Uint8Array.of(1, TYPE_CODE[a.type]));
  }
  return new Ternary(a.type, OP.select, a, b, condition);
}

/** `consequent` if `condition` is not zero, else `alternate`; only one is evaluated. Type "void" is allowed. */
export function ifValue<T extends ValueType | "void">(
  type: T,
  condition: Expr<"i32">,
  consequent: Expr<NoInfer<T>>,
  alternate: Expr<NoInfer<T>>,
  hint?: Hint,
): Expr<T> {
  return new IfValue(type, condition, consequent, alternate, hint);
}

/** A trap. Fits wherever an expression is wanted. */
export function unreachable(): Expr<never> {
  return new Nullary<never>("void" as never, OP.unreachable);
}

/** Nothing. */
export function nop(): Expr<"void"> {
  return new Nullary("void", OP.nop);
}

/** The null reference of a type. */
export function refNull<T extends ReferenceType>(type: T): Expr<T> {
  return new Immediate(type, OP.ref_null, [], Uint8Array.of(TYPE_CODE[type]));
}

/** 1 if the reference is null, else 0. */
export function refIsNull(reference: Expr<ReferenceType>): Expr<"i32"> {
  return new Unary("i32", OP.ref_is_null, reference);
}

/** The size of memory in pages of 65,536 bytes. */
export function memorySize(): Expr<"i32"> {
  return new Indexed("i32", OP.memory_size, [], 0);
}

/** Grows memory by `pages`; gives the size before, or -1. */
export function memoryGrow(pages: Expr<"i32">): Expr<"i32"> {
  return new Indexed("i32", OP.memory_grow, [pages], 0);
}

/** Fills `length` bytes at `address` with the low byte of `value`. */
export function memoryFill(address: Expr<"i32">, value: Expr<"i32">, length: Expr<"i32">): Expr<"void"> {
  return new Indexed("void", OP.memory_fill, [address, value, length], 0);
}

/** Copies `length` bytes; the ranges may overlap. */
export function memoryCopy(
  destination: Expr<"i32">,
  source: Expr<"i32">,
  length: Expr<"i32">,
): Expr<"void"> {
  return new Immediate("void", OP.memory_copy, [destination, source, length], Uint8Array.of(0, 0));
}

/** Wakes up to `count` agents that wait on `address + offset`; gives how many. */
export function memory_atomic_notify(address: Expr<"i32">, count: Expr<"i32">, offset = 0): Expr<"i32"> {
  return new Access("i32", ATOMIC_OTHER.memory_atomic_notify, 2, offset, address, count, null, -1);
}

/**
 * Waits while the 32-bit value at `address + offset` is `expected`, for `timeout` nanoseconds at most (negative: without
 * limit). Gives 0 when woken, 1 when the value differs, 2 when the time is over.
 */
export function memory_atomic_wait32(
  address: Expr<"i32">,
  expected: Expr<"i32">,
  timeout: Expr<"i64">,
  offset = 0,
): Expr<"i32"> {
  return new Access("i32", ATOMIC_OTHER.memory_atomic_wait32, 2, offset, address, expected, timeout, -1);
}

/** As {@linkcode memory_atomic_wait32}, for a 64-bit value. */
export function memory_atomic_wait64(
  address: Expr<"i32">,
  expected: Expr<"i64">,
  timeout: Expr<"i64">,
  offset = 0,
): Expr<"i32"> {
  return new Access("i32", ATOMIC_OTHER.memory_atomic_wait64, 3, offset, address, expected, timeout, -1);
}

/** Orders the memory accesses before it before those after it. */
export function atomic_fence(): Expr<"void"> {
  return new Immediate("void", ATOMIC_OTHER.atomic_fence, [], Uint8Array.of(0));
}
