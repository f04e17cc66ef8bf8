/**
 * The stack (Intel SDM volume 1, chapter 6 and 7.3.1.4), and EFLAGS by way of it.
 *
 * @module
 */
import { type Row, row } from "./row.ts";

/** PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER, LEAVE. */
export const stack: readonly Row[] = [
  row("50+r", "push", "Zv"),
  row("58+r", "pop", "Zv"),
  row("FF /6", "push", "Ev"),
  row("8F /0", "pop", "Ev"),
  row("6A", "push", "Ibs"),
  row("68", "push", "Iz"),
  row("06", "push", "ES", { semantics: "push_segment" }),
  row("0E", "push", "CS", { semantics: "push_segment" }),
  row("16", "push", "SS", { semantics: "push_segment" }),
  row("1E", "push", "DS", { semantics: "push_segment" }),
  row("0F A0", "push", "FS", { semantics: "push_segment" }),
  row("0F A8", "push", "GS", { semantics: "push_segment" }),
  row("07", "pop", "ES", { semantics: "pop_segment", ends: true }),
  row("17", "pop", "SS", { semantics: "pop_segment", ends: true }),
  row("1F", "pop", "DS", { semantics: "pop_segment", ends: true }),
  row("0F A1", "pop", "FS", { semantics: "pop_segment", ends: true }),
  row("0F A9", "pop", "GS", { semantics: "pop_segment", ends: true }),
  row("o16 60", "pushaw", "", { semantics: "pusha" }),
  row("o32 60", "pushad", "", { semantics: "pusha" }),
  row("o16 61", "popaw", "", { semantics: "popa" }),
  row("o32 61", "popad", "", { semantics: "popa" }),
  row("o16 9C", "pushfw", "", { semantics: "pushf" }),
  row("o32 9C", "pushfd", "", { semantics: "pushf" }),
  row("o16 9D", "popfw", "", { semantics: "popf", ends: true }),
  row("o32 9D", "popfd", "", { semantics: "popf", ends: true }),
  row("C8", "enter", "Iw Ib"),
  row("C9", "leave"),
];
