/**
 * FPREM, FPREM1, FSCALE, FXTRACT and FRNDINT (Intel SDM volume 1, 8.3.5; volume 2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { denormalStops } from "./arithmetic.ts";
import { Context, EXCEPTION } from "./context.ts";
import { BIAS, Extended, KIND, kindOf } from "./extended.ts";
import { fromInteger } from "./integer.ts";
import { invalid, propagate, propagateOne } from "./nan.ts";
import { EXTENDED, round, roundBig, roundToWhole, significand } from "./round.ts";
import {
  controlWord,
  isEmpty,
  push,
  readRegister,
  settle,
  stackOverflow,
  stackUnderflow,
  STATUS,
  writeRegister,
} from "./stack.ts";

const left = new Extended();
const right = new Extended();

/** Instead of condition codes: there is no quotient, and C0 and C3 stay. */
export const NO_QUOTIENT = -1;

/** The low three bits of a quotient in C0, C3 and C1. */
function quotientBits(quotient: bigint): number {
  const low = Number(quotient & 7n);
  return ((low & 4) !== 0 ? STATUS.C0 : 0) | ((low & 2) !== 0 ? STATUS.C3 : 0) | ((low & 1) !== 0 ? STATUS.C1 : 0);
}

function partialRemainder(context: Context, a: Extended, b: Extended, nearest: boolean, out: Extended): number {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET_NAN || kindB >= KIND.QUIET_NAN) {
    propagate(context, a, kindA, b, kindB, out);
    return NO_QUOTIENT;
  }
  if (kindA === KIND.INFINITY || kindB === KIND.ZERO) {
    invalid(context, out);
    return NO_QUOTIENT;
  }
  if (denormalStops(context, kindA, kindB)) return 0;
  if (kindA === KIND.ZERO) {
    out.assign(a);
    return 0;
  }
  left.assign(a).normalize();
  if (kindB === KIND.INFINITY) {
    round(context, EXTENDED, left.sign, left.exponent, left.high, left.low, 0, out);
    return 0;
  }
  right.assign(b).normalize();
  const distance = left.exponent - right.exponent;
  if (distance < (nearest ? -1 : 0)) {
    round(context, EXTENDED, left.sign, left.exponent, left.high, left.low, 0, out);
    return 0;
  }
  // With exponents 64 or more apart the quotient comes in parts: this one is its upper 32 to 63 bits.
  const rest = distance < 64 ? 0 : distance - (32 + (distance & 31));
  let { sign } = left;
  const shift = distance - rest;
  let scale = right.exponent + rest;
  let dividend = significand(left);
  let divisor = significand(right);
  if (shift < 0) {
    divisor <<= BigInt(-shift);
    scale += shift;
  } else dividend <<= BigInt(shift);
  let quotient = dividend / divisor;
  let magnitude = dividend - quotient * divisor;
  if (nearest && rest === 0) {
    const twice = magnitude * 2n;
    if (twice > divisor || (twice === divisor && (quotient & 1n) === 1n)) {
      quotient++;
      magnitude = divisor - magnitude;
      sign ^= 1;
    }
  }
  if (magnitude === 0n) out.setZero(a.sign);
  else roundBig(context, EXTENDED, sign, magnitude, scale - BIAS - 63, out);
  return rest === 0 ? quotientBits(quotient) : STATUS.C2;
}

/** The remainder with a truncated quotient; returns the condition codes or NO_QUOTIENT. */
export function truncatedRemainder(context: Context, a: Extended, b: Extended, out: Extended): number {
  return partialRemainder(context, a, b, false, out);
}

/** The IEEE 754 remainder, whose quotient is rounded to nearest; returns the condition codes or NO_QUOTIENT. */
export function nearestRemainder(context: Context, a: Extended, b: Extended, out: Extended): number {
  return partialRemainder(context, a, b, true, out);
}

/** Scales beyond this overflow or underflow whatever they scale. */
const SCALE_LIMIT = 0x1_0000;

/** `a` times 2 to the power of `b` truncated. */
export function scale(context: Context, a: Extended, b: Extended, out: Extended): void {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET_NAN || kindB >= KIND.QUIET_NAN) return propagate(context, a, kindA, b, kindB, out);
  if (kindB === KIND.INFINITY) {
    if (kindA === (b.sign === 0 ? KIND.ZERO : KIND.INFINITY)) return invalid(context, out);
    if (denormalStops(context, kindA, kindB)) return;
    if (b.sign === 0) out.setInfinity(a.sign);
    else out.setZero(a.sign);
    return;
  }
  if (denormalStops(context, kindA, kindB)) return;
  if (kindA === KIND.INFINITY || kindA === KIND.ZERO) {
    out.assign(a);
    return;
  }
  let count = 0;
  if (kindB === KIND.NORMAL && b.exponent >= BIAS) {
    const power = b.exponent - BIAS;
    count = power > 16 ? SCALE_LIMIT : b.high >>> (31 - power);
    if (b.sign === 1) count = -count;
  }
  left.assign(a).normalize();
  round(context, EXTENDED, a.sign, left.exponent + count, left.high, left.low, 0, out);
}

/** `a` rounded to a whole number as the rounding control says. */
export function roundToInteger(context: Context, a: Extended, out: Extended): void {
  const kind = kindOf(a);
  if (kind >= KIND.QUIET_NAN) return propagateOne(context, a, kind, out);
  if (denormalStops(context, kind, KIND.ZERO)) return;
  if (kind === KIND.ZERO || kind === KIND.INFINITY || a.exponent >= BIAS + 63) {
    out.assign(a);
    return;
  }
  if (roundToWhole(context, a, context.rounding, out)) context.flags |= EXCEPTION.PRECISION;
  if ((out.high | out.low) === 0) {
    out.setZero(a.sign);
    return;
  }
  out.exponent = BIAS + 63;
  out.normalize();
}

const context = new Context();
const value = new Extended();
const exponent = new Extended();
const indefinite = new Extended().setIndefinite();

/** FXTRACT: the exponent replaces ST(0), then the significand is pushed. */
export function fxtract(cpu: Cpu): void {
  if (isEmpty(cpu, 0) || !isEmpty(cpu, -1)) {
    if (!(isEmpty(cpu, 0) ? stackUnderflow(cpu) : stackOverflow(cpu))) return;
    writeRegister(cpu, 0, indefinite);
    push(cpu, indefinite);
    return;
  }
  extract(context.begin(controlWord(cpu)), readRegister(cpu, 0, value));
  if (!settle(cpu, context)) return;
  writeRegister(cpu, 0, exponent);
  push(cpu, value);
}

/** Splits `a` into `exponent` and itself as significand. */
function extract(context: Context, a: Extended): void {
  const kind = kindOf(a);
  if (kind >= KIND.QUIET_NAN) {
    propagateOne(context, a, kind, a);
    exponent.assign(a);
  } else if (kind === KIND.INFINITY) {
    exponent.setInfinity(0);
  } else if (kind === KIND.ZERO) {
    if (!context.raise(EXCEPTION.ZERO_DIVIDE)) exponent.setInfinity(1);
  } else if (!denormalStops(context, kind, KIND.ZERO)) {
    a.normalize();
    const power = a.exponent - BIAS;
    fromInteger(power >> 31, power, exponent);
    a.exponent = BIAS;
  }
}
