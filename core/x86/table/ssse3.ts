/**
 * SSSE3 (Intel SDM volume 1, 12.6): every instruction has an MMX and an XMM form.
 *
 * @module
 */
import { hex, type Row, row } from "./row.ts";

const feature = "ssse3";

const OPERATIONS: readonly (readonly [opcode: number, name: string])[] = [
  [0x00, "pshufb"],
  [0x01, "phaddw"],
  [0x02, "phaddd"],
  [0x03, "phaddsw"],
  [0x04, "pmaddubsw"],
  [0x05, "phsubw"],
  [0x06, "phsubd"],
  [0x07, "phsubsw"],
  [0x08, "psignb"],
  [0x09, "psignw"],
  [0x0a, "psignd"],
  [0x0b, "pmulhrsw"],
  [0x1c, "pabsb"],
  [0x1d, "pabsw"],
  [0x1e, "pabsd"],
];

/** The sixteen operations. */
export const ssse3: readonly Row[] = [
  ...OPERATIONS.flatMap(([opcode, name]) => [
    row(`NP 0F 38 ${hex(opcode)} /r`, name, "Pq Qq", { feature }),
    row(`66 0F 38 ${hex(opcode)} /r`, name, "Vdq Wdq", { feature }),
  ]),
  row("NP 0F 3A 0F /r", "palignr", "Pq Qq Ib", { feature }),
  row("66 0F 3A 0F /r", "palignr", "Vdq Wdq Ib", { feature }),
];
