/**
 * Conversion between the register format and the single, double and extended formats of memory (Intel SDM volume 1, 4.2.2 and 8.4).
 *
 * @module
 */
import { type Context, EXCEPTION } from "./context.ts";
import { BIAS, Extended, INTEGER_BIT, KIND, kindOf, QUIET_BIT, SPECIAL_EXPONENT } from "./extended.ts";
import type { Words } from "./memory_operand.ts";
import { DOUBLE, round, SINGLE } from "./round.ts";

const value = new Extended();
const rounded = new Extended();

/** Unpacks a single; a signaling NaN stays one. Returns whether it was denormal in its own format. */
export function unpackSingle(bits: number, out: Extended): boolean {
  const exponent = (bits >>> 23) & 0xff;
  const high = (bits << 8) & 0x7fff_ffff;
  out.sign = bits >>> 31;
  out.low = 0;
  if (exponent === 0) return unpackSmall(BIAS - 126, high, 0, out);
  out.exponent = exponent === 0xff ? SPECIAL_EXPONENT : exponent + BIAS - 127;
  out.high = high | INTEGER_BIT;
  return false;
}

/** Unpacks a double, likewise. */
export function unpackDouble(bottom: number, top: number, out: Extended): boolean {
  const exponent = (top >>> 20) & 0x7ff;
  const high = ((top << 11) & 0x7fff_ffff) | (bottom >>> 21);
  const low = bottom << 11;
  out.sign = top >>> 31;
  if (exponent === 0) return unpackSmall(BIAS - 1022, high, low, out);
  out.exponent = exponent === 0x7ff ? SPECIAL_EXPONENT : exponent + BIAS - 1023;
  out.high = high | INTEGER_BIT;
  out.low = low;
  return false;
}

/** A zero, or a denormal of a memory format: normal in the wider register format. */
function unpackSmall(exponent: number, high: number, low: number, out: Extended): boolean {
  if ((high | low) === 0) {
    out.setZero(out.sign);
    return false;
  }
  out.exponent = exponent;
  out.high = high;
  out.low = low;
  out.normalize();
  return true;
}

export function unpackExtended(words: Words, out: Extended): void {
  out.set((words.top >> 15) & 1, words.top & 0x7fff, words.high, words.low);
}

export function packExtended(from: Extended, words: Words): void {
  words.low = from.low;
  words.high = from.high;
  words.top = (from.sign << 15) | from.exponent;
}

/** Rounds and packs a register as a single: `words.low`. Nothing is packed when an exception forbids a store. */
export function packSingle(context: Context, from: Extended, words: Words): void {
  if (!prepare(context, from, SINGLE)) return;
  const { sign, exponent, high } = rounded;
  const field = exponent === SPECIAL_EXPONENT ? 0xff : exponent === 0 || high >= 0 ? 0 : exponent - BIAS + 127;
  words.low = (sign << 31) | (field << 23) | ((high >>> 8) & 0x7f_ffff);
}

/** Rounds and packs a register as a double, likewise. */
export function packDouble(context: Context, from: Extended, words: Words): void {
  if (!prepare(context, from, DOUBLE)) return;
  const { sign, exponent, high, low } = rounded;
  const field = exponent === SPECIAL_EXPONENT ? 0x7ff : exponent === 0 || high >= 0 ? 0 : exponent - BIAS + 1023;
  words.high = (sign << 31) | (field << 20) | ((high >>> 11) & 0xf_ffff);
  words.low = (high << 21) | (low >>> 11);
}

/** Brings what is to be packed into `rounded`; false when there will be no store. */
function prepare(context: Context, from: Extended, target: typeof SINGLE | typeof DOUBLE): boolean {
  const kind = kindOf(from);
  rounded.assign(from);
  if (kind === KIND.NORMAL || kind === KIND.DENORMAL) {
    value.assign(from).normalize();
    round(context, target, value.sign, value.exponent, value.high, value.low, 0, rounded);
    return (context.flags & ~context.control & (EXCEPTION.OVERFLOW | EXCEPTION.UNDERFLOW)) === 0;
  }
  if (kind === KIND.UNSUPPORTED) {
    if (context.raise(EXCEPTION.INVALID)) return false;
    rounded.setIndefinite();
  } else if (kind === KIND.SIGNALING_NAN) {
    if (context.raise(EXCEPTION.INVALID)) return false;
    rounded.high |= QUIET_BIT;
  }
  return true;
}
