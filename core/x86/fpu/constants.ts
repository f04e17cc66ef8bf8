/**
 * FLD1, FLDZ, FLDPI, FLDL2T, FLDL2E, FLDLG2 and FLDLN2 (Intel SDM volume 1, 8.3.4).
 *
 * @module
 */
import type { Callout } from "../system/callout.ts";
import { Context } from "./context.ts";
import { BIAS, Extended } from "./extended.ts";
import { EXTENDED, round } from "./round.ts";
import { controlWord, isEmpty, push, setStatus, stackOverflow, STATUS } from "./stack.ts";

const context = new Context();
const value = new Extended();
const indefinite = new Extended().setIndefinite();

function load(make: (control: number) => void): Callout {
  return (cpu) => {
    if (!isEmpty(cpu, -1)) {
      if (stackOverflow(cpu)) push(cpu, indefinite);
      return;
    }
    make(controlWord(cpu));
    setStatus(cpu, STATUS.C1, 0);
    push(cpu, value);
  };
}

/** A constant by its first 96 bits: rounded as the rounding control says, without raising the precision exception. */
function rounded(exponent: number, high: number, low: number, extra: number): Callout {
  return load((control) =>
    round(context.begin(control), EXTENDED, 0, BIAS + exponent, high | 0, low | 0, extra | 0, value)
  );
}

export const fldz: Callout = load(() => value.setZero(0));
export const fld1: Callout = rounded(0, 0x8000_0000, 0, 0);
export const fldpi: Callout = rounded(1, 0xc90f_daa2, 0x2168_c234, 0xc4c6_628b);
/** The logarithm of 10 to base 2. */
export const fldl2t: Callout = rounded(1, 0xd49a_784b, 0xcd1b_8afe, 0x492b_f6ff);
/** The logarithm of e to base 2. */
export const fldl2e: Callout = rounded(0, 0xb8aa_3b29, 0x5c17_f0bb, 0xbe87_fed0);
/** The logarithm of 2 to base 10. */
export const fldlg2: Callout = rounded(-2, 0x9a20_9a84, 0xfbcf_f798, 0x8f89_59ac);
/** The natural logarithm of 2. */
export const fldln2: Callout = rounded(-1, 0xb172_17f7, 0xd1cf_79ab, 0xc9e3_b398);
