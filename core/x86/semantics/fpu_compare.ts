/**
 * FCOM, FUCOM, FICOM, FCOMI, FUCOMI, FTST and FXAM (Intel SDM volume 1, 8.3.6).
 *
 * @module
 */
import { i32, i64, select } from "../../wasm/mod.ts";
import { CONDITIONS, STATUS } from "../fpu/stack.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import { FpuFrame, isNormal, isZero, type Parts, requireNumbers } from "./fpu_frame.ts";
import { loadInteger, loadReal } from "./fpu_operand.ts";

const { C0, C1, C2, C3 } = STATUS;

/** `less` if x is below y, `equal` if they are equal, else 0. */
function relation(b: Builder, x: Parts, y: Parts, less: number, equal: number): Value {
  const sameExponent = b.let(i32.eq(x.exponent, y.exponent));
  const below = b.let(i32.or(
    i32.lt_u(x.exponent, y.exponent),
    i32.and(sameExponent, i64.lt_u(x.significand, y.significand)),
  ));
  const same = b.let(i32.and(sameExponent, i64.eq(x.significand, y.significand)));
  const differ = b.let(i32.ne(x.sign, y.sign));
  const zeros = i64.eqz(i64.or(x.significand, y.significand));
  const equals = b.let(i32.and(same, i32.or(i32.eqz(differ), zeros)));
  // Of two signs the negative is less; of two negatives the one of greater magnitude.
  const negative = b.let(i32.ne(x.sign, i32.const(0)));
  const lesser = select(differ, negative, i32.xor(negative, below));
  return b.let(select(equals, i32.const(equal), select(lesser, i32.const(less), i32.const(0))));
}

function leaveCodes(f: FpuFrame, x: Parts, y: Parts): void {
  requireNumbers(f.b, x, y);
  f.replaceStatus(CONDITIONS, relation(f.b, x, y, C0, C3));
}

/** With a register, ST(1) where none is named, or memory. Quiet comparisons differ for NaNs only. */
function fcom(pops: number, load = loadReal): Semantics {
  return (b) => {
    const f = new FpuFrame(b);
    if (b.count !== 0 && !b.isStackRegister(0)) {
      f.requireFilled(f.top);
      const memory = b.plainMemory(0, "read");
      leaveCodes(f, f.parts(f.top), load(b, b.memoryBits(0), memory.host));
      f.pop(pops);
      return f.finish(memory);
    }
    const other = b.count === 0 ? f.slot(1) : f.slotOf(0);
    f.requireFilled(f.top, other);
    leaveCodes(f, f.parts(f.top), f.parts(other));
    f.pop(pops);
    f.finish();
  };
}

/** FCOMI leaves C1 alone. */
const fcomi = (pops: number): Semantics => (b) => {
  const f = new FpuFrame(b), other = f.slotOf(1);
  f.requireFilled(f.top, other);
  const x = f.parts(f.top), y = f.parts(other);
  requireNumbers(b, x, y);
  const how = relation(b, x, y, 1, 2);
  b.flagsCompared(i32.and(how, i32.const(1)), i32.shr_u(how, i32.const(1)));
  f.pop(pops);
  f.finish();
};

const ftst: Semantics = (b) => {
  const f = new FpuFrame(b);
  f.requireFilled(f.top);
  const zero = { sign: i32.const(0), exponent: i32.const(0), significand: i64.const(0) };
  leaveCodes(f, f.parts(f.top), zero);
  f.finish();
};

const fxam: Semantics = (b) => {
  const f = new FpuFrame(b);
  const x = f.parts(f.top);
  const code = b.variable();
  const { exponent, significand } = x;
  const is = (value: number) => () => b.set(code, i32.const(value));
  const special = i32.eq(exponent, i32.const(0x7fff));
  const unsupported = i32.and(i64.ge_s(significand, i64.const(0)), i32.ne(exponent, i32.const(0)));
  b.if(
    f.isEmpty(f.top),
    is(C0 | C3),
    () =>
      b.if(
        isNormal(x),
        is(C2),
        () =>
          b.if(
            isZero(x),
            is(C3),
            () =>
              b.if(
                unsupported,
                is(0),
                () =>
                  b.if(special, () => {
                    const infinite = i64.eqz(i64.shl(significand, i64.const(1)));
                    b.set(code, select(infinite, i32.const(C0 | C2), i32.const(C0)));
                  }, is(C2 | C3)),
              ),
          ),
      ),
  );
  f.replaceStatus(CONDITIONS, i32.or(code.get(), i32.and(i32.shr_u(x.sign, i32.const(6)), i32.const(C1))));
  f.finish();
};

/** This family by semantics name. */
export const FPU_COMPARE: Record<string, Semantics> = {
  fcom: fcom(0),
  fcomp: fcom(1),
  fcompp: fcom(2),
  fucom: fcom(0),
  fucomp: fcom(1),
  fucompp: fcom(2),
  ficom: fcom(0, loadInteger),
  ficomp: fcom(1, loadInteger),
  fcomi: fcomi(0),
  fcomip: fcomi(1),
  fucomi: fcomi(0),
  fucomip: fcomi(1),
  ftst,
  fxam,
};
