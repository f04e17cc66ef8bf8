/**
 * The x87 FPU (Intel SDM volume 1, chapter 8; volume 2, table ), with the encodings that only the implementations document.
 *
 * @module
 */
import { hex, type Row, row } from "./row.ts";

/** The arithmetic of D8, DA, DC and DE, in encoding order. */
const ARITHMETIC = ["add", "mul", "com", "comp", "sub", "subr", "div", "divr"];

function memoryArithmetic(): Row[] {
  return ARITHMETIC.flatMap((name, digit) => [
    row(`D8 /${digit}`, `f${name}`, "Mf32"),
    row(`DC /${digit}`, `f${name}`, "Mf64"),
    row(`DA /${digit}`, `fi${name}`, "Mi32"),
    row(`DE /${digit}`, `fi${name}`, "Mi16"),
  ]);
}

/** In DC and DE the encodings of SUB and SUBR, DIV and DIVR are exchanged with respect to D8 (SDM volume 2, FSUB). */
function registerArithmetic(): Row[] {
  const rows: Row[] = [];
  for (const [digit, name] of ARITHMETIC.entries()) {
    if (name === "com" || name === "comp") continue;
    const reversed = digit < 4 ? digit : digit ^ 1;
    rows.push(
      row(`D8 ${hex(0xc0 + digit * 8)}+i`, `f${name}`, "ST0 STi"),
      row(`DC ${hex(0xc0 + reversed * 8)}+i`, `f${name}`, "STi ST0"),
      row(`DE ${hex(0xc0 + reversed * 8)}+i`, `f${name}p`, "STi ST0"),
    );
  }
  return rows;
}

/** Operations of D9 with a fixed ModRM byte. */
const FIXED: readonly (readonly [number, string])[] = [
  [0xd0, "fnop"],
  [0xe0, "fchs"],
  [0xe1, "fabs"],
  [0xe4, "ftst"],
  [0xe5, "fxam"],
  [0xe8, "fld1"],
  [0xe9, "fldl2t"],
  [0xea, "fldl2e"],
  [0xeb, "fldpi"],
  [0xec, "fldlg2"],
  [0xed, "fldln2"],
  [0xee, "fldz"],
  [0xf0, "f2xm1"],
  [0xf1, "fyl2x"],
  [0xf2, "fptan"],
  [0xf3, "fpatan"],
  [0xf4, "fxtract"],
  [0xf5, "fprem1"],
  [0xf6, "fdecstp"],
  [0xf7, "fincstp"],
  [0xf8, "fprem"],
  [0xf9, "fyl2xp1"],
  [0xfa, "fsqrt"],
  [0xfb, "fsincos"],
  [0xfc, "frndint"],
  [0xfd, "fscale"],
  [0xfe, "fsin"],
  [0xff, "fcos"],
];

/** Whether an encoding is of the escape opcodes D8 to DF, which are the FPU's. */
export function isEscape({ opcode }: Pick<Row, "opcode">): boolean {
  return /^D[89A-F] /.test(opcode);
}

/** The whole x87 set. */
export const x87: readonly Row[] = [
  row("9B", "wait"),
  ...memoryArithmetic(),
  ...registerArithmetic(),
  row("D8 D0+i", "fcom", "STi"),
  row("D8 D8+i", "fcomp", "STi"),
  row("D9 /0", "fld", "Mf32"),
  row("D9 /2", "fst", "Mf32"),
  row("D9 /3", "fstp", "Mf32"),
  row("D9 /4", "fldenv", "Menv"),
  row("D9 /5", "fldcw", "Mw"),
  row("D9 /6", "fnstenv", "Menv"),
  row("D9 /7", "fnstcw", "Mw"),
  row("D9 C0+i", "fld", "STi"),
  row("D9 C8+i", "fxch", "STi"),
  ...FIXED.map(([modrm, name]) => row(`D9 ${hex(modrm)}`, name)),
  row("DA C0+i", "fcmovb", "ST0 STi", { feature: "cmov" }),
  row("DA C8+i", "fcmove", "ST0 STi", { feature: "cmov" }),
  row("DA D0+i", "fcmovbe", "ST0 STi", { feature: "cmov" }),
  row("DA D8+i", "fcmovu", "ST0 STi", { feature: "cmov" }),
  row("DA E9", "fucompp"),
  row("DB /0", "fild", "Mi32"),
  row("DB /1", "fisttp", "Mi32", { feature: "sse3" }),
  row("DB /2", "fist", "Mi32"),
  row("DB /3", "fistp", "Mi32"),
  row("DB /5", "fld", "Mf80"),
  row("DB /7", "fstp", "Mf80"),
  row("DB C0+i", "fcmovnb", "ST0 STi", { feature: "cmov" }),
  row("DB C8+i", "fcmovne", "ST0 STi", { feature: "cmov" }),
  row("DB D0+i", "fcmovnbe", "ST0 STi", { feature: "cmov" }),
  row("DB D8+i", "fcmovnu", "ST0 STi", { feature: "cmov" }),
  // Instructions of the 8087 and 80287 that later units accept and ignore (SDM volume 3, 22.18.9).
  row("DB E0", "fneni"),
  row("DB E1", "fndisi"),
  row("DB E2", "fnclex"),
  row("DB E3", "fninit"),
  row("DB E4", "fnsetpm"),
  row("DB E8+i", "fucomi", "ST0 STi", { feature: "cmov" }),
  row("DB F0+i", "fcomi", "ST0 STi", { feature: "cmov" }),
  row("DD /0", "fld", "Mf64"),
  row("DD /1", "fisttp", "Mi64", { feature: "sse3" }),
  row("DD /2", "fst", "Mf64"),
  row("DD /3", "fstp", "Mf64"),
  row("DD /4", "frstor", "Mstate"),
  row("DD /6", "fnsave", "Mstate"),
  row("DD /7", "fnstsw", "Mw"),
  row("DD C0+i", "ffree", "STi"),
  row("DD D0+i", "fst", "STi"),
  row("DD D8+i", "fstp", "STi"),
  row("DD E0+i", "fucom", "STi"),
  row("DD E8+i", "fucomp", "STi"),
  row("DE D9", "fcompp"),
  row("DF /0", "fild", "Mi16"),
  row("DF /1", "fisttp", "Mi16", { feature: "sse3" }),
  row("DF /2", "fist", "Mi16"),
  row("DF /3", "fistp", "Mi16"),
  row("DF /4", "fbld", "Mbcd"),
  row("DF /5", "fild", "Mi64"),
  row("DF /6", "fbstp", "Mbcd"),
  row("DF /7", "fistp", "Mi64"),
  row("DF E0", "fnstsw", "AX"),
  row("DF E8+i", "fucomip", "ST0 STi", { feature: "cmov" }),
  row("DF F0+i", "fcomip", "ST0 STi", { feature: "cmov" }),
  // Undocumented by Intel; AMD names them reserved. They behave as the instruction they repeat, FFREEP as FFREE and a pop.
  row("DF C0+i", "ffreep", "STi"),
  row("D9 D8+i", "fstp", "STi"),
  row("DC D0+i", "fcom", "STi"),
  row("DC D8+i", "fcomp", "STi"),
  row("DD C8+i", "fxch", "STi"),
  row("DE D0+i", "fcomp", "STi"),
  row("DF C8+i", "fxch", "STi"),
  row("DF D0+i", "fstp", "STi"),
  row("DF D8+i", "fstp", "STi"),
];
