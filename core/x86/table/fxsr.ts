/**
 * FXSAVE and FXRSTOR (Intel SDM volume 1, 10.5).
 *
 * @module
 */
import { type Row, row } from "./row.ts";

/** The fast save and restore of the FPU, MMX and SSE state: 512 bytes, which the instruction lays out. */
export const fxsr: readonly Row[] = [
  row("NP 0F AE /0", "fxsave", "M", { feature: "fxsr" }),
  row("NP 0F AE /1", "fxrstor", "M", { feature: "fxsr" }),
];
