/**
 * SSE3 (Intel SDM volume 1, 12.4), without FISTTP, which stands with the FPU's instructions.
 *
 * @module
 */
import { type Row, row } from "./row.ts";

const feature = "sse3";

/** Horizontal arithmetic and duplicating moves. */
export const sse3: readonly Row[] = [
  row("F3 0F 12 /r", "movsldup", "Vps Wps", { feature }),
  row("F3 0F 16 /r", "movshdup", "Vps Wps", { feature }),
  row("F2 0F 12 /r", "movddup", "Vdq Wq", { feature }),
  row("66 0F 7C /r", "haddpd", "Vpd Wpd", { feature }),
  row("F2 0F 7C /r", "haddps", "Vps Wps", { feature }),
  row("66 0F 7D /r", "hsubpd", "Vpd Wpd", { feature }),
  row("F2 0F 7D /r", "hsubps", "Vps Wps", { feature }),
  row("66 0F D0 /r", "addsubpd", "Vpd Wpd", { feature }),
  row("F2 0F D0 /r", "addsubps", "Vps Wps", { feature }),
  row("F2 0F F0 /r", "lddqu", "Vdq Mdq", { feature }),
];
