/**
 * The names that assembly text uses for registers, sizes and prefixes: shared by the assembler and the disassembler.
 *
 * @module
 */
import { OPERAND, REPEAT } from "./instruction.ts";

/** A register as text names it. */
export interface NamedRegister {
  /** An OPERAND value: the register file. */
  readonly kind: number;
  /** Encoding. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
}

/** Names of the general registers in encoding order, by width in bytes. */
const GENERAL: Readonly<Record<number, readonly string[]>> = {
  1: ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"],
  2: ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"],
  4: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"],
};

/** Names of the segment registers in encoding order. */
export const SEGMENT_NAMES: readonly string[] = ["es", "cs", "ss", "ds", "fs", "gs"];

/** Register files whose names are a stem and a number: stem, how many, width. */
const NUMBERED: Readonly<Record<number, readonly [stem: string, count: number, size: number]>> = {
  [OPERAND.CONTROL]: ["cr", 8, 4],
  [OPERAND.DEBUG]: ["dr", 8, 4],
  [OPERAND.ST]: ["st", 8, 10],
  [OPERAND.MMX]: ["mm", 8, 8],
  [OPERAND.XMM]: ["xmm", 8, 16],
};

/** Keywords of operand widths. */
export const SIZE_KEYWORDS: ReadonlyMap<string, number> = new Map([
  ["byte", 1],
  ["word", 2],
  ["dword", 4],
  ["fword", 6],
  ["qword", 8],
  ["tword", 10],
  ["oword", 16],
]);

/** Repeat prefixes by keyword. */
export const REPEAT_KEYWORDS: ReadonlyMap<string, number> = new Map([
  ["rep", REPEAT.F3],
  ["repe", REPEAT.F3],
  ["repz", REPEAT.F3],
  ["repne", REPEAT.F2],
  ["repnz", REPEAT.F2],
]);

/** The keyword of a width in bytes, or "" for a width without one. */
export function sizeKeyword(size: number): string {
  for (const [keyword, bytes] of SIZE_KEYWORDS) if (bytes === size) return keyword;
  return "";
}

/** The name of a register. */
export function registerName(kind: number, number: number, size: number): string {
  if (kind === OPERAND.GPR) return GENERAL[size]![number]!;
  if (kind === OPERAND.SEGMENT) return SEGMENT_NAMES[number]!;
  return `${NUMBERED[kind]![0]}${number}`;
}

/** Registers by name, lower case. `st` alone is ST(0). */
export const REGISTERS: ReadonlyMap<string, NamedRegister> = namedRegisters();

function namedRegisters(): Map<string, NamedRegister> {
  const registers = new Map<string, NamedRegister>([["st", { kind: OPERAND.ST, number: 0, size: 10 }]]);
  for (const [size, names] of Object.entries(GENERAL)) {
    for (const [number, name] of names.entries()) {
      registers.set(name, { kind: OPERAND.GPR, number, size: Number(size) });
    }
  }
  for (const [number, name] of SEGMENT_NAMES.entries()) {
    registers.set(name, { kind: OPERAND.SEGMENT, number, size: 2 });
  }
  for (const [kind, [stem, count, size]] of Object.entries(NUMBERED)) {
    for (let number = 0; number < count; number++) {
      registers.set(`${stem}${number}`, { kind: Number(kind), number, size });
    }
  }
  return registers;
}
