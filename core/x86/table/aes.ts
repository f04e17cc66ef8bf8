/**
 * AES-NI and PCLMULQDQ (Intel SDM volume 1, 12.13).
 *
 * @module
 */
import { type Row, row } from "./row.ts";

const feature = "aes";

/** Rounds, key schedule, carry-less multiplication. */
export const aes: readonly Row[] = [
  row("66 0F 38 DB /r", "aesimc", "Vdq Wdq", { feature }),
  row("66 0F 38 DC /r", "aesenc", "Vdq Wdq", { feature }),
  row("66 0F 38 DD /r", "aesenclast", "Vdq Wdq", { feature }),
  row("66 0F 38 DE /r", "aesdec", "Vdq Wdq", { feature }),
  row("66 0F 38 DF /r", "aesdeclast", "Vdq Wdq", { feature }),
  row("66 0F 3A DF /r", "aeskeygenassist", "Vdq Wdq Ib", { feature }),
  row("66 0F 3A 44 /r", "pclmulqdq", "Vdq Wdq Ib", { feature: "pclmulqdq" }),
];
