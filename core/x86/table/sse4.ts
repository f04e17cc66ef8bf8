/**
 * SSE4.1 and SSE4.2 (Intel SDM volume 1, 12.10 and 12.11), without CRC32, which stands with the bit instructions.
 *
 * @module
 */
import { hex, type Row, row } from "./row.ts";

const feature = "sse4.1";

/** Operations of two whole registers. */
const BINARY: readonly (readonly [opcode: number, name: string])[] = [
  [0x10, "pblendvb"],
  [0x14, "blendvps"],
  [0x15, "blendvpd"],
  [0x17, "ptest"],
  [0x28, "pmuldq"],
  [0x29, "pcmpeqq"],
  [0x2b, "packusdw"],
  [0x38, "pminsb"],
  [0x39, "pminsd"],
  [0x3a, "pminuw"],
  [0x3b, "pminud"],
  [0x3c, "pmaxsb"],
  [0x3d, "pmaxsd"],
  [0x3e, "pmaxuw"],
  [0x3f, "pmaxud"],
  [0x40, "pmulld"],
  [0x41, "phminposuw"],
];

/** Widenings: the last digit of the opcode, elements, width of the source. */
const WIDENINGS: readonly (readonly [digit: number, elements: string, source: string])[] = [
  [0, "bw", "Wq"],
  [1, "bd", "Wd"],
  [2, "bq", "Ww"],
  [3, "wd", "Wq"],
  [4, "wq", "Wd"],
  [5, "dq", "Wq"],
];

/** Operations with an immediate. */
const IMMEDIATE: readonly (readonly [opcode: number, name: string, source: string])[] = [
  [0x08, "roundps", "Wps"],
  [0x09, "roundpd", "Wpd"],
  [0x0a, "roundss", "Wss"],
  [0x0b, "roundsd", "Wsd"],
  [0x0c, "blendps", "Wps"],
  [0x0d, "blendpd", "Wpd"],
  [0x0e, "pblendw", "Wdq"],
  [0x21, "insertps", "Wss"],
  [0x40, "dpps", "Wps"],
  [0x41, "dppd", "Wpd"],
  [0x42, "mpsadbw", "Wdq"],
];

/** Both generations. */
export const sse4: readonly Row[] = [
  ...BINARY.map(([opcode, name]) => row(`66 0F 38 ${hex(opcode)} /r`, name, "Vdq Wdq", { feature })),
  ...WIDENINGS.flatMap(([digit, elements, source]) => [
    row(`66 0F 38 ${hex(0x20 + digit)} /r`, `pmovsx${elements}`, `Vdq ${source}`, { feature }),
    row(`66 0F 38 ${hex(0x30 + digit)} /r`, `pmovzx${elements}`, `Vdq ${source}`, { feature }),
  ]),
  ...IMMEDIATE.map(([opcode, name, source]) =>
    row(`66 0F 3A ${hex(opcode)} /r`, name, `Vdq ${source} Ib`, { feature })
  ),
  row("66 0F 38 2A /r", "movntdqa", "Vdq Mdq", { feature }),
  row("66 0F 3A 14 /r", "pextrb", "Rd/Mb Vdq Ib", { feature }),
  row("66 0F 3A 15 /r", "pextrw", "Rd/Mw Vdq Ib", { feature }),
  row("66 0F 3A 16 /r", "pextrd", "Ed Vdq Ib", { feature }),
  row("66 0F 3A 17 /r", "extractps", "Ed Vdq Ib", { feature }),
  row("66 0F 3A 20 /r", "pinsrb", "Vdq Rd/Mb Ib", { feature }),
  row("66 0F 3A 22 /r", "pinsrd", "Vdq Ed Ib", { feature }),
  row("66 0F 38 37 /r", "pcmpgtq", "Vdq Wdq", { feature: "sse4.2" }),
  row("66 0F 3A 60 /r", "pcmpestrm", "Vdq Wdq Ib", { feature: "sse4.2" }),
  row("66 0F 3A 61 /r", "pcmpestri", "Vdq Wdq Ib", { feature: "sse4.2" }),
  row("66 0F 3A 62 /r", "pcmpistrm", "Vdq Wdq Ib", { feature: "sse4.2" }),
  row("66 0F 3A 63 /r", "pcmpistri", "Vdq Wdq Ib", { feature: "sse4.2" }),
];
