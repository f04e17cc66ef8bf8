/**
 * The operand column of the table: what each code names, where an encoding keeps it, and how wide it is (Intel SDM volume 2, A.2).
 *
 * @module
 */
import { OPERAND } from "../instruction.ts";
import { GPR, SEG } from "../registers.ts";

/** Where an instruction keeps an operand. */
export const SOURCE = {
  /** ModRM.rm with ModRM.mod: a register or memory. */
  RM: 0,
  /** ModRM.rm, memory only. */
  RM_MEMORY: 1,
  /** ModRM.rm, register only. */
  RM_REGISTER: 2,
  /** ModRM.rm is a register whatever ModRM.mod says (SDM volume 2, MOV to and from control registers). */
  RM_ALWAYS_REGISTER: 3,
  /** ModRM.reg. */
  REG: 4,
  /** ModRM.reg naming a segment register: 6 and 7 are undefined, and so is loading CS. */
  REG_SEGMENT: 5,
  /** ModRM.reg naming a control register: 0, 2, 3 and 4 exist. */
  REG_CONTROL: 6,
  /** The low three bits of the opcode. */
  OPCODE: 7,
  /** An immediate, zero-extended. */
  IMMEDIATE: 8,
  /** An immediate byte, sign-extended to the operand's size. */
  IMMEDIATE_SIGNED: 9,
  /** A branch displacement. */
  RELATIVE: 10,
  /** Offset and selector. */
  FAR: 11,
  /** An address without ModRM. */
  OFFSET: 12,
  /** The string source, DS:[eSI]; DS may be overridden. */
  STRING_SOURCE: 13,
  /** The string destination, ES:[eDI]. */
  STRING_DESTINATION: 14,
  /** The table of XLAT, DS:[eBX]; the instruction adds AL. DS may be overridden. */
  TABLE: 15,
  /** One certain register. */
  FIXED: 16,
  /** The constant 1. */
  ONE: 17,
} as const;

/** An operand code. */
export interface OperandCode {
  /** A SOURCE value. */
  readonly source: number;
  /** What a register operand of it is: an OPERAND value. */
  readonly kind: number;
  /** Encoding of the one register of SOURCE.FIXED. */
  readonly register: number;
  /** Width in bytes of a register or immediate with 16- and with 32-bit operand size. */
  readonly size: readonly [number, number];
  /** Width in bytes where it is memory, likewise. */
  readonly memorySize: readonly [number, number];
}

/** Width suffixes: bytes with 16- and with 32-bit operand size. */
const WIDTHS: Readonly<Record<string, readonly [number, number]>> = {
  "": [0, 0],
  b: [1, 1],
  w: [2, 2],
  d: [4, 4],
  q: [8, 8],
  dq: [16, 16],
  ps: [16, 16],
  pd: [16, 16],
  ss: [4, 4],
  sd: [8, 8],
  v: [2, 4],
  z: [2, 4],
  // Doubleword, or quadword in 64-bit mode.
  y: [4, 4],
  // Far pointer: offset of the operand size, then a selector.
  p: [4, 6],
  // The two bounds of BOUND.
  a: [4, 8],
  // Pseudo-descriptor.
  s: [6, 6],
  f32: [4, 4],
  f64: [8, 8],
  f80: [10, 10],
  i16: [2, 2],
  i32: [4, 4],
  i64: [8, 8],
  bcd: [10, 10],
  // FPU environment (14 or 28 bytes) and state (94 or 108): the instruction lays them out; the operand is an address.
  env: [0, 0],
  state: [0, 0],
};

const { GPR: G, ST, MMX, XMM } = OPERAND;

/** Addressing methods: source, and kind of register. */
const METHODS: Readonly<Record<string, readonly [source: number, kind: number]>> = {
  E: [SOURCE.RM, G],
  M: [SOURCE.RM_MEMORY, OPERAND.MEMORY],
  R: [SOURCE.RM_REGISTER, G],
  G: [SOURCE.REG, G],
  S: [SOURCE.REG_SEGMENT, OPERAND.SEGMENT],
  C: [SOURCE.REG_CONTROL, OPERAND.CONTROL],
  D: [SOURCE.REG, OPERAND.DEBUG],
  Z: [SOURCE.OPCODE, G],
  I: [SOURCE.IMMEDIATE, OPERAND.IMMEDIATE],
  J: [SOURCE.RELATIVE, OPERAND.RELATIVE],
  A: [SOURCE.FAR, OPERAND.FAR],
  O: [SOURCE.OFFSET, OPERAND.MEMORY],
  X: [SOURCE.STRING_SOURCE, OPERAND.MEMORY],
  Y: [SOURCE.STRING_DESTINATION, OPERAND.MEMORY],
  BX: [SOURCE.TABLE, OPERAND.MEMORY],
  P: [SOURCE.REG, MMX],
  Q: [SOURCE.RM, MMX],
  N: [SOURCE.RM_REGISTER, MMX],
  V: [SOURCE.REG, XMM],
  W: [SOURCE.RM, XMM],
  U: [SOURCE.RM_REGISTER, XMM],
};

function fixed(kind: number, register: number, narrow: number, wide = narrow): OperandCode {
  const size: readonly [number, number] = [narrow, wide];
  return { source: SOURCE.FIXED, kind, register, size, memorySize: size };
}

function elsewhere(source: number, kind: number, size: readonly [number, number]): OperandCode {
  return { source, kind, register: 0, size, memorySize: size };
}

const CODES = new Map<string, OperandCode>([
  ["AL", fixed(G, GPR.AX, 1)],
  ["CL", fixed(G, GPR.CX, 1)],
  ["AX", fixed(G, GPR.AX, 2)],
  ["DX", fixed(G, GPR.DX, 2)],
  ["eAX", fixed(G, GPR.AX, 2, 4)],
  ["ES", fixed(OPERAND.SEGMENT, SEG.ES, 2)],
  ["CS", fixed(OPERAND.SEGMENT, SEG.CS, 2)],
  ["SS", fixed(OPERAND.SEGMENT, SEG.SS, 2)],
  ["DS", fixed(OPERAND.SEGMENT, SEG.DS, 2)],
  ["FS", fixed(OPERAND.SEGMENT, SEG.FS, 2)],
  ["GS", fixed(OPERAND.SEGMENT, SEG.GS, 2)],
  ["ST0", fixed(ST, 0, 10)],
  ["STi", elsewhere(SOURCE.RM_REGISTER, ST, [10, 10])],
  ["1", elsewhere(SOURCE.ONE, OPERAND.IMMEDIATE, [1, 1])],
  ["Ibs", elsewhere(SOURCE.IMMEDIATE_SIGNED, OPERAND.IMMEDIATE, [2, 4])],
  // Only MOV to and from control and debug registers has this one.
  ["Rd", elsewhere(SOURCE.RM_ALWAYS_REGISTER, G, [4, 4])],
  // Insertions and extractions: the low part of a 32-bit register, or memory as wide as the element.
  ["Rd/Mb", { source: SOURCE.RM, kind: G, register: 0, size: [4, 4], memorySize: [1, 1] }],
  ["Rd/Mw", { source: SOURCE.RM, kind: G, register: 0, size: [4, 4], memorySize: [2, 2] }],
  // A selector stored to memory is a word whatever the operand size; a register takes the operand size.
  ["Rv/Mw", { source: SOURCE.RM, kind: G, register: 0, size: [2, 4], memorySize: [2, 2] }],
]);

/**
 * Looks up an operand code.
 *
 * @throws {Error} There is no such code: a mistake in the table.
 */
export function operandCode(code: string): OperandCode {
  const known = CODES.get(code);
  if (known !== undefined) return known;
  const match = /^(BX|[A-Z])(.*)$/.exec(code);
  const method = METHODS[match?.[1] ?? ""];
  const size = WIDTHS[match?.[2] ?? "none"];
  if (method === undefined || size === undefined) {
    throw new Error(`the operand "${code}" of the instruction table is not an operand code`);
  }
  const made = elsewhere(method[0], method[1], size);
  CODES.set(code, made);
  return made;
}

/** Whether a code takes ModRM.rm as memory only, as a register only, or as either. */
export function acceptsMemory(code: OperandCode): boolean {
  return code.source !== SOURCE.RM_REGISTER;
}

/** See {@linkcode acceptsMemory}. */
export function acceptsRegister(code: OperandCode): boolean {
  return code.source !== SOURCE.RM_MEMORY;
}
