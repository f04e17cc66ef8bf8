/**
 * Gives a matched form its values: from text operands to an {@linkcode Instruction} and its bytes.
 *
 * @module
 */
import { defaultSegment, encode, FORM_ENCODINGS, SEGMENT_PREFIXES } from "../encode.ts";
import { Instruction, OPERAND, type Operand } from "../instruction.ts";
import { GPR, SEG } from "../registers.ts";
import { type OperandCode, SOURCE } from "../table/operand_codes.ts";
import { Mistake } from "./error.ts";
import { evaluate, type Scope } from "./expression.ts";
import type { Match } from "./match.ts";
import { isImplicit } from "./mnemonics.ts";
import type { TextMemory, TextOperand } from "./operand.ts";

/** Prefixes that the source wrote before the mnemonic. */
export interface Prefixes {
  readonly lock: boolean;
  /** A REPEAT value. */
  readonly repeat: number;
  /** Segment in SEG order, or -1. */
  readonly segment: number;
}

/** Reduces a value to 32 bits if it fits `size` bytes, signed or unsigned; else undefined. */
function fitted(value: bigint, size: number): number | undefined {
  const bits = BigInt(size * 8);
  if (value < -(1n << bits - 1n) || value >= 1n << bits) return undefined;
  return Number(BigInt.asIntN(32, BigInt.asUintN(size * 8, value)));
}

/** Sets an immediate; false when the value does not fit it. A value that is not known yet fits everything. */
function setImmediate(operand: Operand, code: OperandCode, value: bigint | undefined, size: number): boolean {
  operand.kind = OPERAND.IMMEDIATE;
  operand.size = size;
  operand.value = 0;
  if (code.source === SOURCE.ONE) {
    operand.value = 1;
    return value === 1n;
  }
  if (value === undefined) return true;
  const whole = fitted(value, size);
  if (whole === undefined) return false;
  if (code.source === SOURCE.IMMEDIATE_SIGNED) {
    operand.value = size === 2 ? whole << 16 >> 16 : whole;
    return operand.value >= -128 && operand.value <= 127;
  }
  operand.value = whole;
  return true;
}

function setMemory(operand: Operand, text: TextMemory, size: number, addressSize: number, scope: Scope): void {
  operand.kind = OPERAND.MEMORY;
  operand.size = size;
  operand.base = text.base;
  operand.index = text.index;
  operand.scale = text.scale;
  operand.segment = text.segment >= 0 ? text.segment : defaultSegment(operand, addressSize);
  const value = evaluate(text.displacement, scope) ?? 0n;
  const displacement = fitted(value, addressSize);
  if (displacement === undefined) {
    throw new Mistake(
      `the address ${value} does not fit ${addressSize * 8} bits${
        addressSize === 2 ? ': write "dword" inside the brackets' : ""
      }`,
    );
  }
  operand.value = addressSize === 2 && (text.base >= 0 || text.index >= 0) ? displacement << 16 >> 16 : displacement;
}

/** Sets the operands that text leaves out: those of strings and XLAT, which the segment prefix applies to. */
function setImplicit(operand: Operand, code: OperandCode, size: number, segment: number): void {
  operand.size = size;
  if (code.source === SOURCE.FIXED) {
    operand.kind = code.kind;
    operand.register = code.register;
    return;
  }
  operand.kind = OPERAND.MEMORY;
  operand.base = code.source === SOURCE.TABLE ? GPR.BX : code.source === SOURCE.STRING_SOURCE ? GPR.SI : GPR.DI;
  operand.segment = code.source === SOURCE.STRING_DESTINATION ? SEG.ES : segment >= 0 ? segment : SEG.DS;
}

/** One encoding of an instruction with its values in place. */
export interface Placed {
  readonly bytes: readonly number[];
  /** It holds a branch displacement. */
  readonly branch: boolean;
}

/** Distance from the end of an instruction to a target as its form encodes it, or undefined when it is too far. */
function relative(target: bigint, end: bigint, size: number, operandSize: number): number | undefined {
  const distance = target - end;
  if (operandSize === 2 && (distance >= 0x1_0000n || distance <= -0x1_0000n)) return undefined;
  // EIP wraps at the operand size.
  const wrapped = Number(BigInt.asIntN(operandSize * 8, distance));
  return size > 1 || (wrapped >= -128 && wrapped <= 127) ? wrapped : undefined;
}

/**
 * Encodes a match.
 *
 * @param at Address of the instruction's first byte.
 * @returns Its bytes, or undefined where a value does not fit this form.
 * @throws {Mistake} A value fits no form of this kind: an address out of range, a prefix that the instruction does not take.
 */
export function place(match: Match, prefixes: Prefixes, big: boolean, at: bigint, scope: Scope): Placed | undefined {
  const { form, operandSize, addressSize } = match;
  const { codes } = FORM_ENCODINGS[form.id]!;
  const insn = new Instruction();
  insn.form = form;
  insn.operandSize = operandSize;
  insn.addressSize = addressSize;
  insn.lock = prefixes.lock;
  insn.repeat = prefixes.repeat;
  insn.count = codes.length;
  let overridden = false;
  let target: { operand: Operand; value: bigint | undefined } | undefined;
  for (const [position, code] of codes.entries()) {
    const operand = insn.operands[position]!;
    const size = code.size[operandSize >> 2]!;
    if (isImplicit(form)) {
      setImplicit(operand, code, size, prefixes.segment);
      overridden ||= code.source === SOURCE.STRING_SOURCE || code.source === SOURCE.TABLE;
      continue;
    }
    const text: TextOperand = match.operands[position]!;
    if (text.kind === "register") {
      operand.kind = text.register.kind;
      operand.size = size;
      operand.register = text.register.number;
    } else if (text.kind === "memory") {
      setMemory(operand, text, code.memorySize[operandSize >> 2]!, addressSize, scope);
      if (prefixes.segment >= 0 && text.segment < 0) operand.segment = prefixes.segment;
      overridden = true;
    } else if (text.kind === "pointer") {
      const selector = fitted(evaluate(text.selector, scope) ?? 0n, 2);
      const offset = fitted(evaluate(text.offset, scope) ?? 0n, operandSize);
      if (selector === undefined || offset === undefined) return undefined;
      operand.kind = OPERAND.FAR;
      operand.size = size;
      operand.register = selector;
      operand.value = offset;
    } else if (code.source === SOURCE.RELATIVE) {
      operand.kind = OPERAND.RELATIVE;
      operand.size = size;
      target = { operand, value: evaluate(text.value, scope) };
    } else if (!setImmediate(operand, code, evaluate(text.value, scope), size)) return undefined;
  }
  if (insn.lock && !(form.lock && insn.operands[0].kind === OPERAND.MEMORY)) {
    throw new Mistake(`"${form.mnemonic}" takes no lock prefix with these operands`);
  }
  const hint = prefixes.segment >= 0 && !overridden ? [SEGMENT_PREFIXES[prefixes.segment]!] : [];
  let bytes = [...hint, ...encode(insn, big)];
  if (target?.value !== undefined) {
    const value = relative(target.value, at + BigInt(bytes.length), target.operand.size, operandSize);
    if (value === undefined) return undefined;
    target.operand.value = value;
    bytes = [...hint, ...encode(insn, big)];
  }
  return { bytes, branch: target !== undefined };
}
