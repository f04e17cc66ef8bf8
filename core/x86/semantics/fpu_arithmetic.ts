/**
 * FADD, FSUB, FSUBR, FMUL, FDIV, FDIVR and their integer and popping forms, FSQRT, FCHS and FABS (Intel SDM volume 1, 8.3.5).
 *
 * Numbers are zero or normal, and so are results; the exact result has a significand of 64 bits and 64 more, the last of which stands
 * for all that follow. It is rounded once, to the precision that the control word asks for.
 *
 * @module
 */
import { f64, i32, i64, select } from "../../wasm/mod.ts";
import { BIAS } from "../fpu/extended.ts";
import { STATUS } from "../fpu/stack.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import { FpuFrame, isZero, type Parts, requireNumbers } from "./fpu_frame.ts";
import { loadInteger, loadReal } from "./fpu_operand.ts";
import { leave, type Result, result } from "./fpu_rounding.ts";
import { divideWide, lost, product, sticky } from "./fpu_wide.ts";

const INTEGER_BIT = i64.const(1n << 63n);
const ZERO = i64.const(0);

/** Makes the exact result of two numbers. */
type Operation = (f: FpuFrame, x: Parts, y: Parts) => Result;

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
  const { exponent, high, low } = r;
  const exact = product(b, x.significand, y.significand);
  b.set64(high, exact.high);
  b.set64(low, exact.low);
  b.set(exponent, i32.sub(i32.add(x.exponent, y.exponent), i32.const(BIAS - 1)));
  b.if(i64.ge_s(high.get(), ZERO), () => {
    b.set64(high, i64.or(i64.shl(high.get(), i64.const(1)), i64.shr_u(low.get(), i64.const(63))));
    b.set64(low, i64.shl(low.get(), i64.const(1)));
    b.set(exponent, i32.sub(exponent.get(), i32.const(1)));
  });
  return r;
};

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
    b.set64(high, divideWide(b, rest, lower, divisor));
    b.set(exponent, i32.sub(i32.add(i32.sub(x.exponent, y.exponent), i32.const(BIAS)), below));
    // The quotient's next bit, and whether anything follows. (The rest is never just half of the divisor.)
    const half = i64.ge_u(rest.get(), i64.sub(divisor, rest.get()));
    b.set64(low, i64.or(i64.shl(i64.extend_i32_u(half), i64.const(63)), sticky(rest.get())));
  });
  return r;
};

const reversed = (operation: Operation): Operation => (f, x, y) => operation(f, y, x);

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

/** The square root of a number that is not negative. */
function root(f: FpuFrame, x: Parts): Result {
  const { b } = f;
  b.calloutIf(i32.and(i32.ne(x.sign, i32.const(0)), i64.ne(x.significand, ZERO)));
  const r = result(b, x.sign);
  const { exponent, high, low } = r;
  b.set64(high, ZERO);
  b.set64(low, ZERO);
  b.set(exponent, i32.const(0));
  b.if(i64.ne(x.significand, ZERO), () => {
    // An even power of two; the radicand above has 127 or 128 bits, so that the root has 64.
    const even = b.let64(i64.extend_i32_u(i32.and(x.exponent, i32.const(1))));
    const radicand = b.let64(i64.shr_u(x.significand, even));
    const lower = b.let64(i64.shl(i64.and(x.significand, even), i64.const(63)));
    b.set(exponent, i32.shr_u(i32.add(x.exponent, i32.const(BIAS)), i32.const(1)));
    // A double's precision, then one step of Newton's iteration, kept below the root.
    const scale = f64.const(2 ** 32), word = f64.const(2 ** 64);
    const estimate = b.let64(i64.trunc_sat_f64_u(f64.mul(f64.sqrt(f64.convert_i64_u(radicand)), scale)));
    const square = product(b, estimate, estimate);
    const borrow = i64.extend_i32_u(i64.lt_u(lower, square.low));
    const error = f64.add(
      f64.mul(f64.convert_i64_s(i64.sub(i64.sub(radicand, square.high), borrow)), word),
      f64.convert_i64_u(i64.sub(lower, square.low)),
    );
    const step = f64.floor(f64.div(error, f64.mul(f64.convert_i64_u(estimate), f64.const(2))));
    b.set64(high, i64.sub(i64.add(estimate, i64.trunc_sat_f64_s(step)), i64.const(1)));
    const below = product(b, high.get(), high.get());
    const rest = b.variable64(), restHigh = b.variable64();
    b.set64(rest, i64.sub(lower, below.low));
    b.set64(restHigh, i64.sub(i64.sub(radicand, below.high), i64.extend_i32_u(i64.lt_u(lower, below.low))));
    // While the rest is more than twice the root, the next root's square fits too.
    b.loop((again) => {
      const twice = b.let64(i64.shl(high.get(), i64.const(1))), carry = i64.shr_u(high.get(), i64.const(63));
      const more = i32.or(
        i64.gt_s(restHigh.get(), carry),
        i32.and(i64.eq(restHigh.get(), carry), i64.gt_u(rest.get(), twice)),
      );
      b.if(more, () => {
        const less = b.let64(i64.sub(rest.get(), i64.or(twice, i64.const(1))));
        const borrows = i64.extend_i32_u(i64.lt_u(rest.get(), less));
        b.set64(restHigh, i64.sub(i64.sub(restHigh.get(), carry), borrows));
        b.set64(rest, less);
        b.set64(high, i64.add(high.get(), i64.const(1)));
        again();
      });
    });
    // The root's next bit; it is never all that follows.
    const half = i32.or(i64.ne(restHigh.get(), ZERO), i64.gt_u(rest.get(), high.get()));
    const follows = sticky(i64.or(rest.get(), restHigh.get()));
    b.set64(low, i64.or(i64.shl(i64.extend_i32_u(half), i64.const(63)), follows));
  });
  return r;
}

const fsqrt: Semantics = (b) => {
  const f = new FpuFrame(b);
  f.requireFilled(f.top);
  const x = f.parts(f.top);
  requireNumbers(b, x);
  leave(f, f.top, root(f, x));
  f.finish();
};

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
  fsqrt,
  fchs: sign((signExponent) => i32.and(i32.xor(signExponent, i32.const(0x8000)), i32.const(0xffff))),
  fabs: sign((signExponent) => i32.and(signExponent, i32.const(0x7fff))),
};
