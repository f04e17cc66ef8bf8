/**
 * A decoded instruction: what the decoder makes, and what every engine, callout and the disassembler reads.
 *
 * @module
 */
import type { Form } from "./form.ts";

/** What an operand is. */
export const OPERAND = {
  NONE: 0,
  /** A general register: `register` is the encoding (with size 1: 0-3 AL..BL, 4-7 AH..BH). */
  GPR: 1,
  /** Memory: `segment`, `base`, `index`, `scale`, `value` (displacement), `size`. Address size is the instruction's. */
  MEMORY: 2,
  /** An immediate in `value`, sign- or zero-extended as the form says, as a 32-bit signed number. */
  IMMEDIATE: 3,
  /** A branch target: `value` is relative to the next instruction. */
  RELATIVE: 4,
  /** A far pointer: `value` is the offset, `register` the selector. */
  FAR: 5,
  /** A segment register: `register` in SEG order. */
  SEGMENT: 6,
  /** A control register. */
  CONTROL: 7,
  /** A debug register. */
  DEBUG: 8,
  /** ST(i): `register`. */
  ST: 9,
  MMX: 10,
  XMM: 11,
} as const;

/** One operand; the same object is written anew by each decode. */
export class Operand {
  kind = 0;
  /** Bytes: 1, 2, 4, 6 (pseudo-descriptor or far pointer), 8, 10, 16, or 0 where the address alone matters. */
  size = 0;
  register = 0;
  /** Segment register of a memory operand, override applied (SEG order). */
  segment = 0;
  /** Base register's encoding, or -1. */
  base = -1;
  /** Index register's encoding, or -1. */
  index = -1;
  /** Index shift, 0 to 3. */
  scale = 0;
  value = 0;

  /** Copies another operand's fields into this one. */
  assign(from: Operand): this {
    this.kind = from.kind;
    this.size = from.size;
    this.register = from.register;
    this.segment = from.segment;
    this.base = from.base;
    this.index = from.index;
    this.scale = from.scale;
    this.value = from.value;
    return this;
  }
}

/** Repeat prefixes. */
export const REPEAT = { NONE: 0, F3: 1, F2: 2 } as const;

/** A decoded instruction. */
export class Instruction {
  /** The table's entry; `undefined` after a decode that found no such encoding (raise #UD). */
  form: Form | undefined = undefined;
  /** Bytes, prefixes included: 1 to 15. */
  length = 0;
  /** Effective operand size in bytes: 2, 4 (8 in long mode). */
  operandSize = 4;
  /** Effective address size in bytes: 2, 4 (8 in long mode). */
  addressSize = 4;
  lock = false;
  /** Last F2/F3 prefix where it is a repeat prefix and not part of the opcode: a REPEAT value. */
  repeat = 0;
  /** Segment override prefix in SEG order, or -1: memory operands have it applied, MASKMOVQ's destination is none of them. */
  segment = -1;
  /** Operands in the manual's order, destination first; `count` of them are valid. */
  readonly operands: readonly [Operand, Operand, Operand, Operand] = [
    new Operand(),
    new Operand(),
    new Operand(),
    new Operand(),
  ];
  count = 0;

  /** A copy that outlives the next decode. */
  clone(): Instruction {
    const copy = new Instruction();
    copy.form = this.form;
    copy.length = this.length;
    copy.operandSize = this.operandSize;
    copy.addressSize = this.addressSize;
    copy.lock = this.lock;
    copy.repeat = this.repeat;
    copy.segment = this.segment;
    copy.count = this.count;
    for (let i = 0; i < 4; i++) copy.operands[i]!.assign(this.operands[i]!);
    return copy;
  }
}
