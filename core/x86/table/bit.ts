/**
 * Bits, bit scans, counts and checksums (Intel SDM volume 1, 7.3.7).
 *
 * @module
 */
import { type Row, row } from "./row.ts";

/** BT and its writers, BSF, BSR and their successors, POPCNT, CRC32. */
export const bit: readonly Row[] = [
  row("0F A3 /r", "bt", "Ev Gv"),
  row("0F AB /r", "bts", "Ev Gv", { lock: true }),
  row("0F B3 /r", "btr", "Ev Gv", { lock: true }),
  row("0F BB /r", "btc", "Ev Gv", { lock: true }),
  row("0F BA /4", "bt", "Ev Ib"),
  row("0F BA /5", "bts", "Ev Ib", { lock: true }),
  row("0F BA /6", "btr", "Ev Ib", { lock: true }),
  row("0F BA /7", "btc", "Ev Ib", { lock: true }),
  row("0F BC /r", "bsf", "Gv Ev"),
  row("0F BD /r", "bsr", "Gv Ev"),
  row("F3 0F BC /r", "tzcnt", "Gv Ev", { feature: "tzcnt" }),
  row("F3 0F BD /r", "lzcnt", "Gv Ev", { feature: "lzcnt" }),
  row("F3 0F B8 /r", "popcnt", "Gv Ev", { feature: "popcnt" }),
  row("F2 0F 38 F0 /r", "crc32", "Gy Eb", { feature: "sse4.2" }),
  row("F2 0F 38 F1 /r", "crc32", "Gy Ev", { feature: "sse4.2" }),
];
