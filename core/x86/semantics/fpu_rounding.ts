/**
 * Rounding of exact results to the precision that the control word asks for, and of numbers to whole ones (Intel SDM volume 1, 4.8.4).
 *
 * @module
 */
import { i32, i64, type Local, select } from "../../wasm/mod.ts";
import { EXCEPTION, ROUNDING } from "../fpu/context.ts";
import { BIAS } from "../fpu/extended.ts";
import { STATUS } from "../fpu/stack.ts";
import type { Builder, Value } from "./builder.ts";
import type { Wide } from "./fpu_builder.ts";
import { type FpuFrame, packed, type Parts } from "./fpu_frame.ts";
import { sticky } from "./fpu_wide.ts";

const INTEGER_BIT = i64.const(1n << 63n);
const ZERO = i64.const(0);

/** The rounding control. */
const ROUNDING_CONTROL = 0xc00;

/** Bit of the precision control that is set at 64 bits, and the one that tells 53 bits from 24 (SDM volume 1, table 8-2). */
const PRECISION_64 = 1 << 8, PRECISION_53 = 2 << 8;

/** Bits from C1 as 0 or 1 to its place. */
const C1_SHIFT = 9;

/** An exact result on its way to a register. The significand is normal, or 0: then the result is zero. */
export interface Result {
  /** 8000h or 0. */
  readonly sign: Value;
  readonly exponent: Local<"i32">;
  readonly high: Local<"i64">;
  readonly low: Local<"i64">;
}

/** An empty result. */
export function result(b: Builder, sign: Value): Result {
  return { sign, exponent: b.variable(), high: b.variable64(), low: b.variable64() };
}

/** Adds a rounding increment of 0 or 1 to the status word as C1, and the precision exception, which must be masked. */
export function inexact(f: FpuFrame, up: Value): void {
  const { b, status } = f;
  b.calloutIf(i32.eqz(i32.and(f.control, i32.const(EXCEPTION.PRECISION))));
  b.set(status, i32.or(status.get(), i32.or(i32.const(EXCEPTION.PRECISION), i32.shl(up, i32.const(C1_SHIFT)))));
}

/** 1 if `lost`, the 64 bits behind a whole number and not 0, is more than half, or half of an odd one: rounded to nearest it goes up. */
export function roundsUp(whole: Wide, lost: Wide): Value {
  const even = i64.and(i64.xor(whole, i64.const(-1)), i64.const(1));
  return i32.wrap_i64(i64.shr_u(i64.sub(lost, even), i64.const(63)));
}

/** Rounds to the precision in force, reports PE and C1, and leaves unless the result is zero or normal. */
function round(f: FpuFrame, { exponent, high, low }: Result): void {
  const { b, control } = f;
  const shift = b.variable64();
  b.set64(shift, ZERO);
  b.if(i32.eqz(i32.and(control, i32.const(PRECISION_64))), () => {
    b.set64(shift, select(i32.and(control, i32.const(PRECISION_53)), i64.const(11), i64.const(40)));
    b.set64(low, i64.or(i64.shl(high.get(), i64.sub(ZERO, shift.get())), sticky(low.get())));
    b.set64(high, i64.shl(i64.shr_u(high.get(), shift.get()), shift.get()));
  });
  b.if(i64.ne(low.get(), ZERO), () => {
    b.calloutIf(i32.and(control, i32.const(ROUNDING_CONTROL)));
    const up = b.let(roundsUp(i64.shr_u(high.get(), shift.get()), low.get()));
    inexact(f, up);
    b.set64(high, i64.add(high.get(), i64.shl(i64.extend_i32_u(up), shift.get())));
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
export function leave(f: FpuFrame, slot: Value, exact: Result): void {
  f.replaceStatus(STATUS.C1);
  round(f, exact);
  const { sign, exponent, high } = exact;
  const contents = packed({ sign, exponent: exponent.get(), significand: high.get() });
  f.store(slot, contents, i64.eqz(high.get()));
}

/** The rounding control: a ROUNDING value. */
export function roundingControl(f: FpuFrame): Value {
  return f.b.let(i32.and(i32.shr_u(f.control, i32.const(10)), i32.const(3)));
}

/** Rounds the magnitude of a number below 2^63 to a whole one, reporting PE and C1. `mode`: a ROUNDING value. */
export function toWhole(f: FpuFrame, { sign, exponent, significand }: Parts, mode: Value): Wide {
  const { b } = f;
  const shift = b.let(i32.sub(i32.const(BIAS + 63), exponent));
  const whole = b.variable64(), lost = b.variable64();
  b.if(i32.lt_u(shift, i32.const(64)), () => {
    const count = b.let64(i64.extend_i32_u(shift));
    b.set64(whole, i64.shr_u(significand, count));
    b.set64(lost, i64.shl(significand, i64.sub(ZERO, count)));
  }, () => {
    b.set64(whole, ZERO);
    b.set64(lost, select(i32.eq(shift, i32.const(64)), significand, sticky(significand)));
  });
  b.if(i64.ne(lost.get(), ZERO), () => {
    const away = i32.eq(mode, select(sign, i32.const(ROUNDING.DOWN), i32.const(ROUNDING.UP)));
    const up = b.let(select(mode, away, roundsUp(whole.get(), lost.get())));
    inexact(f, up);
    b.set64(whole, i64.add(whole.get(), i64.extend_i32_u(up)));
  });
  return whole.get();
}
