/**
 * Instructions on single flags (Intel SDM volume 1, 7.3.12).
 *
 * @module
 */
import { type Row, row } from "./row.ts";

/** Flag control; CLI and STI end a run because an interrupt may be due. */
export const flag: readonly Row[] = [
  row("F5", "cmc"),
  row("F8", "clc"),
  row("F9", "stc"),
  row("FA", "cli", "", { ends: true }),
  row("FB", "sti", "", { ends: true }),
  row("FC", "cld"),
  row("FD", "std"),
  row("9E", "sahf"),
  row("9F", "lahf"),
  // AL = CF ? FF : 00. In every processor since the 8086, documented by AMD only as reserved.
  row("D6", "salc"),
];
