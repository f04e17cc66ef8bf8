/**
 * Every SIMD instruction that emitted code does not carry out, or not in all cases, by the name of its semantics (`Form.semantics`).
 *
 * @module
 */
import type { Callout } from "../system/callout.ts";
import { AES_CALLOUTS } from "./aes.ts";
import { ldmxcsr, stmxcsr } from "./control.ts";
import { CONVERSION_CALLOUTS } from "./conversions.ts";
import { FLOAT_CALLOUTS } from "./float_instructions.ts";
import { fxrstor, fxsave } from "./fxsave.ts";
import { maskedMove } from "./masked_move.ts";
import { STRING_COMPARE_CALLOUTS } from "./string_compare.ts";

/** Callouts by semantics name. */
export const SIMD_CALLOUTS: Readonly<Record<string, Callout>> = {
  ...FLOAT_CALLOUTS,
  ...CONVERSION_CALLOUTS,
  ...STRING_COMPARE_CALLOUTS,
  ...AES_CALLOUTS,
  ldmxcsr,
  stmxcsr,
  fxsave,
  fxrstor,
  maskmovq: maskedMove,
  maskmovdqu: maskedMove,
};
