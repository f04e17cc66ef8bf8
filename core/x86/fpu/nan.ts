/**
 * Invalid operands and NaN operands (Intel SDM volume 1, 4.8.3.5, table 4-7, and 8.5.1.2).
 *
 * @module
 */
import { type Context, EXCEPTION } from "./context.ts";
import { type Extended, KIND, QUIET_BIT } from "./extended.ts";

/** The masked response to an invalid operation. */
export function invalid(context: Context, out: Extended): void {
  if (!context.raise(EXCEPTION.INVALID)) out.setIndefinite();
}

/** Result of an operation on one NaN or unsupported value. */
export function propagateOne(context: Context, a: Extended, kind: number, out: Extended): void {
  if (kind === KIND.UNSUPPORTED) return invalid(context, out);
  if (kind === KIND.SIGNALING_NAN && context.raise(EXCEPTION.INVALID)) return;
  out.set(a.sign, a.exponent, a.high | QUIET_BIT, a.low);
}

/** Result of an operation on two values of which one or both are NaNs or unsupported. */
export function propagate(
  context: Context,
  a: Extended,
  kindA: number,
  b: Extended,
  kindB: number,
  out: Extended,
): void {
  if (kindA === KIND.UNSUPPORTED || kindB === KIND.UNSUPPORTED) return invalid(context, out);
  if ((kindA === KIND.SIGNALING_NAN || kindB === KIND.SIGNALING_NAN) && context.raise(EXCEPTION.INVALID)) return;
  const chosen = kindA < KIND.QUIET_NAN
    ? b
    : kindB < KIND.QUIET_NAN
    ? a
    : kindA !== kindB
    ? (kindA === KIND.QUIET_NAN ? a : b)
    : larger(a, b);
  out.set(chosen.sign, chosen.exponent, chosen.high | QUIET_BIT, chosen.low);
}

/** The one with the larger significand; of equal ones the positive. */
function larger(a: Extended, b: Extended): Extended {
  if (a.high !== b.high) return a.high >>> 0 > b.high >>> 0 ? a : b;
  if (a.low !== b.low) return a.low >>> 0 > b.low >>> 0 ? a : b;
  return a.sign === 0 ? a : b;
}
