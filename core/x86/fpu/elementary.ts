/**
 * Elementary functions of exact binary numbers in integer arithmetic, to about 2^-110 of the result: enough to round to 64 bits, and the
 * same on every host.
 *
 * @module
 */
import { bitLength } from "./round.ts";

/** A positive number: `digits` times 2^`scale`. */
export interface Binary {
  readonly digits: bigint;
  readonly scale: number;
}

/** Fraction bits of fixed-point numbers. */
const W = 136;
const WIDTH = BigInt(W);
const ONE = 1n << WIDTH;

/** Pi with 252 fraction bits, and the natural logarithm of 2 with 256. */
const PI = 0x3243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c8n;
const PI_BITS = 252;
const LN2_LONG = 0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62d8a0d175b8baafa2bn;
const LN2 = LN2_LONG >> (256n - WIDTH);

/** Half of the 66-bit pi by which the FPU reduces angles (Intel SDM volume 1, 8.3.8), in units of 2^-67. */
const RIGHT_ANGLE = 0xc90fdaa22168c234cn;
const RIGHT_ANGLE_BITS = 67;

/** Pi in fixed point. */
const PI_FIXED = PI >> BigInt(PI_BITS - W);

/** `value` times 2^`count`, whatever the sign of `count`, rounded down. */
function shift(value: bigint, count: number): bigint {
  return count >= 0 ? value << BigInt(count) : value >> BigInt(-count);
}

/** A number in fixed point. */
function fixed(value: Binary): bigint {
  const count = value.scale + W;
  return count < -100_000 ? 0n : shift(value.digits, count);
}

/** Keeps the leading bits that matter. */
function trim(value: Binary): Binary {
  const excess = bitLength(value.digits) - (W + 4);
  return excess <= 0 ? value : { digits: value.digits >> BigInt(excess), scale: value.scale + excess };
}

/** num / den with W significant bits at least. */
function quotient(num: bigint, den: bigint): Binary {
  const count = Math.max(0, W + 2 + bitLength(den) - bitLength(num));
  return { digits: (num << BigInt(count)) / den, scale: -count };
}

function product(a: Binary, b: Binary): Binary {
  return trim({ digits: a.digits * b.digits, scale: a.scale + b.scale });
}

/** 1 plus or minus the terms that `divisor` makes of the powers of `square`: sum of square^n / (divisor(1) ... divisor(n)). */
function powerSeries(square: bigint, alternating: boolean, divisor: (n: bigint) => bigint): bigint {
  let sum = ONE;
  let term = ONE;
  for (let n = 1n;; n++) {
    term = ((term * square) >> WIDTH) / divisor(n);
    if (term === 0n) break;
    sum += alternating && (n & 1n) === 1n ? -term : term;
  }
  // The true value is not 1; what is lost must not make it so.
  return alternating && sum === ONE ? ONE - 1n : sum;
}

/** Sum of (+-square)^n / (2 n + 1): atan(t) / t and atanh(t) / t. */
function inverseSeries(square: bigint, alternating: boolean): bigint {
  let sum = ONE;
  let power = ONE;
  for (let n = 1n;; n++) {
    power = (power * square) >> WIDTH;
    if (power === 0n) break;
    const term = power / (2n * n + 1n);
    sum += alternating && (n & 1n) === 1n ? -term : term;
  }
  return alternating && sum === ONE ? ONE - 1n : sum;
}

/** The square of a number below 1, in fixed point. */
function squareOf(value: Binary): bigint {
  const root = fixed(value);
  return (root * root) >> WIDTH;
}

/** sin(x) for 0 < x < 1. */
export function sine(x: Binary): Binary {
  const factor = powerSeries(squareOf(x), true, (n) => 2n * n * (2n * n + 1n));
  return { digits: x.digits * factor, scale: x.scale - W };
}

/** cos(x) for 0 < x < 1. */
export function cosine(x: Binary): Binary {
  return { digits: powerSeries(squareOf(x), true, (n) => 2n * n * (2n * n - 1n)), scale: -W };
}

/** a / b. */
export function ratio(a: Binary, b: Binary): Binary {
  const { digits, scale } = quotient(a.digits, b.digits);
  return { digits, scale: scale + a.scale - b.scale };
}

/** An angle in the first octant and the eighths of a turn that were taken off it. */
export interface Reduced {
  /** The rest's magnitude; never zero, for no multiple of a right angle of 66 bits is a number of 64. */
  readonly rest: Binary;
  readonly negative: boolean;
  /** Right angles, modulo 4. */
  readonly quadrant: number;
}

/**
 * Takes right angles off a positive angle below 2^63 until at most half a right angle is left.
 */
export function reduceAngle(angle: Binary): Reduced {
  const { digits, scale } = angle;
  if (scale + bitLength(digits) < 0) return { rest: angle, negative: false, quadrant: 0 };
  const whole = shift(digits, scale + RIGHT_ANGLE_BITS);
  const count = (2n * whole + RIGHT_ANGLE) / (2n * RIGHT_ANGLE);
  const rest = whole - count * RIGHT_ANGLE;
  const magnitude = rest < 0n ? -rest : rest;
  return {
    rest: { digits: magnitude, scale: -RIGHT_ANGLE_BITS },
    negative: rest < 0n,
    quadrant: Number(count & 3n),
  };
}

/** Arc tangents of k/16, and logarithms of k/16, in fixed point: made when first needed. */
const arcTangents: bigint[] = [];
const logarithms: bigint[] = [];

function arcTangentOf(k: number): bigint {
  return arcTangents[k] ??= makeArcTangent(k);
}

function makeArcTangent(k: number): bigint {
  if (k === 0) return 0n;
  // atan(1) would converge slowly; atan(k/16) = atan((k-1)/16) + atan(16 / (256 + k (k - 1))).
  const t = quotient(16n, BigInt(256 + k * (k - 1)));
  return arcTangentOf(k - 1) + ((fixed(t) * inverseSeries(squareOf(t), true)) >> WIDTH);
}

function logarithmOf(k: number): bigint {
  return logarithms[k] ??= makeLogarithm(k);
}

function makeLogarithm(k: number): bigint {
  if (k === 16) return 0n;
  const t = quotient(BigInt(Math.abs(k - 16)), BigInt(k + 16));
  const magnitude = (2n * fixed(t) * inverseSeries(squareOf(t), false)) >> WIDTH;
  return k < 16 ? -magnitude : magnitude;
}

/** Exponents this far apart leave nothing of the smaller number in a sum. */
const APART = 300;

/** atan(a / b) for 0 < a <= b. */
export function arcTangent(a: Binary, b: Binary): Binary {
  const distance = b.scale + bitLength(b.digits) - a.scale - bitLength(a.digits);
  if (distance > APART) {
    const small = ratio(a, b);
    return { digits: small.digits * (ONE - 1n), scale: small.scale - W };
  }
  const scale = Math.min(a.scale, b.scale);
  const num = a.digits << BigInt(a.scale - scale);
  const den = b.digits << BigInt(b.scale - scale);
  const k = Number((32n * num + den) / (2n * den));
  const over = 16n * num - BigInt(k) * den;
  const under = 16n * den + BigInt(k) * num;
  const base = arcTangentOf(k);
  if (over === 0n) return { digits: base, scale: -W };
  const t = quotient(over < 0n ? -over : over, under);
  const factor = inverseSeries(squareOf(t), true);
  if (k === 0) return { digits: t.digits * factor, scale: t.scale - W };
  const part = (fixed(t) * factor) >> WIDTH;
  return { digits: over < 0n ? base - part : base + part, scale: -W };
}

/** A fraction of pi, eighths of it, plus or minus an angle. */
export function pastEighths(eighths: number, angle: Binary | undefined, negative: boolean): Binary {
  const part = angle === undefined ? 0n : fixed(angle);
  const base = (PI_FIXED * BigInt(eighths)) >> 3n;
  return { digits: negative ? base - part : base + part, scale: -W };
}

/** A signed number. */
export interface Signed extends Binary {
  readonly negative: boolean;
}

function overLn2(value: Binary): Binary {
  return ratio(value, { digits: LN2, scale: -W });
}

/** log2(x) for a positive x other than 1. */
export function logarithm2(x: Binary): Signed {
  // x = significand * 2^exponent, the significand between 0.7 and 1.41.
  const length = bitLength(x.digits);
  let exponent = x.scale + length - 1;
  let point = length - 1;
  if (x.digits * x.digits > 1n << BigInt(2 * length - 1)) {
    point = length;
    exponent++;
  }
  const unit = 1n << BigInt(point);
  const k = Number((32n * x.digits + unit) / (2n * unit));
  const over = 16n * x.digits - BigInt(k) * unit;
  const negative = over < 0n;
  const under = 16n * x.digits + BigInt(k) * unit;
  const t = over === 0n ? undefined : quotient(negative ? -over : over, under);
  const factor = t === undefined ? 0n : 2n * inverseSeries(squareOf(t), false);
  if (k === 16 && exponent === 0 && t !== undefined) {
    return { ...overLn2({ digits: t.digits * factor, scale: t.scale - W }), negative };
  }
  let natural = logarithmOf(k);
  if (t !== undefined) {
    const part = (fixed(t) * factor) >> WIDTH;
    natural += negative ? -part : part;
  }
  const sum = (BigInt(exponent) << WIDTH) + (natural << WIDTH) / LN2;
  return { digits: sum < 0n ? -sum : sum, scale: -W, negative: sum < 0n };
}

/** log2(1 + x) for |x| < 1/2, x not 0; the sign is that of x. */
export function logarithm2Plus1(x: Binary, negative: boolean): Binary {
  const size = x.scale + bitLength(x.digits);
  if (size < -APART) {
    const linear = overLn2(x);
    return { digits: negative ? linear.digits + 1n : linear.digits - 1n, scale: linear.scale };
  }
  const two = 2n << BigInt(Math.max(0, -x.scale));
  const digits = x.digits << BigInt(Math.max(0, x.scale));
  const t = quotient(digits, negative ? two - digits : two + digits);
  return overLn2({ digits: t.digits * 2n * inverseSeries(squareOf(t), false), scale: t.scale - W });
}

/** |2^x - 1| for -1 < x < 1, x not 0; the sign is that of x. */
export function exponential2Minus1(x: Binary, negative: boolean): Binary {
  const z = product(x, { digits: LN2, scale: -W });
  const power = fixed(z);
  const factor = powerSeries(power, negative, (n) => n + 1n);
  return { digits: z.digits * factor, scale: z.scale - W };
}

/** a * b. */
export function times(a: Binary, b: Binary): Binary {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}
