/**
 * The TypeScript definitions of instructions, by form.
 *
 * @module
 */
import { FPU_CALLOUTS } from "../x86/fpu/callouts.ts";
import { withoutFpu } from "../x86/fpu/pending.ts";
import { SIMD_CALLOUTS } from "../x86/simd/callouts.ts";
import { CALLOUTS } from "../x86/system/callouts.ts";
import type { Callout } from "../x86/system/callout.ts";
import type { CpuModel } from "../x86/models.ts";
import { FORMS } from "../x86/table/table.ts";
import { isEscape } from "../x86/table/x87.ts";

/** By `Form.id`; undefined where emitted code is the only definition, or none is built. */
export const CALLOUT_TABLE: readonly (Callout | undefined)[] = FORMS.map((form) =>
  CALLOUTS[form.semantics] ?? FPU_CALLOUTS[form.semantics] ?? SIMD_CALLOUTS[form.semantics]
);

/** The same as a model carries them out. */
export function calloutTable({ features }: CpuModel): readonly (Callout | undefined)[] {
  if (features.has("fpu")) return CALLOUT_TABLE;
  return FORMS.map((form) => isEscape(form) ? withoutFpu : CALLOUT_TABLE[form.id]);
}
