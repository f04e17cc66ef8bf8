/**
 * Shifts and rotates (Intel SDM volume 1, 7.3.6).
 *
 * @module
 */
import { type Row, row } from "./row.ts";

/** Group 2 in encoding order. /6 repeats SHL on every implementation. */
const OPERATIONS = ["rol", "ror", "rcl", "rcr", "shl", "shr", "shl", "sar"];

/** Shifts and rotates. */
export const shift: readonly Row[] = [
  ...OPERATIONS.flatMap((name, digit) => [
    row(`D0 /${digit}`, name, "Eb 1"),
    row(`D1 /${digit}`, name, "Ev 1"),
    row(`D2 /${digit}`, name, "Eb CL"),
    row(`D3 /${digit}`, name, "Ev CL"),
    row(`C0 /${digit}`, name, "Eb Ib"),
    row(`C1 /${digit}`, name, "Ev Ib"),
  ]),
  row("0F A4 /r", "shld", "Ev Gv Ib"),
  row("0F A5 /r", "shld", "Ev Gv CL"),
  row("0F AC /r", "shrd", "Ev Gv Ib"),
  row("0F AD /r", "shrd", "Ev Gv CL"),
];
