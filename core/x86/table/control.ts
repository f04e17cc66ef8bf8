/**
 * Control transfer (Intel SDM volume 1, 7.3.8).
 *
 * @module
 */
import { CONDITIONS } from "./conditions.ts";
import { hex, type Row, row } from "./row.ts";

const ends = true;

/** Jumps, calls, returns, loops, interrupts. */
export const control: readonly Row[] = [
  ...CONDITIONS.map(([name], condition) =>
    row(hex(0x70 + condition), `j${name}`, "Jb", { semantics: "jcc", condition, ends })
  ),
  ...CONDITIONS.map(([name], condition) =>
    row(`0F ${hex(0x80 + condition)}`, `j${name}`, "Jz", { semantics: "jcc", condition, ends })
  ),
  row("E0", "loopne", "Jb", { ends }),
  row("E1", "loope", "Jb", { ends }),
  row("E2", "loop", "Jb", { ends }),
  row("a16 E3", "jcxz", "Jb", { ends }),
  row("a32 E3", "jecxz", "Jb", { semantics: "jcxz", ends }),
  row("EB", "jmp", "Jb", { ends }),
  row("E9", "jmp", "Jz", { ends }),
  row("FF /4", "jmp", "Ev", { ends }),
  row("EA", "jmp", "Ap", { semantics: "jmp_far", ends }),
  row("FF /5", "jmp", "Mp", { semantics: "jmp_far", ends }),
  row("E8", "call", "Jz", { ends }),
  row("FF /2", "call", "Ev", { ends }),
  row("9A", "call", "Ap", { semantics: "call_far", ends }),
  row("FF /3", "call", "Mp", { semantics: "call_far", ends }),
  row("C3", "ret", "", { ends }),
  row("C2", "ret", "Iw", { ends }),
  row("CB", "retf", "", { semantics: "ret_far", ends }),
  row("CA", "retf", "Iw", { semantics: "ret_far", ends }),
  row("o16 CF", "iretw", "", { semantics: "iret", ends }),
  row("o32 CF", "iretd", "", { semantics: "iret", ends }),
  row("CC", "int3", "", { ends }),
  row("CD", "int", "Ib", { ends }),
  row("CE", "into", "", { ends }),
  row("F1", "int1", "", { ends }),
  row("62 /r", "bound", "Gv Ma", { ends }),
  row("0F 0B", "ud2", "", { ends }),
  row("0F B9 /r", "ud1", "Gv Ev", { ends }),
  row("0F FF /r", "ud0", "Gv Ev", { ends }),
];
