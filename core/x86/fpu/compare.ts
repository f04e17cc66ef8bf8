/**
 * Comparison and classification (Intel SDM volume 1, 8.3.6).
 *
 * @module
 */
import { denormalStops } from "./arithmetic.ts";
import { type Context, EXCEPTION } from "./context.ts";
import { type Extended, KIND, kindOf } from "./extended.ts";

/** How the first operand stands to the second. */
export const RELATION = { GREATER: 0, LESS: 1, EQUAL: 2, UNORDERED: 3 } as const;

/**
 * Compares two values.
 *
 * @param quiet A quiet NaN is no invalid operand (FUCOM).
 * @returns A RELATION value; it is to be used only if no unmasked exception was raised.
 */
export function compare(context: Context, a: Extended, b: Extended, quiet: boolean): number {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET_NAN || kindB >= KIND.QUIET_NAN) {
    if (!quiet || kindA > KIND.QUIET_NAN || kindB > KIND.QUIET_NAN) context.raise(EXCEPTION.INVALID);
    return RELATION.UNORDERED;
  }
  denormalStops(context, kindA, kindB);
  if (kindA === KIND.ZERO && kindB === KIND.ZERO) return RELATION.EQUAL;
  if (a.sign !== b.sign) return a.sign === 1 ? RELATION.LESS : RELATION.GREATER;
  const order = compareMagnitudes(a, b);
  if (order === 0) return RELATION.EQUAL;
  return (order < 0) === (a.sign === 0) ? RELATION.LESS : RELATION.GREATER;
}

/** Negative, zero or positive as |a| is below, equal to or above |b|. */
function compareMagnitudes(a: Extended, b: Extended): number {
  // A pseudo-denormal has the exponent field 0 and the value of exponent 1.
  const exponentA = a.exponent === 0 && a.high < 0 ? 1 : a.exponent;
  const exponentB = b.exponent === 0 && b.high < 0 ? 1 : b.exponent;
  if (exponentA !== exponentB) return exponentA - exponentB;
  if (a.high !== b.high) return (a.high >>> 0) - (b.high >>> 0);
  return (a.low >>> 0) - (b.low >>> 0);
}
