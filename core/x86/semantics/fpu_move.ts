/**
 * FLD, FST, FILD, FIST, FISTTP, FXCH, FCMOVcc, the constants, FFREE, FFREEP, FINCSTP, FDECSTP and FNOP (Intel SDM volume 1, 8.3.3, 8.3.4
 * and 8.3.10).
 *
 * @module
 */
import { i32, i64 } from "../../wasm/mod.ts";
import { ROUNDING } from "../fpu/context.ts";
import { BIAS } from "../fpu/extended.ts";
import { STATUS } from "../fpu/stack.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import type { Wide } from "./fpu_builder.ts";
import { type Contents, FpuFrame, packed, type Parts, requireNumbers } from "./fpu_frame.ts";
import { loadInteger, loadReal } from "./fpu_operand.ts";
import { inexact, roundingControl, roundsUp, toWhole } from "./fpu_rounding.ts";

const ZERO = i64.const(0);

/** Puts contents that need no conversion on the stack; the slot is free. */
function push(f: FpuFrame, slot: Value, contents: Contents, tag?: Value): void {
  f.replaceStatus(STATUS.C1);
  f.rotate(-1);
  if (tag === undefined) f.storeAny(slot, contents);
  else f.store(slot, contents, tag);
}

const fld: Semantics = (b) => {
  const f = new FpuFrame(b), slot = f.pushed();
  if (b.isStackRegister(0)) {
    const source = f.slotOf(0);
    f.requireFilled(source);
    push(f, slot, masked(b, f.contents(source)));
    return f.finish();
  }
  const memory = b.plainMemory(0, "read");
  if (b.memoryBits(0) === 80) {
    push(f, slot, {
      signExponent: b.let(i32.load16_u(memory.host, 8)),
      significand: b.let64(i64.load(memory.host)),
    });
  } else pushNumber(f, slot, loadReal(b, b.memoryBits(0), memory.host));
  f.finish(memory);
};

/** A register that MMX instructions wrote has all of its upper word's bits, of which sixteen count. */
function masked(b: Builder, { signExponent, significand }: Contents): Contents {
  return { signExponent: b.let(i32.and(signExponent, i32.const(0xffff))), significand };
}

function pushNumber(f: FpuFrame, slot: Value, value: Parts): void {
  push(f, slot, packed(value), i64.eqz(value.significand));
}

const fild: Semantics = (b) => {
  const f = new FpuFrame(b), slot = f.pushed();
  const memory = b.plainMemory(0, "read");
  pushNumber(f, slot, loadInteger(b, b.memoryBits(0), memory.host));
  f.finish(memory);
};

/** Rounds ST(0) to a single or double; leaves unless that is zero or surely normal. */
function toReal(f: FpuFrame, bits: number, { sign, exponent, significand }: Parts): Wide {
  const { b } = f;
  const [fraction, special] = bits === 32 ? [23, 0xff] : [52, 0x7ff];
  const packedBits = b.variable64();
  b.set64(packedBits, ZERO);
  b.if(i64.ne(significand, ZERO), () => {
    const field = b.let(i32.sub(exponent, i32.const(BIAS - (special >> 1))));
    // The greatest exponent might round to infinity.
    b.calloutIf(i32.ge_u(i32.sub(field, i32.const(1)), i32.const(special - 2)));
    const whole = b.let64(i64.shr_u(significand, i64.const(63 - fraction)));
    const lost = b.let64(i64.shl(significand, i64.const(fraction + 1)));
    // The integer bit adds one to the exponent, and so does a carry.
    b.set64(
      packedBits,
      i64.add(i64.shl(i64.extend_i32_u(i32.sub(field, i32.const(1))), i64.const(fraction)), whole),
    );
    b.if(i64.ne(lost, ZERO), () => {
      b.calloutIf(i32.and(f.control, i32.const(0xc00)));
      const up = b.let(roundsUp(whole, lost));
      inexact(f, up);
      b.set64(packedBits, i64.add(packedBits.get(), i64.extend_i32_u(up)));
    });
  });
  return i64.or(packedBits.get(), i64.shl(i64.extend_i32_u(sign), i64.const(bits - 16)));
}

/** Rounds ST(0) to an integer; leaves where it does not surely fit. `mode`: a ROUNDING value. */
function toInteger(f: FpuFrame, bits: number, value: Parts, mode: Value): Wide {
  const { b } = f;
  b.calloutIf(i32.ge_u(value.exponent, i32.const(BIAS + bits - 1)));
  const whole = b.let64(toWhole(f, value, mode));
  // Rounded up it may have become 2^15, 2^31 or 2^63.
  b.calloutIf(i32.wrap_i64(i64.shr_u(whole, i64.const(bits - 1))));
  const negative = b.let64(i64.sub(ZERO, i64.extend_i32_u(i32.ne(value.sign, i32.const(0)))));
  return i64.sub(i64.xor(whole, negative), negative);
}

/** Stores ST(0), converted, in the memory operand. */
function storeConverted(
  b: Builder,
  pops: number,
  convert: (f: FpuFrame, bits: number, value: Parts) => Wide,
): void {
  const f = new FpuFrame(b), bits = b.memoryBits(0);
  f.requireFilled(f.top);
  const memory = b.plainMemory(0, "write");
  const value = f.parts(f.top);
  requireNumbers(b, value);
  f.replaceStatus(STATUS.C1);
  const converted = convert(f, bits, value);
  const store = bits === 16 ? i64.store16 : bits === 32 ? i64.store32 : i64.store;
  b.emit(store(memory.host, converted));
  f.pop(pops);
  f.finish(memory);
}

function fst(pops: number): Semantics {
  return (b) => {
    if (!b.isStackRegister(0) && b.memoryBits(0) !== 80) return storeConverted(b, pops, toReal);
    const f = new FpuFrame(b);
    f.requireFilled(f.top);
    const contents = masked(b, f.contents(f.top));
    f.replaceStatus(STATUS.C1);
    if (b.isStackRegister(0)) {
      f.storeAny(f.slotOf(0), contents);
      f.pop(pops);
      return f.finish();
    }
    const memory = b.plainMemory(0, "write");
    b.emit(i64.store(memory.host, contents.significand));
    b.emit(i32.store16(memory.host, contents.signExponent, 8));
    f.pop(pops);
    f.finish(memory);
  };
}

const fist = (pops: number): Semantics => (b) =>
  storeConverted(b, pops, (f, bits, value) => toInteger(f, bits, value, roundingControl(f)));

const fisttp: Semantics = (b) =>
  storeConverted(b, 1, (f, bits, value) => toInteger(f, bits, value, i32.const(ROUNDING.TRUNCATE)));

const fxch: Semantics = (b) => {
  const f = new FpuFrame(b), other = f.slotOf(0);
  f.requireFilled(f.top, other);
  const first = masked(b, f.contents(f.top)), second = masked(b, f.contents(other));
  f.replaceStatus(STATUS.C1);
  f.storeAny(f.top, second);
  f.storeAny(other, first);
  f.finish();
};

/** FCMOVcc by condition code (SDM volume 1, appendix B). */
const fcmov = (condition: number): Semantics => (b) => {
  const f = new FpuFrame(b), source = f.slotOf(1);
  f.requireFilled(f.top, source);
  b.if(b.holds(condition), () => {
    f.storeAny(f.top, masked(b, f.contents(source)));
  });
  f.finish();
};

/** A constant; `exact` if it does not depend on the rounding control, else what rounding to nearest makes of it. */
const constant = (exponent: number, significand: bigint, exact: boolean): Semantics => (b) => {
  const f = new FpuFrame(b), slot = f.pushed();
  if (!exact) b.calloutIf(i32.and(f.control, i32.const(0xc00)));
  const signExponent = i32.const(significand === 0n ? 0 : BIAS + exponent);
  push(f, slot, { signExponent, significand: i64.const(significand) }, i32.const(significand === 0n ? 1 : 0));
  f.finish();
};

const ffree = (pops: number): Semantics => (b) => {
  const f = new FpuFrame(b);
  f.free(f.slotOf(0));
  f.replaceStatus(STATUS.C1);
  f.pop(pops);
  f.finish();
};

const rotated = (count: number): Semantics => (b) => {
  const f = new FpuFrame(b);
  f.rotate(count);
  f.replaceStatus(STATUS.C1);
  f.finish();
};

const fnop: Semantics = (b) => new FpuFrame(b).finish();

/** This family by semantics name. */
export const FPU_MOVE: Record<string, Semantics> = {
  fld,
  fst: fst(0),
  fstp: fst(1),
  fild,
  fist: fist(0),
  fistp: fist(1),
  fisttp,
  fxch,
  fcmovb: fcmov(2),
  fcmovnb: fcmov(3),
  fcmove: fcmov(4),
  fcmovne: fcmov(5),
  fcmovbe: fcmov(6),
  fcmovnbe: fcmov(7),
  fcmovu: fcmov(10),
  fcmovnu: fcmov(11),
  fldz: constant(0, 0n, true),
  fld1: constant(0, 1n << 63n, true),
  fldpi: constant(1, 0xc90f_daa2_2168_c235n, false),
  fldl2t: constant(1, 0xd49a_784b_cd1b_8afen, false),
  fldl2e: constant(0, 0xb8aa_3b29_5c17_f0bcn, false),
  fldlg2: constant(-2, 0x9a20_9a84_fbcf_f799n, false),
  fldln2: constant(-1, 0xb172_17f7_d1cf_79acn, false),
  ffree: ffree(0),
  ffreep: ffree(1),
  fincstp: rotated(1),
  fdecstp: rotated(-1),
  fnop,
};
