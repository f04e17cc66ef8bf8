/**
 * The vocabulary of the instruction table.
 *
 * @module
 */

/**
 * What distinguishes processors, as far as instructions go: a generation of the base set (`i386`, `i486`, `p5` the Pentium's, `p6` the
 * Pentium Pro's), or an extension by the name of its CPUID bit.
 */
export type Feature =
  | "i386"
  | "i486"
  | "p5"
  | "p6"
  | "fpu"
  | "tsc"
  | "msr"
  | "cx8"
  | "sep"
  | "cmov"
  | "clfsh"
  | "mmx"
  | "fxsr"
  | "sse"
  | "sse2"
  | "sse3"
  | "ssse3"
  | "sse4.1"
  | "sse4.2"
  | "aes"
  | "pclmulqdq"
  | "movbe"
  | "popcnt"
  | "adx"
  | "lzcnt"
  | "tzcnt";

/**
 * One encoding of one instruction, in the manuals' own notation.
 *
 * `opcode`: `"00 /r"`, `"0F A2"`, `"80 /0"`, `"50+r"`, `"D9 E8"` (a register form that fixes the whole ModRM byte), `"D8 C0+i"` (its low
 * three bits are free). In front may stand a mandatory prefix (`66`, `F2`, `F3`, or `NP` where all three are excluded), or `o16`, `o32`,
 * `a16`, `a32`: the form is that of one operand or address size.
 *
 * `operands`: the opcode-map codes of the Intel SDM volume 2, appendix A, as `core/x86/table/operand_codes.ts` lists them: `Eb Ev Gb Gv
 * Ib Iz Ibs` (sign-extended byte) `Jb Jz Ap M Mp Ma Ob Ov Sw Cd Dd Rd Xb Xv Yb Yv`, fixed registers `AL CL DX eAX`, the constant `1`.
 */
export interface Form {
  /** Position in the table; stable within one run. */
  readonly id: number;
  /** Name in assembly text, lower case. */
  readonly mnemonic: string;
  /** The encoding, in the notation above. */
  readonly opcode: string;
  /** Operand codes, destination first. */
  readonly operands: readonly string[];
  /** Name under which `core/x86/semantics` or a callout defines it; the mnemonic unless several mnemonics share one. */
  readonly semantics: string;
  /** Condition of Jcc, SETcc and CMOVcc: the low four bits of the opcode (Intel SDM volume 2, B.1.4.7). */
  readonly condition?: number;
  /** LOCK is legal with a memory destination. */
  readonly lock: boolean;
  /** Ends a straight run of decoded instructions: branches, far transfers, system instructions, port accesses, strings. */
  readonly ends: boolean;
  /** What a processor must have to know it. */
  readonly feature: Feature;
}
