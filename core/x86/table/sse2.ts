/**
 * SSE2 beyond the counterparts of SSE's and MMX's instructions (Intel SDM volume 1, 11.4): conversions, moves and integers of 128 bits.
 *
 * @module
 */
import { type Row, row } from "./row.ts";

const feature = "sse2";

/** Conversions, moves, shuffles. */
export const sse2: readonly Row[] = [
  row("66 0F 2A /r", "cvtpi2pd", "Vpd Qq", { feature }),
  row("F2 0F 2A /r", "cvtsi2sd", "Vsd Ed", { feature }),
  row("66 0F 2C /r", "cvttpd2pi", "Pq Wpd", { feature }),
  row("F2 0F 2C /r", "cvttsd2si", "Gd Wsd", { feature }),
  row("66 0F 2D /r", "cvtpd2pi", "Pq Wpd", { feature }),
  row("F2 0F 2D /r", "cvtsd2si", "Gd Wsd", { feature }),
  row("NP 0F 5A /r", "cvtps2pd", "Vpd Wq", { feature }),
  row("66 0F 5A /r", "cvtpd2ps", "Vps Wpd", { feature }),
  row("F3 0F 5A /r", "cvtss2sd", "Vsd Wss", { feature }),
  row("F2 0F 5A /r", "cvtsd2ss", "Vss Wsd", { feature }),
  row("NP 0F 5B /r", "cvtdq2ps", "Vps Wdq", { feature }),
  row("66 0F 5B /r", "cvtps2dq", "Vdq Wps", { feature }),
  row("F3 0F 5B /r", "cvttps2dq", "Vdq Wps", { feature }),
  row("66 0F E6 /r", "cvttpd2dq", "Vdq Wpd", { feature }),
  row("F3 0F E6 /r", "cvtdq2pd", "Vpd Wq", { feature }),
  row("F2 0F E6 /r", "cvtpd2dq", "Vdq Wpd", { feature }),
  row("66 0F 6E /r", "movd", "Vdq Ed", { feature }),
  row("66 0F 7E /r", "movd", "Ed Vdq", { feature }),
  row("F3 0F 7E /r", "movq", "Vq Wq", { feature }),
  row("66 0F D6 /r", "movq", "Wq Vq", { feature }),
  row("66 0F 6F /r", "movdqa", "Vdq Wdq", { feature }),
  row("66 0F 7F /r", "movdqa", "Wdq Vdq", { feature }),
  row("F3 0F 6F /r", "movdqu", "Vdq Wdq", { feature }),
  row("F3 0F 7F /r", "movdqu", "Wdq Vdq", { feature }),
  row("66 0F E7 /r", "movntdq", "Mdq Vdq", { feature }),
  row("66 0F F7 /r", "maskmovdqu", "Vdq Udq", { feature }),
  row("66 0F 6C /r", "punpcklqdq", "Vdq Wdq", { feature }),
  row("66 0F 6D /r", "punpckhqdq", "Vdq Wdq", { feature }),
  row("66 0F 70 /r", "pshufd", "Vdq Wdq Ib", { feature }),
  row("F3 0F 70 /r", "pshufhw", "Vdq Wdq Ib", { feature }),
  row("F2 0F 70 /r", "pshuflw", "Vdq Wdq Ib", { feature }),
  row("66 0F 73 /3", "psrldq", "Udq Ib", { feature }),
  row("66 0F 73 /7", "pslldq", "Udq Ib", { feature }),
];
