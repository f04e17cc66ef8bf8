/**
 * Integer instructions that MMX registers have and, since SSE2, XMM registers as well (Intel SDM volume 1, 9.4 and 11.4.2).
 *
 * @module
 */
import type { Feature } from "../form.ts";
import { hex, type Row, row } from "./row.ts";

/** Opcode, mnemonic, and what gave it to the MMX registers; the XMM registers have them all from SSE2. */
const BINARY: readonly (readonly [opcode: number, name: string, feature?: Feature])[] = [
  [0x63, "packsswb"],
  [0x64, "pcmpgtb"],
  [0x65, "pcmpgtw"],
  [0x66, "pcmpgtd"],
  [0x67, "packuswb"],
  [0x68, "punpckhbw"],
  [0x69, "punpckhwd"],
  [0x6a, "punpckhdq"],
  [0x6b, "packssdw"],
  [0x74, "pcmpeqb"],
  [0x75, "pcmpeqw"],
  [0x76, "pcmpeqd"],
  [0xd1, "psrlw"],
  [0xd2, "psrld"],
  [0xd3, "psrlq"],
  [0xd4, "paddq", "sse2"],
  [0xd5, "pmullw"],
  [0xd8, "psubusb"],
  [0xd9, "psubusw"],
  [0xda, "pminub", "sse"],
  [0xdb, "pand"],
  [0xdc, "paddusb"],
  [0xdd, "paddusw"],
  [0xde, "pmaxub", "sse"],
  [0xdf, "pandn"],
  [0xe0, "pavgb", "sse"],
  [0xe1, "psraw"],
  [0xe2, "psrad"],
  [0xe3, "pavgw", "sse"],
  [0xe4, "pmulhuw", "sse"],
  [0xe5, "pmulhw"],
  [0xe8, "psubsb"],
  [0xe9, "psubsw"],
  [0xea, "pminsw", "sse"],
  [0xeb, "por"],
  [0xec, "paddsb"],
  [0xed, "paddsw"],
  [0xee, "pmaxsw", "sse"],
  [0xef, "pxor"],
  [0xf1, "psllw"],
  [0xf2, "pslld"],
  [0xf3, "psllq"],
  [0xf4, "pmuludq", "sse2"],
  [0xf5, "pmaddwd"],
  [0xf6, "psadbw", "sse"],
  [0xf8, "psubb"],
  [0xf9, "psubw"],
  [0xfa, "psubd"],
  [0xfb, "psubq", "sse2"],
  [0xfc, "paddb"],
  [0xfd, "paddw"],
  [0xfe, "paddd"],
];

/** The interleaves of low halves read only that half of an MMX memory operand. */
const LOW_INTERLEAVES = ["punpcklbw", "punpcklwd", "punpckldq"];

/** Shifts by an immediate: opcode, ModRM.reg, mnemonic. */
const SHIFTS: readonly (readonly [opcode: number, digit: number, name: string])[] = [
  [0x71, 2, "psrlw"],
  [0x71, 4, "psraw"],
  [0x71, 6, "psllw"],
  [0x72, 2, "psrld"],
  [0x72, 4, "psrad"],
  [0x72, 6, "pslld"],
  [0x73, 2, "psrlq"],
  [0x73, 6, "psllq"],
];

/** The pairs. */
export const simdInteger: readonly Row[] = [
  ...LOW_INTERLEAVES.flatMap((name, place) => [
    row(`NP 0F ${hex(0x60 + place)} /r`, name, "Pq Qd", { feature: "mmx" }),
    row(`66 0F ${hex(0x60 + place)} /r`, name, "Vdq Wdq", { feature: "sse2" }),
  ]),
  ...BINARY.flatMap(([opcode, name, feature]) => [
    row(`NP 0F ${hex(opcode)} /r`, name, "Pq Qq", { feature: feature ?? "mmx" }),
    row(`66 0F ${hex(opcode)} /r`, name, "Vdq Wdq", { feature: "sse2" }),
  ]),
  ...SHIFTS.flatMap(([opcode, digit, name]) => [
    row(`NP 0F ${hex(opcode)} /${digit}`, name, "Nq Ib", { feature: "mmx" }),
    row(`66 0F ${hex(opcode)} /${digit}`, name, "Udq Ib", { feature: "sse2" }),
  ]),
  row("NP 0F C4 /r", "pinsrw", "Pq Rd/Mw Ib", { feature: "sse" }),
  row("66 0F C4 /r", "pinsrw", "Vdq Rd/Mw Ib", { feature: "sse2" }),
  row("NP 0F C5 /r", "pextrw", "Gd Nq Ib", { feature: "sse" }),
  row("66 0F C5 /r", "pextrw", "Gd Udq Ib", { feature: "sse2" }),
  row("NP 0F D7 /r", "pmovmskb", "Gd Nq", { feature: "sse" }),
  row("66 0F D7 /r", "pmovmskb", "Gd Udq", { feature: "sse2" }),
];
