/**
 * The arithmetic of SSE on raw numbers, exact in results and flags (Intel SDM volume 1, 4.8.3.5, 11.5.2 and tables 4-7, 4-8, 11-1).
 *
 * @module
 */
import { bitLength, CLASS, type Format, infinity, isNaNumber, type Unpacked, zero } from "./binary_format.ts";
import { FloatOperation, ROUNDING } from "./float_operation.ts";
import { EXCEPTION } from "./unit.ts";

/** An operation on two elements: destination first. */
export type BinaryArithmetic = (operation: FloatOperation, f: Format, x: bigint, y: bigint) => bigint;

/** An operation on one. */
export type UnaryArithmetic = (operation: FloatOperation, f: Format, y: bigint) => bigint;

function sum(operation: FloatOperation, f: Format, x: bigint, y: bigint, negate: boolean): bigint {
  const a = operation.unpack(f, x), b = operation.unpack(f, y);
  if (isNaNumber(a) || isNaNumber(b)) return operation.nan(f, a, b);
  const negative = b.negative !== negate;
  if (a.kind === CLASS.INFINITE && b.kind === CLASS.INFINITE && a.negative !== negative) return operation.invalid(f);
  operation.denormals(a, b);
  if (a.kind === CLASS.INFINITE) return a.raw;
  if (b.kind === CLASS.INFINITE) return infinity(f, negative);
  const exponent = Math.min(a.exponent, b.exponent);
  const aligned = (u: Unpacked, minus: boolean) => {
    const significand = u.significand << BigInt(u.exponent - exponent);
    return minus ? -significand : significand;
  };
  const total = aligned(a, a.negative) + aligned(b, negative);
  if (total !== 0n) return operation.round(f, total < 0n, total < 0n ? -total : total, exponent);
  // Zeros of one sign keep it; any other exact zero is negative only when rounding down (4.8.3.1).
  const both = a.kind === CLASS.ZERO && b.kind === CLASS.ZERO && a.negative === negative;
  return zero(f, both ? negative : operation.rounding === ROUNDING.DOWN);
}

/** ADD. */
export const add: BinaryArithmetic = (operation, f, x, y) => sum(operation, f, x, y, false);

/** SUB. */
export const subtract: BinaryArithmetic = (operation, f, x, y) => sum(operation, f, x, y, true);

/** MUL. */
export const multiply: BinaryArithmetic = (operation, f, x, y) => {
  const a = operation.unpack(f, x), b = operation.unpack(f, y);
  if (isNaNumber(a) || isNaNumber(b)) return operation.nan(f, a, b);
  const infinite = a.kind === CLASS.INFINITE || b.kind === CLASS.INFINITE;
  if (infinite && (a.kind === CLASS.ZERO || b.kind === CLASS.ZERO)) return operation.invalid(f);
  operation.denormals(a, b);
  const negative = a.negative !== b.negative;
  if (infinite) return infinity(f, negative);
  return operation.round(f, negative, a.significand * b.significand, a.exponent + b.exponent);
};

/** DIV. */
export const divide: BinaryArithmetic = (operation, f, x, y) => {
  const a = operation.unpack(f, x), b = operation.unpack(f, y);
  if (isNaNumber(a) || isNaNumber(b)) return operation.nan(f, a, b);
  if (a.kind === b.kind && (a.kind === CLASS.INFINITE || a.kind === CLASS.ZERO)) return operation.invalid(f);
  const negative = a.negative !== b.negative;
  if (b.kind === CLASS.ZERO && a.kind === CLASS.FINITE) {
    operation.raise(EXCEPTION.ZERO_DIVIDE);
    return infinity(f, negative);
  }
  operation.denormals(a, b);
  if (a.kind === CLASS.INFINITE) return infinity(f, negative);
  if (b.kind === CLASS.INFINITE || a.kind === CLASS.ZERO) return zero(f, negative);
  const shift = Math.max(0, f.precision + 3 + bitLength(b.significand) - bitLength(a.significand));
  const dividend = a.significand << BigInt(shift);
  const quotient = dividend / b.significand;
  const sticky = quotient * b.significand !== dividend;
  return operation.round(f, negative, quotient, a.exponent - b.exponent - shift, sticky);
};

/** SQRT. */
export const squareRoot: UnaryArithmetic = (operation, f, y) => {
  const b = operation.unpack(f, y);
  if (isNaNumber(b)) return operation.nan(f, b);
  if (b.kind === CLASS.ZERO) return b.raw;
  if (b.negative) return operation.invalid(f);
  operation.denormals(b);
  if (b.kind === CLASS.INFINITE) return b.raw;
  let shift = Math.max(0, 2 * f.precision + 6 - bitLength(b.significand));
  if (((b.exponent - shift) & 1) !== 0) shift++;
  const radicand = b.significand << BigInt(shift);
  const root = integerRoot(radicand);
  return operation.round(f, false, root, (b.exponent - shift) / 2, root * root !== radicand);
};

/** The greatest integer whose square is not above. */
function integerRoot(value: bigint): bigint {
  // Newton's iteration from above.
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** What a comparison finds. */
export const ORDER = { LESS: -1, EQUAL: 0, GREATER: 1, UNORDERED: 2 } as const;

/** Compares; `signaling`: a quiet NaN is invalid too. */
export function compare(operation: FloatOperation, f: Format, x: bigint, y: bigint, signaling: boolean): number {
  const a = operation.unpack(f, x), b = operation.unpack(f, y);
  if (isNaNumber(a) || isNaNumber(b)) {
    if (signaling || a.kind === CLASS.SIGNALING || b.kind === CLASS.SIGNALING) operation.raise(EXCEPTION.INVALID);
    return ORDER.UNORDERED;
  }
  operation.denormals(a, b);
  // Without its sign a number is ordered as its bits are.
  const value = (u: Unpacked) => u.negative ? -(u.raw ^ f.signBit) : u.raw;
  const left = value(a), right = value(b);
  return left < right ? ORDER.LESS : left > right ? ORDER.GREATER : ORDER.EQUAL;
}

/** MIN and MAX: the second operand unless the first is truly beyond it; NaNs are invalid (volume 2, MINPS). */
function extremum(wanted: number): BinaryArithmetic {
  return (operation, f, x, y) => operation.unpack(f, compare(operation, f, x, y, true) === wanted ? x : y).raw;
}

export const minimum: BinaryArithmetic = extremum(ORDER.LESS);
export const maximum: BinaryArithmetic = extremum(ORDER.GREATER);

/** The eight predicates of CMPPS: whether they hold (by order: less, equal, greater, unordered) and object to quiet NaNs. */
const PREDICATES: readonly (readonly [less: boolean, equal: boolean, greater: boolean, unordered: boolean])[] = [
  [false, true, false, false],
  [true, false, false, false],
  [true, true, false, false],
  [false, false, false, true],
  [true, false, true, true],
  [false, true, true, true],
  [false, false, true, true],
  [true, true, true, false],
];

/** CMPPS: all ones or zeros by predicate `number` (0 to 7). */
export function satisfies(operation: FloatOperation, f: Format, x: bigint, y: bigint, number: number): boolean {
  const signaling = (number & 3) === 1 || (number & 3) === 2;
  return PREDICATES[number]![compare(operation, f, x, y, signaling) + 1]!;
}

/** ROUNDPS: to an integer by a rounding mode; PE may be suppressed. */
export function roundToIntegral(
  operation: FloatOperation,
  f: Format,
  y: bigint,
  rounding: number,
  quiet: boolean,
): bigint {
  const b = operation.unpack(f, y);
  if (isNaNumber(b)) return operation.nan(f, b);
  if (b.kind !== CLASS.FINITE || b.exponent >= 0) return b.raw;
  const { value, exact } = FloatOperation.integral(b, rounding);
  if (!exact && !quiet) operation.raise(EXCEPTION.PRECISION);
  const length = bitLength(value);
  if (length === 0) return zero(f, b.negative);
  // At most as many bits as the significand has: exact.
  return operation.round(f, b.negative, value, 0);
}

const INTEGER_INDEFINITE = -0x8000_0000;

/** A doubleword integer, or the integer indefinite (table 4-8). */
export function toInteger(operation: FloatOperation, f: Format, y: bigint, rounding: number): number {
  const b = operation.unpack(f, y);
  if (b.kind === CLASS.ZERO) return 0;
  if (b.kind === CLASS.FINITE && b.exponent + f.precision <= 40) {
    const { value, exact } = FloatOperation.integral(b, rounding);
    const signed = b.negative ? -value : value;
    if (BigInt.asIntN(32, signed) === signed) {
      if (!exact) operation.raise(EXCEPTION.PRECISION);
      return Number(signed);
    }
  }
  operation.raise(EXCEPTION.INVALID);
  return INTEGER_INDEFINITE;
}

/** A number from a doubleword integer. */
export function fromInteger(operation: FloatOperation, f: Format, value: number): bigint {
  return operation.round(f, value < 0, BigInt(Math.abs(value)), 0);
}

/** From one format to the other. */
export function convert(operation: FloatOperation, from: Format, to: Format, y: bigint): bigint {
  const b = operation.unpack(from, y);
  if (isNaNumber(b)) {
    const shift = BigInt(to.precision - from.precision);
    const quiet = operation.nan(from, b) & (from.quietBit * 2n - 1n);
    return infinity(to, b.negative) | (shift >= 0n ? quiet << shift : quiet >> -shift);
  }
  operation.denormals(b);
  if (b.kind === CLASS.INFINITE) return infinity(to, b.negative);
  return operation.round(to, b.negative, b.significand, b.exponent);
}

const MAGNITUDE = 0x7fff_ffff;
const LEAST_NORMAL = 0x0080_0000;
const QUIET_BIT = 0x0040_0000;
const INFINITY = 0x7f80_0000;

const scratch = new DataView(new ArrayBuffer(4));

/** RCPPS and RSQRTPS: no flags, denormals are zeros, tiny results are flushed (volume 2, RCPPS; volume 1, 10.4.1). */
function approximation(reciprocal: (value: number) => number, negative: (sign: number) => number) {
  return (bits: number): number => {
    const magnitude = bits & MAGNITUDE, sign = bits & ~MAGNITUDE;
    if (magnitude > INFINITY) return bits | QUIET_BIT;
    if (magnitude < LEAST_NORMAL) return sign | INFINITY;
    if (sign !== 0) {
      const decided = negative(sign);
      if (decided !== 0) return decided;
    }
    if (magnitude === INFINITY) return sign;
    scratch.setInt32(0, magnitude);
    scratch.setFloat32(0, reciprocal(scratch.getFloat32(0)));
    const result = scratch.getInt32(0);
    return sign | (result < LEAST_NORMAL ? 0 : result);
  };
}

const REAL_INDEFINITE = 0xffc0_0000 | 0;

/** 1 / x on single-precision bits. */
export const reciprocal: (bits: number) => number = approximation((value) => 1 / value, () => 0);

/** 1 / sqrt(x) on single-precision bits. */
export const reciprocalRoot: (bits: number) => number = approximation(
  (value) => 1 / Math.sqrt(value),
  () => REAL_INDEFINITE,
);
