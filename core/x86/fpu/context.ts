/**
 * What an operation of the FPU depends on besides its operands, and what it reports besides its result.
 *
 * @module
 */

/** Exception flags of the status word and their masks in the control word (Intel SDM volume 1, figures 8-4 and 8-6). */
export const EXCEPTION = {
  INVALID: 1 << 0,
  DENORMAL: 1 << 1,
  ZERO_DIVIDE: 1 << 2,
  OVERFLOW: 1 << 3,
  UNDERFLOW: 1 << 4,
  PRECISION: 1 << 5,
  ALL: 0x3f,
} as const;

/** Exceptions that are detected before a result is computed: unmasked, they leave operands and stack as they were. */
export const BEFORE_COMPUTATION = EXCEPTION.INVALID | EXCEPTION.DENORMAL | EXCEPTION.ZERO_DIVIDE;

/** Rounding control (SDM volume 1, table 4-8). */
export const ROUNDING = { NEAREST: 0, DOWN: 1, UP: 2, TRUNCATE: 3 } as const;

/** One operation's environment and outcome. */
export class Context {
  /** The control word. */
  control = 0;
  /** EXCEPTION bits that the operation raised. */
  flags = 0;
  /** The result's magnitude was rounded up: C1. */
  roundedUp = false;
  /** A memory operand was denormal in its own format, before it became an 80-bit number. */
  denormalOperand = false;

  begin(control: number): this {
    this.control = control;
    this.flags = 0;
    this.roundedUp = false;
    this.denormalOperand = false;
    return this;
  }

  /** A ROUNDING value. */
  get rounding(): number {
    return (this.control >> 10) & 3;
  }

  masked(exception: number): boolean {
    return (this.control & exception) !== 0;
  }

  /** Records an exception; true when it is unmasked and the operation must end without a result. */
  raise(exception: number): boolean {
    this.flags |= exception;
    return (this.control & exception) === 0;
  }
}
