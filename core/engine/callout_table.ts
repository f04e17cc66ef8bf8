/**
 * The TypeScript definitions of instructions, by form.
 *
 * @module
 */
import { FPU_CALLOUTS } from "../x86/fpu/callouts.ts";
import { SIMD_CALLOUTS } from "../x86/simd/callouts.ts";
import { CALLOUTS } from "../x86/system/callouts.ts";
import type { Callout } from "../x86/system/callout.ts";
import { FORMS } from "../x86/table/table.ts";

/** By `Form.id`; undefined where emitted code is the only definition, or none is built. */
export const CALLOUT_TABLE: readonly (Callout | undefined)[] = FORMS.map((form) =>
  CALLOUTS[form.semantics] ?? FPU_CALLOUTS[form.semantics] ?? SIMD_CALLOUTS[form.semantics]
);
