/**
 * FRNDINT, FSCALE and FPREM (Intel SDM volume 1, 8.3.5 and 8.3.8). Their results are exact, or whole: the precision control is not asked.
 *
 * @module
 */
import { i32, i64, select } from "../../wasm/mod.ts";
import { BIAS } from "../fpu/extended.ts";
import { CONDITIONS, STATUS } from "../fpu/stack.ts";
import type { Semantics, Value } from "./builder.ts";
import type { Wide } from "./fpu_builder.ts";
import { FpuFrame, packed, requireNumbers } from "./fpu_frame.ts";
import { roundingControl, toWhole } from "./fpu_rounding.ts";
import { divideWide } from "./fpu_wide.ts";

const ZERO = i64.const(0);

/** Replaces ST(0) by a value that is not rounded: `significand`, of any length, counts in units of 2^63 below `exponent`. */
function leaveExact(f: FpuFrame, sign: Value, exponent: Value, significand: Wide): void {
  const { b } = f;
  const zero = b.let(i64.eqz(significand));
  const zeros = b.let64(i64.clz(significand));
  const normal = b.let(i32.sub(exponent, i32.wrap_i64(zeros)));
  b.calloutIf(i32.and(i32.eqz(zero), i32.ge_u(i32.sub(normal, i32.const(1)), i32.const(0x7ffe))));
  const parts = {
    sign,
    exponent: select(zero, i32.const(0), normal),
    significand: i64.shl(significand, zeros),
  };
  f.store(f.top, packed(parts), zero);
}

const frndint: Semantics = (b) => {
  const f = new FpuFrame(b);
  f.requireFilled(f.top);
  const x = f.parts(f.top);
  requireNumbers(b, x);
  f.replaceStatus(STATUS.C1);
  const exponent = b.variable(), significand = b.variable64();
  b.set(exponent, x.exponent);
  b.set64(significand, x.significand);
  b.if(i32.lt_u(x.exponent, i32.const(BIAS + 63)), () => {
    b.set64(significand, toWhole(f, x, roundingControl(f)));
    b.set(exponent, i32.const(BIAS + 63));
  });
  leaveExact(f, x.sign, exponent.get(), significand.get());
  f.finish();
};

/** Powers of two beyond 2^16 are left: what they scale overflows or underflows. */
const fscale: Semantics = (b) => {
  const f = new FpuFrame(b), other = f.slot(1);
  f.requireFilled(f.top, other);
  const x = f.parts(f.top), y = f.parts(other);
  requireNumbers(b, x, y);
  f.replaceStatus(STATUS.C1);
  const count = b.variable();
  b.set(count, i32.const(0));
  b.if(i32.ge_u(y.exponent, i32.const(BIAS)), () => {
    const power = b.let(i32.sub(y.exponent, i32.const(BIAS)));
    b.calloutIf(i32.gt_u(power, i32.const(16)));
    const bits = b.let64(i64.extend_i32_u(i32.sub(i32.const(63), power)));
    const magnitude = b.let(i32.wrap_i64(i64.shr_u(y.significand, bits)));
    b.set(count, select(y.sign, i32.sub(i32.const(0), magnitude), magnitude));
  });
  leaveExact(f, x.sign, i32.add(x.exponent, count.get()), x.significand);
  f.finish();
};

/** With exponents less than 64 apart, where the quotient is whole at once; its low three bits go to C0, C3 and C1. */
const fprem: Semantics = (b) => {
  const f = new FpuFrame(b), other = f.slot(1);
  f.requireFilled(f.top, other);
  const x = f.parts(f.top), y = f.parts(other);
  requireNumbers(b, x, y);
  const distance = b.let(i32.sub(x.exponent, y.exponent));
  b.calloutIf(i32.or(i64.eqz(y.significand), i32.ge_s(distance, i32.const(64))));
  f.replaceStatus(CONDITIONS);
  const exponent = b.variable(), rest = b.variable64();
  b.set(exponent, x.exponent);
  b.set64(rest, x.significand);
  b.if(i32.and(i64.ne(x.significand, ZERO), i32.ge_s(distance, i32.const(0))), () => {
    const count = b.let64(i64.extend_i32_u(distance));
    // Shifted right by 64 - distance, which may be 64.
    b.set64(rest, i64.shr_u(i64.shr_u(x.significand, i64.const(1)), i64.xor(count, i64.const(63))));
    const quotient = b.let(i32.wrap_i64(divideWide(b, rest, i64.shl(x.significand, count), y.significand)));
    b.set(exponent, y.exponent);
    const bit = (from: number, to: number) =>
      i32.shl(i32.and(i32.shr_u(quotient, i32.const(from)), i32.const(1)), i32.const(to));
    const status = f.status;
    b.set(status, i32.or(status.get(), i32.or(i32.or(bit(2, 8), bit(1, 14)), bit(0, 9))));
  });
  leaveExact(f, x.sign, exponent.get(), rest.get());
  f.finish();
};

/** This family by semantics name. */
export const FPU_SCALE: Record<string, Semantics> = { frndint, fscale, fprem };
