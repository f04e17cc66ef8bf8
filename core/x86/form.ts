/**
 * The vocabulary of the instruction table.
 *
 * @module
 */

/**
 * One encoding of one instruction, in the manuals' own notation.
 * `opcode`: `"00 /r"`, `"0F A2"`, `"80 /0"`, `"50+r"`, `"F3 0F B8 /r"` (mandatory prefix first), `"D9 E8"` (x87 register form).
 * `operands`: the opcode-map codes of the Intel SDM volume 2, appendix A: `Eb Ev Gb Gv Ib Iz Ibs(sign-extended byte) Jb Jz Ap M Mp Ma
 * Ob Ov Sw Cd Dd Rv Xb Xv Yb Yv`, fixed registers `AL CL DX eAX`, the constant `1`.
 */
export interface Form {
  /** Position in the table; stable within one run. */
  readonly id: number;
  readonly mnemonic: string;
  readonly opcode: string;
  readonly operands: readonly string[];
  /** Name under which `core/x86/semantics` or a callout defines it; the mnemonic unless several mnemonics share one. */
  readonly semantics: string;
  /** LOCK is legal with a memory destination. */
  readonly lock: boolean;
  /** Ends a straight run of decoded instructions: branches, far transfers, system instructions, port accesses, repeated strings. */
  readonly ends: boolean;
}
