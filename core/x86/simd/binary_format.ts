/**
 * Single and double precision as SSE has them (Intel SDM volume 1, 4.2.2 and 4.8): raw bits to sign, exponent and significand.
 *
 * @module
 */

/** A binary interchange format. */
export interface Format {
  readonly bits: 32 | 64;
  /** Bits of the significand, the implied one included. */
  readonly precision: number;
  /** Exponent of the least normal number. */
  readonly least: number;
  /** Exponent of the greatest normal number. */
  readonly greatest: number;
  readonly signBit: bigint;
  readonly infinity: bigint;
  /** The bit that makes a NaN quiet. */
  readonly quietBit: bigint;
  /** The QNaN real indefinite. */
  readonly indefinite: bigint;
}

function format(bits: 32 | 64, precision: number): Format {
  const fraction = BigInt(precision - 1), width = BigInt(bits);
  const greatest = 2 ** (bits - precision - 1) - 1;
  const infinity = ((1n << (width - 1n - fraction)) - 1n) << fraction;
  const signBit = 1n << (width - 1n);
  const quietBit = 1n << (fraction - 1n);
  return {
    bits,
    precision,
    least: 1 - greatest,
    greatest,
    signBit,
    infinity,
    quietBit,
    indefinite: signBit | infinity | quietBit,
  };
}

export const SINGLE: Format = format(32, 24);
export const DOUBLE: Format = format(64, 53);

/** What a number is. */
export const CLASS = { ZERO: 0, FINITE: 1, INFINITE: 2, QUIET: 3, SIGNALING: 4 } as const;

/** A number taken apart. Finite: its magnitude is `significand` times 2 to the `exponent`. */
export interface Unpacked {
  readonly raw: bigint;
  readonly kind: number;
  readonly negative: boolean;
  readonly denormal: boolean;
  readonly exponent: number;
  readonly significand: bigint;
}

/** Takes raw bits apart; with `denormalsAreZeros` a denormal is a zero of its sign. */
export function unpack(f: Format, raw: bigint, denormalsAreZeros: boolean): Unpacked {
  const negative = (raw & f.signBit) !== 0n;
  const fractionBits = BigInt(f.precision - 1);
  const fraction = raw & ((1n << fractionBits) - 1n);
  const field = Number((raw & f.infinity) >> fractionBits);
  const exponent = Math.max(field, 1) - 1 + f.least - (f.precision - 1);
  if (field === 0) {
    const zero = fraction === 0n || denormalsAreZeros;
    return {
      raw: zero ? raw & f.signBit : raw,
      kind: zero ? CLASS.ZERO : CLASS.FINITE,
      negative,
      denormal: !zero,
      exponent,
      significand: zero ? 0n : fraction,
    };
  }
  if ((raw & f.infinity) === f.infinity) {
    const kind = fraction === 0n ? CLASS.INFINITE : (raw & f.quietBit) !== 0n ? CLASS.QUIET : CLASS.SIGNALING;
    return { raw, kind, negative, denormal: false, exponent, significand: fraction };
  }
  return {
    raw,
    kind: CLASS.FINITE,
    negative,
    denormal: false,
    exponent,
    significand: fraction | (1n << fractionBits),
  };
}

/** Whether it is a NaN. */
export function isNaNumber(x: Unpacked): boolean {
  return x.kind >= CLASS.QUIET;
}

/** Zero of a sign. */
export function zero(f: Format, negative: boolean): bigint {
  return negative ? f.signBit : 0n;
}

/** Infinity of a sign. */
export function infinity(f: Format, negative: boolean): bigint {
  return f.infinity | zero(f, negative);
}

/** Number of significant bits. */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(parseInt(digits[0]!, 16)) + 28;
}
