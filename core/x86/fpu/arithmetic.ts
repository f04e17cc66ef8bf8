/**
 * Exact addition, subtraction, multiplication, division and square root, rounded once (Intel SDM volume 1, 8.3.5).
 *
 * @module
 */
import { type Context, EXCEPTION, ROUNDING } from "./context.ts";
import { BIAS, Extended, KIND, kindOf } from "./extended.ts";
import { invalid, propagate, propagateOne } from "./nan.ts";
import { precisionTarget, round, roundBig, significand } from "./round.ts";

/** An operation on two operands: `out` is left alone when an exception forbids a result. */
export type Binary = (context: Context, a: Extended, b: Extended, out: Extended) => void;

/** An operation on one operand. */
export type Unary = (context: Context, a: Extended, out: Extended) => void;

// Operands brought into normal form.
const left = new Extended();
const right = new Extended();

/** Reports a denormal operand; true when the operation must end. */
export function denormalStops(context: Context, kindA: number, kindB: number): boolean {
  return (kindA === KIND.DENORMAL || kindB === KIND.DENORMAL || context.denormalOperand) &&
    context.raise(EXCEPTION.DENORMAL);
}

/** `a` + `b`. */
export function add(context: Context, a: Extended, b: Extended, out: Extended): void {
  sum(context, a, b, b.sign, out);
}

/** `a` - `b`. */
export function subtract(context: Context, a: Extended, b: Extended, out: Extended): void {
  sum(context, a, b, b.sign ^ 1, out);
}

/** `b` - `a`. */
export function subtractReversed(context: Context, a: Extended, b: Extended, out: Extended): void {
  sum(context, b, a, a.sign ^ 1, out);
}

function sum(context: Context, a: Extended, b: Extended, signB: number, out: Extended): void {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET_NAN || kindB >= KIND.QUIET_NAN) return propagate(context, a, kindA, b, kindB, out);
  if (kindA === KIND.NORMAL && kindB === KIND.NORMAL) {
    if (denormalStops(context, kindA, kindB)) return;
    return sumNormal(context, a, b, signB, out);
  }
  if (kindA === KIND.INFINITY && kindB === KIND.INFINITY && a.sign !== signB) return invalid(context, out);
  if (denormalStops(context, kindA, kindB)) return;
  if (kindA === KIND.INFINITY || kindB === KIND.INFINITY) {
    out.setInfinity(kindA === KIND.INFINITY ? a.sign : signB);
  } else if (kindA === KIND.ZERO && kindB === KIND.ZERO) {
    out.setZero(a.sign === signB ? signB : context.rounding === ROUNDING.DOWN ? 1 : 0);
  } else if (kindA === KIND.ZERO || kindB === KIND.ZERO) {
    const sign = kindA === KIND.ZERO ? signB : a.sign;
    left.assign(kindA === KIND.ZERO ? b : a).normalize();
    round(context, precisionTarget(context), sign, left.exponent, left.high, left.low, 0, out);
  } else {
    sumNormal(context, left.assign(a).normalize(), right.assign(b).normalize(), signB, out);
  }
}

function sumNormal(context: Context, a: Extended, b: Extended, signB: number, out: Extended): void {
  let big = a;
  let small = b;
  let sign = a.sign;
  const same = sign === signB;
  let distance = a.exponent - b.exponent;
  if (
    distance < 0 ||
    (distance === 0 &&
      (a.high >>> 0 < b.high >>> 0 || (a.high === b.high && a.low >>> 0 < b.low >>> 0)))
  ) {
    big = b;
    small = a;
    sign = signB;
    distance = -distance;
  }
  // The smaller significand in place under the larger: three words, what falls off sticky.
  let high = small.high;
  let low = small.low;
  let extra = 0;
  if (distance >= 96) {
    high = low = 0;
    extra = 1;
  } else {
    if (distance >= 64) {
      extra = high | (low !== 0 ? 1 : 0);
      high = low = 0;
    } else if (distance >= 32) {
      extra = low;
      low = high;
      high = 0;
    }
    const shift = distance & 31;
    if (shift !== 0) {
      const lost = extra << (32 - shift);
      extra = (extra >>> shift) | (low << (32 - shift)) | (lost !== 0 ? 1 : 0);
      low = (low >>> shift) | (high << (32 - shift));
      high >>>= shift;
    }
  }
  let { exponent } = big;
  if (same) {
    const lowSum = (big.low >>> 0) + (low >>> 0);
    const highSum = (big.high >>> 0) + (high >>> 0) + (lowSum >= 0x1_0000_0000 ? 1 : 0);
    low = lowSum | 0;
    high = highSum | 0;
    if (highSum >= 0x1_0000_0000) {
      extra = (extra >>> 1) | (extra & 1) | (low << 31);
      low = (low >>> 1) | (high << 31);
      high = (high >>> 1) | 0x8000_0000;
      exponent++;
    }
  } else {
    const borrow = extra !== 0 ? 1 : 0;
    extra = -extra | 0;
    const lowDifference = (big.low >>> 0) - (low >>> 0) - borrow;
    high = (big.high - high - (lowDifference < 0 ? 1 : 0)) | 0;
    low = lowDifference | 0;
    if (high >= 0) {
      if ((high | low | extra) === 0) {
        out.setZero(context.rounding === ROUNDING.DOWN ? 1 : 0);
        return;
      }
      while (high === 0) {
        high = low;
        low = extra;
        extra = 0;
        exponent -= 32;
      }
      const shift = Math.clz32(high);
      if (shift !== 0) {
        high = (high << shift) | (low >>> (32 - shift));
        low = (low << shift) | (extra >>> (32 - shift));
        extra <<= shift;
        exponent -= shift;
      }
    }
  }
  round(context, precisionTarget(context), sign, exponent, high, low, extra, out);
}

/** Upper word of the product of two words. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const first = aHigh * bLow + (Math.imul(aLow, bLow) >>> 16);
  const second = aLow * bHigh + (first & 0xffff);
  return aHigh * bHigh + (first >>> 16) + (second >>> 16);
}

/** `a` * `b`. */
export function multiply(context: Context, a: Extended, b: Extended, out: Extended): void {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET_NAN || kindB >= KIND.QUIET_NAN) return propagate(context, a, kindA, b, kindB, out);
  const sign = a.sign ^ b.sign;
  if (kindA !== KIND.NORMAL || kindB !== KIND.NORMAL) {
    const infinite = kindA === KIND.INFINITY || kindB === KIND.INFINITY;
    const zero = kindA === KIND.ZERO || kindB === KIND.ZERO;
    if (infinite && zero) return invalid(context, out);
    if (denormalStops(context, kindA, kindB)) return;
    if (infinite) {
      out.setInfinity(sign);
      return;
    }
    if (zero) {
      out.setZero(sign);
      return;
    }
    a = left.assign(a).normalize();
    b = right.assign(b).normalize();
  } else if (denormalStops(context, kindA, kindB)) return;

  // Column sums of the four partial products; each is below 2^34.
  const { high: aHigh, low: aLow } = a;
  const { high: bHigh, low: bLow } = b;
  const bottom = Math.imul(aLow, bLow);
  const column1 = multiplyHigh(aLow, bLow) + (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bHigh) >>> 0);
  const carry1 = Math.floor(column1 / 0x1_0000_0000);
  const column2 = multiplyHigh(aHigh, bLow) + multiplyHigh(aLow, bHigh) + (Math.imul(aHigh, bHigh) >>> 0) + carry1;
  const carry2 = Math.floor(column2 / 0x1_0000_0000);
  let high = (multiplyHigh(aHigh, bHigh) + carry2) | 0;
  let low = column2 | 0;
  let extra = column1 | 0;
  let exponent = a.exponent + b.exponent - BIAS + 1;
  if (high >= 0) {
    high = (high << 1) | (low >>> 31);
    low = (low << 1) | (extra >>> 31);
    extra = (extra << 1) | (bottom >>> 31);
    exponent--;
    if (bottom << 1 !== 0) extra |= 1;
  } else if (bottom !== 0) extra |= 1;
  round(context, precisionTarget(context), sign, exponent, high, low, extra, out);
}

/** `a` / `b`. */
export function divide(context: Context, a: Extended, b: Extended, out: Extended): void {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET_NAN || kindB >= KIND.QUIET_NAN) return propagate(context, a, kindA, b, kindB, out);
  const sign = a.sign ^ b.sign;
  if (kindA === kindB && (kindA === KIND.INFINITY || kindA === KIND.ZERO)) return invalid(context, out);
  if (kindA !== KIND.INFINITY && kindB === KIND.ZERO) {
    // A denormal dividend goes unreported: division by zero comes first (SDM volume 1, 8.6).
    if (!context.raise(EXCEPTION.ZERO_DIVIDE)) out.setInfinity(sign);
    return;
  }
  if (denormalStops(context, kindA, kindB)) return;
  if (kindA === KIND.INFINITY) {
    out.setInfinity(sign);
  } else if (kindA === KIND.ZERO || kindB === KIND.INFINITY) {
    out.setZero(sign);
  } else {
    left.assign(a).normalize();
    right.assign(b).normalize();
    // 97 quotient bits at least, and a bit for the remainder.
    const dividend = significand(left) << 97n;
    const divisor = significand(right);
    const quotient = dividend / divisor;
    const sticky = quotient * divisor === dividend ? 0n : 1n;
    const scale = left.exponent - right.exponent - 98;
    roundBig(context, precisionTarget(context), sign, (quotient << 1n) | sticky, scale, out);
  }
}

/** `b` / `a`. */
export function divideReversed(context: Context, a: Extended, b: Extended, out: Extended): void {
  divide(context, b, a, out);
}

/** The greatest integer whose square is at most `value`. */
function integerRoot(value: bigint, bits: number): bigint {
  // Newton's iteration from above falls until it has the root.
  let root = 1n << BigInt((bits + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The square root of `a`. */
export function squareRoot(context: Context, a: Extended, out: Extended): void {
  const kind = kindOf(a);
  if (kind >= KIND.QUIET_NAN) return propagateOne(context, a, kind, out);
  if (kind === KIND.ZERO) {
    out.assign(a);
    return;
  }
  if (a.sign !== 0) return invalid(context, out);
  if (kind === KIND.INFINITY) {
    out.assign(a);
    return;
  }
  if (denormalStops(context, kind, KIND.ZERO)) return;
  left.assign(a).normalize();
  // An even power of two is left over: 2 * 97 bits give a root of 97.
  const odd = (left.exponent - BIAS) & 1;
  const radicand = significand(left) << BigInt(129 + odd);
  const root = integerRoot(radicand, 194);
  const sticky = root * root === radicand ? 0n : 1n;
  const scale = ((left.exponent - BIAS - odd) >> 1) - 97;
  roundBig(context, precisionTarget(context), 0, (root << 1n) | sticky, scale, out);
}
