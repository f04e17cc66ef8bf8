/**
 * Conversion between the register format, the integers and the packed decimals of memory (Intel SDM volume 1, 4.2.1.2, 4.7 and 8.1.2).
 *
 * @module
 */
import { type Context, EXCEPTION } from "./context.ts";
import { BIAS, Extended, INTEGER_BIT, KIND, kindOf } from "./extended.ts";
import type { Words } from "./memory_operand.ts";
import { roundToWhole } from "./round.ts";

const whole = new Extended();

/** Makes an integer of two words an extended value; always exact. */
export function fromInteger(high: number, low: number, out: Extended): Extended {
  const sign = high < 0 ? 1 : 0;
  if (sign === 1) {
    low = -low | 0;
    high = (low === 0 ? -high : ~high) | 0;
  }
  if ((high | low) === 0) return out.setZero(0);
  return out.set(sign, BIAS + 63, high, low).normalize();
}

/** Rounds a value to a whole magnitude below 2^64 in `whole`; false when it has none. */
function toWhole(context: Context, from: Extended, mode: number): boolean {
  const kind = kindOf(from);
  if (kind >= KIND.INFINITY || from.exponent > BIAS + 63) return false;
  if (kind === KIND.ZERO) {
    whole.set(from.sign, 0, 0, 0);
  } else if (roundToWhole(context, from, mode, whole)) context.flags |= EXCEPTION.PRECISION;
  return true;
}

/** The invalid operation of a conversion that does not fit: no other exception is reported with it. */
function misfit(context: Context): boolean {
  context.flags = EXCEPTION.INVALID;
  context.roundedUp = false;
  return context.masked(EXCEPTION.INVALID);
}

/** Converts to an integer of 2, 4 or 8 bytes in `words`, or to the integer indefinite. `mode`: a ROUNDING value. */
export function toInteger(context: Context, from: Extended, size: number, mode: number, words: Words): void {
  let fits = toWhole(context, from, mode);
  let { high, low } = whole;
  if (fits) {
    const { sign } = whole;
    const least = size === 8
      ? high === INTEGER_BIT && low === 0
      : high === 0 && low === (size === 4 ? INTEGER_BIT : 0x8000);
    const below = size === 8 ? high >= 0 : high === 0 && (size === 4 ? low >= 0 : (low & ~0x7fff) === 0);
    fits = below || (sign === 1 && least);
    if (sign === 1) {
      low = -low | 0;
      high = (low === 0 ? -high : ~high) | 0;
    }
  }
  if (!fits) {
    if (!misfit(context)) return;
    high = INTEGER_BIT;
    low = size === 8 ? 0 : size === 4 ? INTEGER_BIT : 0x8000;
  }
  words.low = low;
  words.high = high;
}

/** Eighteen digits. */
const DECIMAL_LIMIT = 10n ** 18n;

/** Converts to packed decimal, or to the packed BCD indefinite. */
export function toDecimal(context: Context, from: Extended, words: Words): void {
  let magnitude = DECIMAL_LIMIT;
  if (toWhole(context, from, context.rounding)) {
    magnitude = (BigInt(whole.high >>> 0) << 32n) | BigInt(whole.low >>> 0);
  }
  if (magnitude >= DECIMAL_LIMIT) {
    if (!misfit(context)) return;
    words.top = 0xffff;
    words.high = 0xc000_0000 | 0;
    words.low = 0;
    return;
  }
  const digits = magnitude.toString().padStart(18, "0");
  words.top = (from.sign << 15) | parseInt(digits.slice(0, 2), 16);
  words.high = parseInt(digits.slice(2, 10), 16) | 0;
  words.low = parseInt(digits.slice(10), 16) | 0;
}

/** Converts from packed decimal. Digits above 9, whose result is undefined, count as they stand. */
export function fromDecimal(words: Words, out: Extended): Extended {
  let magnitude = 0n;
  for (let shift = 4; shift >= 0; shift -= 4) magnitude = magnitude * 10n + BigInt((words.top >>> shift) & 15);
  for (const word of [words.high, words.low]) {
    for (let shift = 28; shift >= 0; shift -= 4) magnitude = magnitude * 10n + BigInt((word >>> shift) & 15);
  }
  const sign = (words.top >> 15) & 1;
  if (magnitude === 0n) return out.setZero(sign);
  return out.set(sign, BIAS + 63, Number(magnitude >> 32n) | 0, Number(magnitude & 0xffff_ffffn) | 0).normalize();
}
