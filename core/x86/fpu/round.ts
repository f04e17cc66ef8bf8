/**
 * Rounding of exact results to the precision and range of a format, with overflow and underflow (Intel SDM volume 1, 4.8.4 and 4.9.1).
 *
 * @module
 */
import { type Context, EXCEPTION, ROUNDING } from "./context.ts";
import { BIAS, type Extended, INTEGER_BIT, SPECIAL_EXPONENT } from "./extended.ts";

/** Where a result goes: its significand's width, and the exponents of its normal numbers, biased as in the 80-bit format. */
export interface Target {
  readonly bits: 24 | 53 | 64;
  readonly minimum: number;
  readonly maximum: number;
}

/** The register format at the three precisions of the control word. */
export const EXTENDED: Target = { bits: 64, minimum: 1, maximum: SPECIAL_EXPONENT - 1 };
const EXTENDED_53: Target = { bits: 53, minimum: 1, maximum: SPECIAL_EXPONENT - 1 };
const EXTENDED_24: Target = { bits: 24, minimum: 1, maximum: SPECIAL_EXPONENT - 1 };

/** The memory formats. */
export const SINGLE: Target = { bits: 24, minimum: BIAS - 126, maximum: BIAS + 127 };
export const DOUBLE: Target = { bits: 53, minimum: BIAS - 1022, maximum: BIAS + 1023 };

/** Precision control (SDM volume 1, table 8-2). The reserved value 01b acts as double extended precision. */
const PRECISIONS: readonly Target[] = [EXTENDED_24, EXTENDED, EXTENDED_53, EXTENDED];

/** What FADD, FSUB, FMUL, FDIV and FSQRT round to. */
export function precisionTarget(context: Context): Target {
  return PRECISIONS[(context.control >> 8) & 3]!;
}

/** By how much an unmasked overflow or underflow scales the exponent of a register result (SDM volume 1, 8.5.4 and 8.5.5). */
export const EXPONENT_ADJUSTMENT = 24576;

// The last rounded significand. Variables rather than an object: every arithmetic instruction comes through here.
let high = 0;
let low = 0;
/** The carry went out of the integer bit: the significand is 0 and stands for twice the integer bit. */
let carried = false;
let inexact = false;
let incremented = false;

function roundBits(mode: number, sign: number, bits: number, topHalf: number, bottomHalf: number, extra: number): void {
  high = topHalf;
  low = bottomHalf;
  carried = false;
  incremented = false;
  let half: boolean;
  let rest: number;
  let odd: number;
  if (bits === 64) {
    if (extra === 0) {
      inexact = false;
      return;
    }
    half = extra < 0;
    rest = extra << 1;
    odd = low & 1;
  } else if (bits === 53) {
    half = (low & 0x400) !== 0;
    rest = (low & 0x3ff) | extra;
    odd = low & 0x800;
    low &= ~0x7ff;
  } else {
    half = (high & 0x80) !== 0;
    rest = (high & 0x7f) | low | extra;
    odd = high & 0x100;
    high &= ~0xff;
    low = 0;
  }
  inexact = half || rest !== 0;
  if (!inexact) return;
  if (mode === ROUNDING.NEAREST) incremented = half && (rest !== 0 || odd !== 0);
  else incremented = mode === (sign === 0 ? ROUNDING.UP : ROUNDING.DOWN);
  if (!incremented) return;
  if (bits === 24) {
    high = (high + 0x100) | 0;
    carried = high === 0;
    return;
  }
  low = (low + (bits === 64 ? 1 : 0x800)) | 0;
  if (low === 0) {
    high = (high + 1) | 0;
    carried = high === 0;
  }
}

// The last significand shifted right: three words, bits that fell off gathered in the lowest.
let shiftedHigh = 0;
let shiftedLow = 0;
let shiftedExtra = 0;

function shiftRight(topHalf: number, bottomHalf: number, extra: number, count: number): void {
  while (count >= 32) {
    extra = bottomHalf | (extra !== 0 ? 1 : 0);
    bottomHalf = topHalf;
    topHalf = 0;
    count -= 32;
  }
  if (count !== 0) {
    const lost = extra << (32 - count);
    extra = (extra >>> count) | (bottomHalf << (32 - count)) | (lost !== 0 ? 1 : 0);
    bottomHalf = (bottomHalf >>> count) | (topHalf << (32 - count));
    topHalf >>>= count;
  }
  shiftedHigh = topHalf | 0;
  shiftedLow = bottomHalf | 0;
  shiftedExtra = extra | 0;
}

/**
 * Rounds an exact non-zero result.
 *
 * A result below the normal numbers of a memory format leaves with the format's least exponent and its integer bit clear.
 *
 * @param exponent Biased, of any size.
 * @param topHalf Upper half of the significand, integer bit set.
 * @param bottomHalf Lower half.
 * @param extra The 32 bits that follow; its least bit also stands for all below it.
 */
export function round(
  context: Context,
  target: Target,
  sign: number,
  exponent: number,
  topHalf: number,
  bottomHalf: number,
  extra: number,
  out: Extended,
): void {
  const mode = context.rounding;
  roundBits(mode, sign, target.bits, topHalf, bottomHalf, extra);
  if (carried) {
    high = INTEGER_BIT;
    exponent++;
  }
  // Tininess is detected after rounding, with an exponent of any size (SDM volume 1, 4.9.1.5).
  if (exponent < target.minimum) {
    if (context.masked(EXCEPTION.UNDERFLOW)) {
      denormalize(context, target, sign, carried ? exponent - 1 : exponent, topHalf, bottomHalf, extra, out);
      return;
    }
    context.flags |= EXCEPTION.UNDERFLOW;
    exponent += EXPONENT_ADJUSTMENT;
    // Only FSCALE comes to this (SDM volume 1, 8.5.5).
    if (exponent < 1) {
      out.setZero(sign);
      return;
    }
  } else if (exponent > target.maximum) {
    context.flags |= EXCEPTION.OVERFLOW;
    if (context.masked(EXCEPTION.OVERFLOW)) {
      overflow(context, target, sign, mode, out);
      return;
    }
    exponent -= EXPONENT_ADJUSTMENT;
    if (exponent >= SPECIAL_EXPONENT) {
      out.setInfinity(sign);
      return;
    }
  }
  if (inexact) {
    context.flags |= EXCEPTION.PRECISION;
    context.roundedUp = incremented;
  }
  out.set(sign, exponent, high, low);
}

function denormalize(
  context: Context,
  target: Target,
  sign: number,
  exponent: number,
  topHalf: number,
  bottomHalf: number,
  extra: number,
  out: Extended,
): void {
  shiftRight(topHalf, bottomHalf, extra, Math.min(target.minimum - exponent, 128));
  roundBits(context.rounding, sign, target.bits, shiftedHigh, shiftedLow, shiftedExtra);
  if (inexact) {
    context.flags |= EXCEPTION.UNDERFLOW | EXCEPTION.PRECISION;
    context.roundedUp = incremented;
  }
  out.set(sign, target.minimum === 1 && high >= 0 ? 0 : target.minimum, high, low);
}

function overflow(context: Context, target: Target, sign: number, mode: number, out: Extended): void {
  context.flags |= EXCEPTION.PRECISION;
  context.roundedUp = mode === ROUNDING.NEAREST || mode === (sign === 0 ? ROUNDING.UP : ROUNDING.DOWN);
  if (context.roundedUp) {
    out.setInfinity(sign);
  } else {
    out.set(
      sign,
      target.maximum,
      target.bits === 24 ? ~0xff : ~0,
      target.bits === 24 ? 0 : target.bits === 53 ? ~0x7ff : ~0,
    );
  }
}

/**
 * Rounds the magnitude of a finite value below 2^64 to a whole number: `out.high` and `out.low` receive it, not normalized.
 *
 * @param mode A ROUNDING value.
 * @returns Whether the value was not whole; `context.roundedUp` says which way it went.
 */
export function roundToWhole(context: Context, value: Extended, mode: number, out: Extended): boolean {
  shiftRight(value.high, value.low, 0, Math.min(BIAS + 63 - value.exponent, 128));
  roundBits(mode, value.sign, 64, shiftedHigh, shiftedLow, shiftedExtra);
  context.roundedUp = incremented;
  out.sign = value.sign;
  out.high = high;
  out.low = low;
  return inexact;
}

/** Rounds `magnitude` times 2^`scale`, where `magnitude` is positive. The least bit of a magnitude of more than 96 bits may be sticky. */
export function roundBig(
  context: Context,
  target: Target,
  sign: number,
  magnitude: bigint,
  scale: number,
  out: Extended,
): void {
  const length = bitLength(magnitude);
  const shift = length - 96;
  let word = magnitude;
  if (shift > 0) {
    word = magnitude >> BigInt(shift);
    if ((word << BigInt(shift)) !== magnitude) word |= 1n;
  } else if (shift < 0) word = magnitude << BigInt(-shift);
  round(
    context,
    target,
    sign,
    BIAS + scale + length - 1,
    Number(word >> 64n) | 0,
    Number((word >> 32n) & 0xffff_ffffn) | 0,
    Number(word & 0xffff_ffffn) | 0,
    out,
  );
}

/** Number of bits of a positive integer. */
export function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(parseInt(digits[0]!, 16)) + 28;
}

/** The significand of a value as an integer. */
export function significand(value: Extended): bigint {
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}
