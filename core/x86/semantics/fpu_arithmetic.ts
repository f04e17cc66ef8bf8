/**
 * FADD, FSUB, FSUBR, FMUL, FDIV, FDIVR and their integer and popping forms, FSQRT, FCHS and FABS (Intel SDM volume 1, 8.3.5).
 *
 * Numbers are zero or normal, and so are results; the exact result has a significand of 64 bits and 64 more, the last of which stands
 * for all that follow. It is rounded once, to the precision that the control word asks for.
 *
 * @module
 */
import { i32, i64, type Local, select } from "../../wasm/mod.ts";
import { EXCEPTION } from "../fpu/context.ts";
import { BIAS } from "../fpu/extended.ts";
import { STATUS } from "../fpu/stack.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import type { Wide } from "./fpu_builder.ts";
import { FpuFrame, isZero, packed, type Parts, requireNumbers } from "./fpu_frame.ts";
import { loadInteger, loadReal } from "./fpu_operand.ts";

const INTEGER_BIT = i64.const(1n << 63n);
const LOW = i64.const(0xffff_ffff);
const HALF = i64.const(32);
const ZERO = i64.const(0);

/** Rounding control and the mask of the precision exception, and what they are where an inexact result is rounded here. */
const ROUNDING_AND_MASK = 0xc00 | EXCEPTION.PRECISION;
const QUIET = EXCEPTION.PRECISION;

/** Bit of the precision control that is set at 64 bits, and the one that tells 53 bits from 24 (SDM volume 1, table 8-2). */
const PRECISION_64 = 1 << 8, PRECISION_53 = 2 << 8;

/** Bits from C1 as 0 or 1 to its place. */
const C1_SHIFT = 9;

/** An exact result on its way to a register. The significand is normal, or 0: then the result is zero. */
interface Result {
  /** 8000h or 0. */
  readonly sign: Value;
  readonly exponent: Local<"i32">;
  readonly high: Local<"i64">;
  readonly low: Local<"i64">;
}

/** Makes the exact result of two numbers. */
type Operation = (f: FpuFrame, x: Parts, y: Parts) => Result;

function result(b: Builder, sign: Value): Result {
  return { sign, exponent: b.variable(), high: b.variable64(), low: b.variable64() };
}

/** 1 as the lowest bit if any bit is set. */
const sticky = (value: Wide): Wide => i64.extend_i32_u(i64.ne(value, ZERO));

/** `value` << (64 - count) for counts from 0 to 63: what a shift to the right loses. */
const lost = (value: Wide, count: Wide): Wide => i64.shl(i64.shl(value, i64.const(1)), i64.xor(count, i64.const(63)));

/** x + y; `negated`: x - y. */
function sum(negated: boolean): Operation {
  return (f, x, y) => {
    const { b } = f;
    const signY = negated ? b.let(i32.xor(y.sign, i32.const(0x8000))) : y.sign;
    const same = b.let(i32.eq(x.sign, signY));
    const swap = b.let(i32.or(
      i32.lt_u(x.exponent, y.exponent),
      i32.and(i32.eq(x.exponent, y.exponent), i64.lt_u(x.significand, y.significand)),
    ));
    const big = b.let64(select(swap, y.significand, x.significand));
    const small = b.let64(select(swap, x.significand, y.significand));
    const sign = b.variable();
    b.set(sign, select(swap, signY, x.sign));
    const r = result(b, sign.get());
    const { exponent, high, low } = r;
    b.set(exponent, select(swap, y.exponent, x.exponent));
    const distance = b.let(i32.sub(exponent.get(), select(swap, x.exponent, y.exponent)));
    const count = b.let64(i64.extend_i32_u(i32.and(distance, i32.const(63))));
    b.if(i32.lt_u(distance, i32.const(64)), () => {
      b.set64(high, i64.shr_u(small, count));
      b.set64(low, lost(small, count));
    }, () => {
      b.set64(high, ZERO);
      b.set64(
        low,
        select(
          i32.lt_u(distance, i32.const(128)),
          i64.or(i64.shr_u(small, count), sticky(lost(small, count))),
          sticky(small),
        ),
      );
    });
    b.if(same, () => {
      b.set64(high, i64.add(big, high.get()));
      b.if(i64.lt_u(high.get(), big), () => {
        b.set64(
          low,
          i64.or(
            i64.or(i64.shr_u(low.get(), i64.const(1)), i64.and(low.get(), i64.const(1))),
            i64.shl(high.get(), i64.const(63)),
          ),
        );
        b.set64(high, i64.or(i64.shr_u(high.get(), i64.const(1)), INTEGER_BIT));
        b.set(exponent, i32.add(exponent.get(), i32.const(1)));
      });
    }, () => {
      b.set64(high, i64.sub(i64.sub(big, high.get()), sticky(low.get())));
      b.set64(low, i64.sub(ZERO, low.get()));
      b.if(i64.ge_s(high.get(), ZERO), () => {
        b.if(i64.eqz(high.get()), () => {
          b.set64(high, low.get());
          b.set64(low, ZERO);
          b.set(exponent, i32.sub(exponent.get(), i32.const(64)));
        });
        const zeros = b.let64(i64.clz(high.get()));
        const count = b.let64(i64.and(zeros, i64.const(63)));
        b.set64(
          high,
          i64.or(
            i64.shl(high.get(), count),
            i64.shr_u(i64.shr_u(low.get(), i64.const(1)), i64.xor(count, i64.const(63))),
          ),
        );
        b.set64(low, i64.shl(low.get(), count));
        b.set(exponent, i32.sub(exponent.get(), i32.wrap_i64(count)));
      });
    });
    b.if(i64.eqz(high.get()), () => {
      // Of zeros of one sign that sign; a difference of equals is +0, but rounded down it is -0.
      const down = i32.eq(i32.and(f.control, i32.const(0xc00)), i32.const(0x400));
      b.set(sign, select(same, x.sign, i32.shl(down, i32.const(15))));
    });
    return r;
  };
}

const multiply: Operation = (f, x, y) => {
  const { b } = f;
  const r = result(b, b.let(i32.xor(x.sign, y.sign)));
  const xl = b.let64(i64.and(x.significand, LOW)), xh = b.let64(i64.shr_u(x.significand, HALF));
  const yl = b.let64(i64.and(y.significand, LOW)), yh = b.let64(i64.shr_u(y.significand, HALF));
  const bottom = b.let64(i64.mul(xl, yl));
  const first = b.let64(i64.mul(xl, yh)), second = b.let64(i64.mul(xh, yl));
  const middle = b.let64(
    i64.add(i64.add(i64.shr_u(bottom, HALF), i64.and(first, LOW)), i64.and(second, LOW)),
  );
  const { exponent, high, low } = r;
  b.set64(low, i64.or(i64.shl(middle, HALF), i64.and(bottom, LOW)));
  b.set64(
    high,
    i64.add(
      i64.add(i64.mul(xh, yh), i64.shr_u(middle, HALF)),
      i64.add(i64.shr_u(first, HALF), i64.shr_u(second, HALF)),
    ),
  );
  b.set(exponent, i32.sub(i32.add(x.exponent, y.exponent), i32.const(BIAS - 1)));
  b.if(i64.ge_s(high.get(), ZERO), () => {
    b.set64(high, i64.or(i64.shl(high.get(), i64.const(1)), i64.shr_u(low.get(), i64.const(63))));
    b.set64(low, i64.shl(low.get(), i64.const(1)));
    b.set(exponent, i32.sub(exponent.get(), i32.const(1)));
  });
  return r;
};

/**
 * One digit of a quotient to the base 2^32 (Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D): of `rest` (below the
 * divisor) followed by `next`. The divisor's highest bit is set. Leaves the new rest in `rest`.
 */
function digit(b: Builder, rest: Local<"i64">, next: Wide, divisor: Wide, high: Wide, low: Wide): Wide {
  const quotient = b.variable64(), r = b.variable64();
  b.set64(quotient, i64.div_u(rest.get(), high));
  b.set64(r, i64.sub(rest.get(), i64.mul(quotient.get(), high)));
  const tooLarge = () =>
    i32.or(
      i64.ne(i64.shr_u(quotient.get(), HALF), ZERO),
      i64.gt_u(i64.mul(quotient.get(), low), i64.or(i64.shl(r.get(), HALF), next)),
    );
  const lower = () => {
    b.set64(quotient, i64.sub(quotient.get(), i64.const(1)));
    b.set64(r, i64.add(r.get(), high));
  };
  b.if(tooLarge(), () => {
    lower();
    b.if(i32.and(i64.eqz(i64.shr_u(r.get(), HALF)), tooLarge()), lower);
  });
  b.set64(rest, i64.sub(i64.or(i64.shl(rest.get(), HALF), next), i64.mul(quotient.get(), divisor)));
  return quotient.get();
}

const divide: Operation = (f, x, y) => {
  const { b } = f;
  b.calloutIf(isZero(y));
  const r = result(b, b.let(i32.xor(x.sign, y.sign)));
  const { exponent, high, low } = r;
  const divisor = y.significand;
  b.set64(high, ZERO);
  b.set64(low, ZERO);
  b.set(exponent, i32.const(0));
  b.if(i32.eqz(isZero(x)), () => {
    // Scaled so that the quotient has 64 bits: the dividend's upper half is below the divisor.
    const below = b.let(i64.lt_u(x.significand, divisor));
    const rest = b.variable64();
    b.set64(rest, select(below, x.significand, i64.shr_u(x.significand, i64.const(1))));
    const lower = b.let64(select(below, ZERO, i64.shl(x.significand, i64.const(63))));
    const upperDivisor = b.let64(i64.shr_u(divisor, HALF)), lowerDivisor = b.let64(i64.and(divisor, LOW));
    const first = digit(b, rest, i64.shr_u(lower, HALF), divisor, upperDivisor, lowerDivisor);
    const second = digit(b, rest, ZERO, divisor, upperDivisor, lowerDivisor);
    b.set64(high, i64.or(i64.shl(first, HALF), second));
    b.set(exponent, i32.sub(i32.add(i32.sub(x.exponent, y.exponent), i32.const(BIAS)), below));
    // The quotient's next bit, and whether anything follows. (The rest is never just half of the divisor.)
    const half = i64.ge_u(rest.get(), i64.sub(divisor, rest.get()));
    b.set64(low, i64.or(i64.shl(i64.extend_i32_u(half), i64.const(63)), sticky(rest.get())));
  });
  return r;
};

const reversed = (operation: Operation): Operation => (f, x, y) => operation(f, y, x);

/** Rounds to the precision in force, reports PE and C1, and leaves unless the result is zero or normal. */
function round(f: FpuFrame, { exponent, high, low }: Result): void {
  const { b, control, status } = f;
  const shift = b.variable64();
  b.set64(shift, ZERO);
  b.if(i32.eqz(i32.and(control, i32.const(PRECISION_64))), () => {
    b.set64(shift, select(i32.and(control, i32.const(PRECISION_53)), i64.const(11), i64.const(40)));
    b.set64(low, i64.or(i64.shl(high.get(), i64.sub(ZERO, shift.get())), sticky(low.get())));
    b.set64(high, i64.shl(i64.shr_u(high.get(), shift.get()), shift.get()));
  });
  b.if(i64.ne(low.get(), ZERO), () => {
    b.calloutIf(i32.ne(i32.and(control, i32.const(ROUNDING_AND_MASK)), i32.const(QUIET)));
    // Up if more than half a unit is lost, or half a unit of an odd number.
    const even = i64.and(i64.xor(i64.shr_u(high.get(), shift.get()), i64.const(-1)), i64.const(1));
    const up = b.let64(i64.shr_u(i64.sub(low.get(), even), i64.const(63)));
    b.set64(high, i64.add(high.get(), i64.shl(up, shift.get())));
    b.set(status, i32.or(status.get(), i32.const(EXCEPTION.PRECISION)));
    b.set(status, i32.or(status.get(), i32.shl(i32.wrap_i64(up), i32.const(C1_SHIFT))));
    b.if(i64.eqz(high.get()), () => {
      b.set64(high, INTEGER_BIT);
      b.set(exponent, i32.add(exponent.get(), i32.const(1)));
    });
  });
  b.if(i64.eqz(high.get()), () => b.set(exponent, i32.const(0)), () => {
    b.calloutIf(i32.ge_u(i32.sub(exponent.get(), i32.const(1)), i32.const(0x7ffe)));
  });
}

/** Rounds a result and puts it in a register. */
function leave(f: FpuFrame, slot: Value, exact: Result): void {
  f.replaceStatus(STATUS.C1);
  round(f, exact);
  const { sign, exponent, high } = exact;
  const contents = packed({ sign, exponent: exponent.get(), significand: high.get() });
  f.store(slot, contents, i64.eqz(high.get()));
}

/** ST(0) with memory, or two registers of which the first is the destination. */
function real(operation: Operation, pops = 0): Semantics {
  return (b) => {
    const f = new FpuFrame(b);
    if (!b.isStackRegister(0)) return withMemory(f, operation, loadReal);
    const destination = f.slotOf(0), source = f.slotOf(1);
    f.requireFilled(destination, source);
    const x = f.parts(destination), y = f.parts(source);
    requireNumbers(b, x, y);
    leave(f, destination, operation(f, x, y));
    f.pop(pops);
    f.finish();
  };
}

function withMemory(
  f: FpuFrame,
  operation: Operation,
  load: (b: Builder, bits: number, host: Value) => Parts,
): void {
  const { b, top } = f;
  f.requireFilled(top);
  const x = f.parts(top);
  requireNumbers(b, x);
  const memory = b.plainMemory(0, "read");
  leave(f, top, operation(f, x, load(b, b.memoryBits(0), memory.host)));
  f.finish(memory);
}

const integer = (operation: Operation): Semantics => (b) => withMemory(new FpuFrame(b), operation, loadInteger);

/** FCHS and FABS: only the sign changes, of whatever is there. */
function sign(change: (signExponent: Value) => Value): Semantics {
  return (b) => {
    const f = new FpuFrame(b);
    f.requireFilled(f.top);
    const { signExponent, significand } = f.contents(f.top);
    f.replaceStatus(STATUS.C1);
    f.storeAny(f.top, { signExponent: b.let(change(signExponent)), significand });
    f.finish();
  };
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: sum(false),
  sub: sum(true),
  subr: reversed(sum(true)),
  mul: multiply,
  div: divide,
  divr: reversed(divide),
};

/** This family by semantics name. */
export const FPU_ARITHMETIC: Record<string, Semantics> = {
  ...Object.fromEntries(
    Object.entries(OPERATIONS).flatMap(([name, operation]) => [
      [`f${name}`, real(operation)],
      [`f${name}p`, real(operation, 1)],
      [`fi${name}`, integer(operation)],
    ]),
  ),
  fchs: sign((signExponent) => i32.and(i32.xor(signExponent, i32.const(0x8000)), i32.const(0xffff))),
  fabs: sign((signExponent) => i32.and(signExponent, i32.const(0x7fff))),
};
