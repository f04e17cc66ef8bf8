/**
 * DAA, DAS, AAA, AAS, AAM, AAD (Intel SDM volume 2).
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { GPR } from "../registers.ts";
import { type Builder, type Semantics, signed, type Value } from "./builder.ts";

const c = (n: number) => i32.const(n);

/** True if the low digit needs a correction: above 9, or AF. */
function lowDigit(b: Builder, al: Value): Value {
  return b.let(i32.or(i32.gt_u(i32.and(al, c(15)), c(9)), b.adjust()));
}

function packed(b: Builder, sum: boolean): void {
  const al = b.let(b.register(GPR.AX, 8, "u"));
  const carry = b.let(b.carry());
  const low = lowDigit(b, al);
  const high = b.let(i32.or(i32.gt_u(al, c(0x99)), carry));
  const correction = b.let(i32.add(i32.mul(low, c(6)), i32.mul(high, c(0x60))));
  const r = b.let(signed(8, sum ? i32.add(al, correction) : i32.sub(al, correction)));
  // DAS keeps a borrow out of the low correction (Intel SDM volume 2, DAS).
  const borrow = sum ? high : i32.or(high, i32.and(low, i32.lt_u(al, c(6))));
  const carryOut = b.let(borrow);
  b.setRegister(GPR.AX, 8, r);
  b.setCarry(carryOut);
  b.setOverflowAdjust(c(0), low);
  b.flagsResult(r);
}

function ascii(b: Builder, sum: boolean): void {
  const ax = b.let(b.register(GPR.AX, 16, "u"));
  const adjust = lowDigit(b, ax);
  const correction = i32.mul(adjust, c(0x106));
  const moved = b.let(sum ? i32.add(ax, correction) : i32.sub(ax, correction));
  b.setRegister(GPR.AX, 16, i32.and(moved, c(0xff0f)));
  b.setCarry(adjust);
  b.setOverflowAdjust(c(0), adjust);
  b.flagsResult(b.let(signed(8, i32.and(moved, c(15)))));
}

const aam: Semantics = (b) => {
  const base = b.let(i32.and(b.read(0, "u"), c(0xff)));
  b.faultIf(i32.eqz(base), 0);
  const al = b.let(b.register(GPR.AX, 8, "u"));
  const r = b.let(i32.rem_u(al, base));
  b.setRegister(GPR.AX, 16, i32.or(i32.shl(i32.div_u(al, base), c(8)), r));
  b.flagsLogic(b.let(signed(8, r)));
};

const aad: Semantics = (b) => {
  const ax = b.let(b.register(GPR.AX, 16, "u"));
  const base = i32.and(b.read(0, "u"), c(0xff));
  const r = b.let(i32.and(i32.add(ax, i32.mul(i32.shr_u(ax, c(8)), base)), c(0xff)));
  b.setRegister(GPR.AX, 16, r);
  b.flagsLogic(b.let(signed(8, r)));
};

/** This family by semantics name. */
export const DECIMAL: Record<string, Semantics> = {
  daa: (b) => packed(b, true),
  das: (b) => packed(b, false),
  aaa: (b) => ascii(b, true),
  aas: (b) => ascii(b, false),
  aam,
  aad,
};
