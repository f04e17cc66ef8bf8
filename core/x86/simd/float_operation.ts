/**
 * One SIMD floating-point instruction under way: what MXCSR asks for, what it raises, and rounding (Intel SDM volume 1, 11.5 and 4.9).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { CR4, STATE, VECTOR } from "../registers.ts";
import { bitLength, type Format, infinity, isNaNumber, unpack, type Unpacked, zero } from "./binary_format.ts";
import { EXCEPTION, MXCSR } from "./unit.ts";

/** Rounding modes as RC encodes them. */
export const ROUNDING = { NEAREST: 0, DOWN: 1, UP: 2, TOWARD_ZERO: 3 } as const;

/** Exceptions that are found in the operands, before anything is computed. */
const BEFORE = EXCEPTION.INVALID | EXCEPTION.DENORMAL | EXCEPTION.ZERO_DIVIDE;

/** An instruction's arithmetic environment. */
export class FloatOperation {
  /** Exception flags raised so far, by all elements. */
  flags = 0;
  readonly rounding: number;
  readonly denormalsAreZeros: boolean;
  readonly #flush: boolean;
  readonly #masks: number;

  /** @param mxcsr MXCSR when the instruction begins. */
  constructor(mxcsr: number) {
    this.rounding = (mxcsr >> MXCSR.RC_SHIFT) & 3;
    this.denormalsAreZeros = (mxcsr & MXCSR.DAZ) !== 0;
    this.#masks = mxcsr >> MXCSR.MASK_SHIFT;
    // Without its mask an underflow is reported, not flushed (10.2.3.3).
    this.#flush = (mxcsr & MXCSR.FTZ) !== 0 && (this.#masks & EXCEPTION.UNDERFLOW) !== 0;
  }

  /** The instruction's environment as the CPU has it. */
  static of(cpu: Cpu): FloatOperation {
    return new FloatOperation(cpu.i32[STATE.MXCSR >> 2]!);
  }

  raise(flags: number): void {
    this.flags |= flags;
  }

  unpack(f: Format, raw: bigint): Unpacked {
    return unpack(f, raw, this.denormalsAreZeros);
  }

  /** Raises DE for denormal operands. */
  denormals(a: Unpacked, b?: Unpacked): void {
    if (a.denormal || b?.denormal) this.raise(EXCEPTION.DENORMAL);
  }

  /** IE, and the result of an operation that has none. */
  invalid(f: Format): bigint {
    this.raise(EXCEPTION.INVALID);
    return f.indefinite;
  }

  /** The first operand that is a NaN, made quiet (table 4-7). */
  nan(f: Format, a: Unpacked, b: Unpacked = a): bigint {
    const SIGNALING = 4;
    if (a.kind === SIGNALING || b.kind === SIGNALING) this.raise(EXCEPTION.INVALID);
    return (isNaNumber(a) ? a : b).raw | f.quietBit;
  }

  /** Whether a magnitude is increased, given what is cut off in units of half the last place: below, exactly or above one half. */
  #increments(negative: boolean, odd: boolean, half: -1 | 0 | 1): boolean {
    switch (this.rounding) {
      case ROUNDING.NEAREST:
        return half > 0 || (half === 0 && odd);
      case ROUNDING.DOWN:
        return negative;
      case ROUNDING.UP:
        return !negative;
      default:
        return false;
    }
  }

  /** `significand` without its low `drop` bits, rounded; `sticky`: there is more below. */
  #cut(negative: boolean, significand: bigint, drop: number, sticky: boolean): { value: bigint; exact: boolean } {
    if (drop <= 0) return { value: significand << BigInt(-drop), exact: !sticky };
    const by = BigInt(drop);
    const value = significand >> by;
    const rest = significand - (value << by);
    if (rest === 0n && !sticky) return { value, exact: true };
    const middle = 1n << (by - 1n);
    const half = rest < middle ? -1 : rest > middle || sticky ? 1 : 0;
    return { value: this.#increments(negative, (value & 1n) !== 0n, half) ? value + 1n : value, exact: false };
  }

  /**
   * Rounds `significand` times 2 to the `exponent` to a format; `sticky` says that the magnitude is a little more than that, which needs
   * two bits more than the format's precision to be there.
   */
  round(f: Format, negative: boolean, significand: bigint, exponent: number, sticky = false): bigint {
    if (significand === 0n && !sticky) return zero(f, negative);
    const { precision, least, greatest } = f;
    const length = bitLength(significand);
    let { value, exact } = this.#cut(negative, significand, length - precision, sticky);
    let top = exponent + length - 1;
    if (bitLength(value) > precision) {
      value >>= 1n;
      top++;
    }
    // Tininess is found after rounding as if the exponent had no bound (4.9.1.5).
    if (top < least) {
      if ((this.#masks & EXCEPTION.UNDERFLOW) === 0) {
        this.raise(EXCEPTION.UNDERFLOW | (exact ? 0 : EXCEPTION.PRECISION));
        return zero(f, negative);
      }
      if (this.#flush) {
        this.raise(EXCEPTION.UNDERFLOW | EXCEPTION.PRECISION);
        return zero(f, negative);
      }
      const unit = least - (precision - 1);
      const tiny = this.#cut(negative, significand, unit - exponent, sticky);
      if (!tiny.exact) this.raise(EXCEPTION.UNDERFLOW | EXCEPTION.PRECISION);
      // A carry into the exponent field makes the least normal number.
      return zero(f, negative) | tiny.value;
    }
    if (top > greatest) {
      this.raise(EXCEPTION.OVERFLOW | EXCEPTION.PRECISION);
      const toInfinity = this.#increments(negative, true, 1);
      return toInfinity ? infinity(f, negative) : infinity(f, negative) - 1n;
    }
    if (!exact) this.raise(EXCEPTION.PRECISION);
    const fractionBits = BigInt(precision - 1);
    const fraction = value & ((1n << fractionBits) - 1n);
    return zero(f, negative) | (BigInt(top - least + 1) << fractionBits) | fraction;
  }

  /** The magnitude rounded to an integer by a rounding mode, with whether that is exact. */
  static integral(x: Unpacked, rounding: number): { value: bigint; exact: boolean } {
    const operation = new FloatOperation(rounding << MXCSR.RC_SHIFT);
    return operation.#cut(x.negative, x.significand, -x.exponent, false);
  }

  /**
   * Ends the instruction, or one step of several: flags go to MXCSR, and an unmasked one raises #XM, or #UD without CR4.OSXMMEXCPT.
   *
   * An unmasked exception of one element's operands stops all elements before any is computed (11.5.3).
   */
  settle(cpu: Cpu): void {
    const before = this.flags & BEFORE;
    const flags = (before & ~this.#masks) !== 0 ? before : this.flags;
    cpu.i32[STATE.MXCSR >> 2]! |= flags;
    if ((flags & ~this.#masks) === 0) return;
    throw new GuestFault((cpu.i32[STATE.CR4 >> 2]! & CR4.OSXMMEXCPT) !== 0 ? VECTOR.XM : VECTOR.UD);
  }
}
