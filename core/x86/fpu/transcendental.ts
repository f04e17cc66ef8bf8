/**
 * F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN, FCOS and FSINCOS (Intel SDM volume 1, 8.3.7 to 8.3.10): which operands are special, and
 * the rounding of what the elementary functions give.
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Callout } from "../system/callout.ts";
import { denormalStops, multiply } from "./arithmetic.ts";
import { Context, EXCEPTION } from "./context.ts";
import {
  arcTangent,
  type Binary,
  cosine,
  exponential2Minus1,
  logarithm2,
  logarithm2Plus1,
  pastEighths,
  ratio,
  reduceAngle,
  type Reduced,
  sine,
  times,
} from "./elementary.ts";
import { BIAS, Extended, INTEGER_BIT, KIND, kindOf } from "./extended.ts";
import { fromInteger } from "./integer.ts";
import { invalid, propagate, propagateOne } from "./nan.ts";
import { EXTENDED, roundBig, significand } from "./round.ts";
import {
  controlWord,
  isEmpty,
  push,
  readRegister,
  setStatus,
  settle,
  stackOverflow,
  stackUnderflow,
  STATUS,
  writeRegister,
} from "./stack.ts";

const left = new Extended();
const right = new Extended();

/** The magnitude of a finite non-zero value, as an exact number. */
function binary(value: Extended, into: Extended): Binary {
  into.assign(value).normalize();
  return { digits: significand(into), scale: into.exponent - BIAS - 63 };
}

/** Rounds a result that is never exact. */
function roundInexact(context: Context, sign: number, value: Binary, out: Extended): void {
  roundBig(context, EXTENDED, sign, (value.digits << 1n) | 1n, value.scale - 1, out);
}

/** Full precision whatever the precision control says, for products that are exact but for their rounding. */
const EXTENDED_PRECISION = 3 << 8;

/** 2 to the power of `a`, less 1. */
export function twoToXMinus1(context: Context, a: Extended, out: Extended): void {
  const kind = kindOf(a);
  if (kind >= KIND.QUIET_NAN) return propagateOne(context, a, kind, out);
  if (kind === KIND.INFINITY) {
    if (a.sign === 0) out.assign(a);
    else out.set(1, BIAS, INTEGER_BIT, 0);
    return;
  }
  if (denormalStops(context, kind, KIND.ZERO)) return;
  // Outside -1 to 1 the result is undefined: the operand stays.
  if (kind === KIND.ZERO || a.exponent >= BIAS) {
    out.assign(a);
    if (a.sign === 1 && a.exponent === BIAS && a.high === INTEGER_BIT && a.low === 0) out.exponent--;
    return;
  }
  roundInexact(context, a.sign, exponential2Minus1(binary(a, left), a.sign === 1), out);
}

/** Whether a value is 1. */
function isOne(value: Extended): boolean {
  return value.sign === 0 && value.exponent === BIAS && value.high === INTEGER_BIT && value.low === 0;
}

/** ST(1) times the logarithm of ST(0) to base 2. */
export function yLog2X(context: Context, x: Extended, y: Extended, out: Extended): void {
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  if (kindX >= KIND.QUIET_NAN || kindY >= KIND.QUIET_NAN) return propagate(context, x, kindX, y, kindY, out);
  if (x.sign === 1 && kindX !== KIND.ZERO) return invalid(context, out);
  const zeroLogarithm = isOne(x);
  if (
    kindY === KIND.INFINITY ? zeroLogarithm : kindY === KIND.ZERO && (kindX === KIND.ZERO || kindX === KIND.INFINITY)
  ) {
    return invalid(context, out);
  }
  const sign = x.exponent < BIAS ? y.sign ^ 1 : y.sign;
  if (kindX === KIND.ZERO && kindY !== KIND.INFINITY) {
    if (!context.raise(EXCEPTION.ZERO_DIVIDE)) out.setInfinity(sign);
    return;
  }
  if (denormalStops(context, kindX, kindY)) return;
  if (kindX === KIND.ZERO || kindX === KIND.INFINITY || kindY === KIND.INFINITY) {
    out.setInfinity(sign);
  } else if (kindY === KIND.ZERO || zeroLogarithm) {
    out.setZero(sign);
  } else {
    const number = binary(x, left);
    if (left.high === INTEGER_BIT && left.low === 0) {
      // The logarithm of a power of two is a whole number.
      const power = left.exponent - BIAS;
      context.control |= EXTENDED_PRECISION;
      multiply(context, fromInteger(power >> 31, power, right), left.assign(y), out);
      return;
    }
    const result = logarithm2(number);
    roundInexact(context, y.sign ^ (result.negative ? 1 : 0), times(result, binary(y, right)), out);
  }
}

/** ST(1) times the logarithm of ST(0) + 1 to base 2. */
export function yLog2XPlus1(context: Context, x: Extended, y: Extended, out: Extended): void {
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  if (kindX >= KIND.QUIET_NAN || kindY >= KIND.QUIET_NAN) return propagate(context, x, kindX, y, kindY, out);
  const sign = x.sign ^ y.sign;
  if (kindX === KIND.INFINITY) {
    if (x.sign === 1 || kindY === KIND.ZERO) return invalid(context, out);
    if (denormalStops(context, kindX, kindY)) return;
    out.setInfinity(sign);
    return;
  }
  if (kindX === KIND.ZERO && kindY === KIND.INFINITY) return invalid(context, out);
  if (denormalStops(context, kindX, kindY)) return;
  if (kindY === KIND.INFINITY) {
    out.setInfinity(sign);
  } else if (kindX === KIND.ZERO || kindY === KIND.ZERO) {
    out.setZero(sign);
  } else {
    const number = binary(x, left);
    const factor = binary(y, right);
    if (left.exponent < BIAS - 1) {
      roundInexact(context, sign, times(logarithm2Plus1(number, x.sign === 1), factor), out);
      return;
    }
    // Beyond the defined range: the logarithm of 1 + x where it has one, else the operand.
    const low = Math.min(number.scale, 0);
    const digits = number.digits << BigInt(number.scale - low);
    const sum = (1n << BigInt(-low)) + (x.sign === 1 ? -digits : digits);
    if (sum <= 0n) {
      out.assign(x);
      return;
    }
    const result = logarithm2({ digits: sum, scale: low });
    roundInexact(context, y.sign ^ (result.negative ? 1 : 0), times(result, factor), out);
  }
}

/** The angle whose tangent is ST(1) / ST(0), in the quadrant of the point (ST(0), ST(1)) (SDM volume 2, table 3-33). */
export function arcTangentOfQuotient(context: Context, x: Extended, y: Extended, out: Extended): void {
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  if (kindX >= KIND.QUIET_NAN || kindY >= KIND.QUIET_NAN) return propagate(context, x, kindX, y, kindY, out);
  if (denormalStops(context, kindX, kindY)) return;
  const { sign } = y;
  const behind = x.sign === 1;
  if (kindX === KIND.INFINITY && kindY === KIND.INFINITY) {
    roundInexact(context, sign, pastEighths(behind ? 6 : 2, undefined, false), out);
  } else if (kindY === KIND.ZERO || kindX === KIND.INFINITY) {
    if (behind) roundInexact(context, sign, pastEighths(8, undefined, false), out);
    else out.setZero(sign);
  } else if (kindX === KIND.ZERO || kindY === KIND.INFINITY) {
    roundInexact(context, sign, pastEighths(4, undefined, false), out);
  } else {
    const across = binary(x, left);
    const up = binary(y, right);
    const steep = up.scale > across.scale || (up.scale === across.scale && up.digits > across.digits);
    const angle = steep ? arcTangent(across, up) : arcTangent(up, across);
    roundInexact(
      context,
      sign,
      steep ? pastEighths(4, angle, !behind) : behind ? pastEighths(8, angle, true) : angle,
      out,
    );
  }
}

const context = new Context();
const operand = new Extended();
const first = new Extended();
const second = new Extended();
const indefinite = new Extended().setIndefinite();
const one = new Extended().set(0, BIAS, INTEGER_BIT, 0);

/** A trigonometric function of a reduced angle whose sign is `sign`. */
type Trigonometric = (context: Context, sign: number, angle: Reduced, out: Extended) => void;

/** sin where `turn` is 0, cos where it is 1: a cosine is the sine a right angle on. */
function sineAt(context: Context, sign: number, angle: Reduced, turn: number, out: Extended): void {
  const quadrant = (angle.quadrant + turn) & 3;
  const odd = (quadrant & 1) === 1;
  let negative = turn === 0 ? sign : 0;
  if ((quadrant & 2) !== 0) negative ^= 1;
  if (!odd && angle.negative) negative ^= 1;
  roundInexact(context, negative, odd ? cosine(angle.rest) : sine(angle.rest), out);
}

const sin: Trigonometric = (context, sign, angle, out) => sineAt(context, sign, angle, 0, out);
const cos: Trigonometric = (context, sign, angle, out) => sineAt(context, sign, angle, 1, out);

const tan: Trigonometric = (context, sign, angle, out) => {
  const odd = (angle.quadrant & 1) === 1;
  let negative = sign;
  if (odd) negative ^= 1;
  if (angle.negative) negative ^= 1;
  const { rest } = angle;
  roundInexact(context, negative, odd ? ratio(cosine(rest), sine(rest)) : ratio(sine(rest), cosine(rest)), out);
};

/**
 * FSIN, FCOS, FPTAN or FSINCOS.
 *
 * @param replace What becomes of ST(0).
 * @param zero What it becomes of a zero: itself, or 1.
 * @param pushed What is then pushed: nothing, the constant 1 or a function of the operand.
 */
function trigonometric(replace: Trigonometric, pushed?: Trigonometric | "one"): Callout {
  return (cpu: Cpu) => {
    if (isEmpty(cpu, 0) || (pushed !== undefined && !isEmpty(cpu, -1))) {
      if (!(isEmpty(cpu, 0) ? stackUnderflow(cpu) : stackOverflow(cpu))) return;
      setStatus(cpu, STATUS.C2, 0);
      writeRegister(cpu, 0, indefinite);
      if (pushed !== undefined) push(cpu, indefinite);
      return;
    }
    readRegister(cpu, 0, operand);
    context.begin(controlWord(cpu));
    const kind = kindOf(operand);
    // Too large an operand: C2, and the program is to reduce it (SDM volume 1, 8.3.8).
    if (kind === KIND.NORMAL && operand.exponent >= BIAS + 63) {
      settle(cpu, context);
      setStatus(cpu, STATUS.C2, STATUS.C2);
      return;
    }
    if (kind >= KIND.INFINITY) {
      if (kind === KIND.INFINITY) invalid(context, first);
      else propagateOne(context, operand, kind, first);
      second.assign(first);
    } else if (kind === KIND.ZERO) {
      if (replace === cos) first.assign(one);
      else first.assign(operand);
      second.assign(one);
    } else if (!denormalStops(context, kind, KIND.ZERO)) {
      const angle = reduceAngle(binary(operand, left));
      if (pushed === "one") second.assign(one);
      else if (pushed !== undefined) pushed(context, operand.sign, angle, second);
      replace(context, operand.sign, angle, first);
    }
    if (!settle(cpu, context)) return;
    setStatus(cpu, STATUS.C2, 0);
    writeRegister(cpu, 0, first);
    if (pushed !== undefined) push(cpu, second);
  };
}

export const fsin: Callout = trigonometric(sin);
export const fcos: Callout = trigonometric(cos);
export const fptan: Callout = trigonometric(tan, "one");
export const fsincos: Callout = trigonometric(sin, cos);
