/**
 * Every FPU instruction by the name of its semantics (`Form.semantics`).
 *
 * @module
 */
import type { Callout } from "../system/callout.ts";
import { add, divide, divideReversed, multiply, squareRoot, subtract, subtractReversed } from "./arithmetic.ts";
import { integer, onTop, onTopTwo, real, remainder, sign } from "./arithmetic_instructions.ts";
import { fcom, fcomi, ficom, ftst, fxam } from "./compare_instructions.ts";
import { fld1, fldl2e, fldl2t, fldlg2, fldln2, fldpi, fldz } from "./constants.ts";
import { fldcw, fnclex, fninit, fnstcw, fnstsw, nothing } from "./control.ts";
import { fldenv, fnsave, fnstenv, frstor } from "./environment.ts";
import { fbld, fbstp, fild, fist, fisttp, fld, fst } from "./load_store.ts";
import { recorded, unwaiting, wait, waiting } from "./pending.ts";
import { CONDITION, fcmov, fdecstp, ffree, ffreep, fincstp, fxch } from "./register_moves.ts";
import { fxtract, nearestRemainder, roundToInteger, scale, truncatedRemainder } from "./scale.ts";
import {
  arcTangentOfQuotient,
  fcos,
  fptan,
  fsin,
  fsincos,
  twoToXMinus1,
  yLog2X,
  yLog2XPlus1,
} from "./transcendental.ts";

/** Instructions that wait for a pending exception, and that the instruction pointer records. */
const RECORDED: Readonly<Record<string, Callout>> = {
  fld,
  fst: fst(false),
  fstp: fst(true),
  fild,
  fist: fist(false),
  fistp: fist(true),
  fisttp,
  fbld,
  fbstp,
  fxch,
  fcmovb: fcmov(CONDITION.B, false),
  fcmove: fcmov(CONDITION.E, false),
  fcmovbe: fcmov(CONDITION.BE, false),
  fcmovu: fcmov(CONDITION.U, false),
  fcmovnb: fcmov(CONDITION.B, true),
  fcmovne: fcmov(CONDITION.E, true),
  fcmovnbe: fcmov(CONDITION.BE, true),
  fcmovnu: fcmov(CONDITION.U, true),
  ffree,
  ffreep,
  fincstp,
  fdecstp,
  fnop: nothing,
  fld1,
  fldl2t,
  fldl2e,
  fldpi,
  fldlg2,
  fldln2,
  fldz,
  fadd: real(add),
  fmul: real(multiply),
  fsub: real(subtract),
  fsubr: real(subtractReversed),
  fdiv: real(divide),
  fdivr: real(divideReversed),
  faddp: real(add, true),
  fmulp: real(multiply, true),
  fsubp: real(subtract, true),
  fsubrp: real(subtractReversed, true),
  fdivp: real(divide, true),
  fdivrp: real(divideReversed, true),
  fiadd: integer(add),
  fimul: integer(multiply),
  fisub: integer(subtract),
  fisubr: integer(subtractReversed),
  fidiv: integer(divide),
  fidivr: integer(divideReversed),
  fchs: sign((sign) => sign ^ 1),
  fabs: sign(() => 0),
  fsqrt: onTop(squareRoot),
  frndint: onTop(roundToInteger),
  fscale: onTopTwo(scale, false),
  fprem: remainder(truncatedRemainder),
  fprem1: remainder(nearestRemainder),
  fxtract,
  fcom: fcom(false, 0),
  fcomp: fcom(false, 1),
  fcompp: fcom(false, 2),
  fucom: fcom(true, 0),
  fucomp: fcom(true, 1),
  fucompp: fcom(true, 2),
  ficom: ficom(0),
  ficomp: ficom(1),
  fcomi: fcomi(false, 0),
  fcomip: fcomi(false, 1),
  fucomi: fcomi(true, 0),
  fucomip: fcomi(true, 1),
  ftst,
  fxam,
  f2xm1: onTop(twoToXMinus1),
  fyl2x: onTopTwo(yLog2X, true),
  fyl2xp1: onTopTwo(yLog2XPlus1, true),
  fpatan: onTopTwo(arcTangentOfQuotient, true),
  fptan,
  fsin,
  fcos,
  fsincos,
};

/** Control instructions that wait. */
const WAITING: Readonly<Record<string, Callout>> = { fldcw, fldenv, frstor };

/** Control instructions that do not. */
const UNWAITING: Readonly<Record<string, Callout>> = {
  fninit,
  fnclex,
  fnstcw,
  fnstsw,
  fnstenv,
  fnsave,
  fneni: nothing,
  fndisi: nothing,
  fnsetpm: nothing,
};

function through(
  entry: (body: Callout) => Callout,
  bodies: Readonly<Record<string, Callout>>,
): Record<string, Callout> {
  return Object.fromEntries(Object.entries(bodies).map(([name, body]) => [name, entry(body)]));
}

/** Callouts by semantics name. */
export const FPU_CALLOUTS: Readonly<Record<string, Callout>> = {
  wait,
  ...through(recorded, RECORDED),
  ...through(waiting, WAITING),
  ...through(unwaiting, UNWAITING),
};
