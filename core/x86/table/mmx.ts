/**
 * The instructions that MMX registers alone have (Intel SDM volume 1, 9.4, 10.4.4 and 10.4.6). Those that XMM registers have too are in
 * `simd_integer.ts`.
 *
 * @module
 */
import { type Row, row } from "./row.ts";

const feature = "mmx";

/** Moves, EMMS, and what SSE and SSE2 added. */
export const mmx: readonly Row[] = [
  row("NP 0F 6E /r", "movd", "Pq Ed", { feature }),
  row("NP 0F 7E /r", "movd", "Ed Pq", { feature }),
  row("NP 0F 6F /r", "movq", "Pq Qq", { feature }),
  row("NP 0F 7F /r", "movq", "Qq Pq", { feature }),
  row("NP 0F 77", "emms", "", { feature }),
  row("NP 0F 70 /r", "pshufw", "Pq Qq Ib", { feature: "sse" }),
  row("NP 0F E7 /r", "movntq", "Mq Pq", { feature: "sse" }),
  row("NP 0F F7 /r", "maskmovq", "Pq Nq", { feature: "sse" }),
  row("F3 0F D6 /r", "movq2dq", "Vdq Nq", { feature: "sse2" }),
  row("F2 0F D6 /r", "movdq2q", "Pq Uq", { feature: "sse2" }),
];
