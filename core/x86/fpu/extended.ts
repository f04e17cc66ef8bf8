/**
 * The 80-bit double extended-precision format, to which the FPU converts every operand (Intel SDM volume 1, 4.2.2 and 8.2).
 *
 * @module
 */

/** Bias of the 15-bit exponent. */
export const BIAS = 0x3fff;

/** Exponent field of infinities and NaNs. */
export const SPECIAL_EXPONENT = 0x7fff;

/** The integer bit, and the most significant bit of the fraction, which tells quiet from signaling NaNs: in `high`. */
export const INTEGER_BIT = 0x8000_0000 | 0;
export const QUIET_BIT = 0x4000_0000;

/** A value of the format. While arithmetic is under way its exponent may be outside the field's range. */
export class Extended {
  /** 0 or 1. */
  sign = 0;
  /** Biased. */
  exponent = 0;
  /** The halves of the significand, integer bit included, as signed 32-bit numbers. */
  high = 0;
  low = 0;

  set(sign: number, exponent: number, high: number, low: number): this {
    this.sign = sign;
    this.exponent = exponent;
    this.high = high;
    this.low = low;
    return this;
  }

  assign(from: Extended): this {
    return this.set(from.sign, from.exponent, from.high, from.low);
  }

  setZero(sign: number): this {
    return this.set(sign, 0, 0, 0);
  }

  setInfinity(sign: number): this {
    return this.set(sign, SPECIAL_EXPONENT, INTEGER_BIT, 0);
  }

  /** The QNaN floating-point indefinite (SDM volume 1, table 4-3), the masked response to an invalid operation. */
  setIndefinite(): this {
    return this.set(1, SPECIAL_EXPONENT, INTEGER_BIT | QUIET_BIT, 0);
  }

  /** Shifts the significand left until the integer bit is set; the value must not be zero. */
  normalize(): this {
    if (this.exponent === 0) this.exponent = 1;
    if (this.high === 0) {
      this.high = this.low;
      this.low = 0;
      this.exponent -= 32;
    }
    const shift = Math.clz32(this.high);
    if (shift !== 0) {
      this.high = (this.high << shift) | (this.low >>> (32 - shift));
      this.low <<= shift;
      this.exponent -= shift;
    }
    return this;
  }
}

/** What a value is. Everything from QUIET_NAN on is not a number. */
export const KIND = {
  ZERO: 0,
  NORMAL: 1,
  /** Denormal or pseudo-denormal. */
  DENORMAL: 2,
  INFINITY: 3,
  QUIET_NAN: 4,
  SIGNALING_NAN: 5,
  /** Unnormals, pseudo-infinities and pseudo-NaNs: invalid operands since the 387 (SDM volume 1, 8.2.2). */
  UNSUPPORTED: 6,
} as const;

/** The KIND of a value whose exponent is in the field's range. */
export function kindOf(value: Extended): number {
  const { exponent, high, low } = value;
  if (high < 0) {
    if (exponent !== SPECIAL_EXPONENT) return exponent === 0 ? KIND.DENORMAL : KIND.NORMAL;
    if (high === INTEGER_BIT && low === 0) return KIND.INFINITY;
    return (high & QUIET_BIT) !== 0 ? KIND.QUIET_NAN : KIND.SIGNALING_NAN;
  }
  if (exponent !== 0) return KIND.UNSUPPORTED;
  return (high | low) === 0 ? KIND.ZERO : KIND.DENORMAL;
}
