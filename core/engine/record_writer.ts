/**
 * Turns a decoded instruction into a record: which case runs it, and where its operands go.
 *
 * @module
 */
import type { Form } from "../x86/form.ts";
import { type Instruction, OPERAND, type Operand } from "../x86/instruction.ts";
import { MODE, SEG, STATE, WINDOW } from "../x86/registers.ts";
import { MAY_CALL_OUT, ONLY_TRANSLATED, SEMANTICS, type Width } from "../x86/semantics/mod.ts";
import { registerFields } from "./interpreter/binder.ts";
import { CALLOUT_SLOT, FIRST_ENDING_SLOT } from "./interpreter/module.ts";
import { RECORD } from "./interpreter/record.ts";
import { type MemoryKind, type OperandShape, type Shape, shapeOf } from "./interpreter/shape.ts";

/** Instructions whose memory is implied: they reach it through string ports. */
const IMPLIED_MEMORY = new Set("movs stos lods cmps scas xlat".split(" "));

const MEMORY_KINDS: readonly MemoryKind[] = ["none", "base", "indexed", "segmented"];
const NONE = 0, BASE = 1, INDEXED = 2, SEGMENTED = 3;

/** Finds the case or function-table slot of a shape, emitting code for it if there is none. */
export type CaseFinder = (shape: Shape) => number;

/** Keeps an instruction for its callout and returns its number. */
export type CalloutKeeper = (instruction: Instruction) => number;

/** Per form, what of the choice of a case does not depend on operands. */
interface Traits {
  readonly described: boolean;
  readonly implied: boolean;
  readonly callsOut: boolean;
}

/** Writes records. */
export class RecordWriter {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  /** Case by (form, sizes, memory kind, mode): 0 where not known yet. */
  readonly #cases: Uint16Array;
  readonly #traits: Traits[];

  constructor(
    bytes: Uint8Array,
    words: Int32Array,
    forms: readonly Form[],
    readonly findCase: CaseFinder,
    readonly keep: CalloutKeeper,
    calledOut: ReadonlySet<string>,
    readonly hotAfter: number,
  ) {
    this.#bytes = bytes;
    this.#words = words;
    this.#cases = new Uint16Array(forms.length << 8);
    this.#traits = forms.map((form) => ({
      described: SEMANTICS.has(form.semantics) && !ONLY_TRANSLATED.has(form.semantics) &&
        !calledOut.has(form.semantics),
      implied: IMPLIED_MEMORY.has(form.semantics),
      callsOut: MAY_CALL_OUT.has(form.semantics),
    }));
  }

  /**
   * Writes the record of an instruction that decoded well.
   *
   * @param at Address of the record.
   * @param offset Offset of the instruction in its page.
   * @param mode MODE bits.
   * @returns The page-relative target of a branch within the page, or -1.
   */
  write(at: number, instruction: Instruction, offset: number, mode: number): number {
    const form = instruction.form!;
    const traits = this.#traits[form.id]!;
    const words = this.#words, word = at >> 2;
    words[word + 2] = 0;
    words[word + 3] = 0;
    if (!traits.described) {
      this.#header(at, form.ends ? FIRST_ENDING_SLOT : CALLOUT_SLOT, offset);
      words[word + 3] = this.keep(instruction.clone());
      return -1;
    }
    const operands = instruction.operands;
    let memory = NONE, near = -1, immediates = 0, memoryOperand: Operand | undefined;
    for (let k = 0; k < instruction.count; k++) {
      const operand = operands[k]!;
      switch (operand.kind) {
        case OPERAND.MEMORY:
          memoryOperand = operand.segment === SEG.ES && traits.implied && memoryOperand ? memoryOperand : operand;
          if (!traits.implied) memory = this.#memoryKind(form, instruction, operand, mode);
          break;
        case OPERAND.IMMEDIATE:
          words[word + (immediates++ === 0 ? 3 : 2)] = signExtend(operand.value, operand.size);
          break;
        case OPERAND.SEGMENT:
          // Where there is no other room for it: beside a memory operand.
          words[word + 3] = operand.register;
          break;
        case OPERAND.RELATIVE: {
          const target = offset + instruction.length + operand.value;
          words[word + 2] = target;
          if (target >= 0 && target < 4096 && offset + instruction.length <= 4096) near = target;
          break;
        }
      }
    }
    const flat = mode & MODE.FLAT;
    const key = (form.id << 8) | (memory << 6) | (instruction.repeat << 4) | (instruction.operandSize === 4 ? 8 : 0) |
      (instruction.addressSize === 4 ? 4 : 0) | flat | (near >= 0 ? 1 : 0);
    let found = this.#cases[key]!;
    if (found === 0) {
      found = this.findCase(this.#shape(form, instruction, memory, flat !== 0, near >= 0, traits.implied));
      this.#cases[key] = found;
    }
    this.#header(at, found, offset);
    this.#fill(at, form, instruction, memory, memoryOperand, traits.implied);
    if (near >= 0) words[word + 1] = this.hotAfter << 16;
    // An immediate byte stands above the number of the kept instruction.
    if (traits.callsOut) words[word + 3] = this.keep(instruction.clone()) | (words[word + 3]! << 24);
    return near;
  }

  #header(at: number, number: number, offset: number): void {
    this.#words[at >> 2] = number | (offset << 16);
    this.#words[(at >> 2) + 1] = 0;
  }

  /** LEA uses no segment; everything else with another segment than the flat ones, or with 16-bit addresses, takes a window. */
  #memoryKind(form: Form, instruction: Instruction, operand: Operand, mode: number): number {
    if (instruction.addressSize !== 4) return SEGMENTED;
    const plain = form.semantics === "lea" || ((mode & MODE.FLAT) !== 0 && isFlatSegment(operand.segment));
    return !plain ? SEGMENTED : operand.index >= 0 ? INDEXED : BASE;
  }

  #shape(form: Form, instruction: Instruction, memory: number, flat: boolean, near: boolean, implied: boolean): Shape {
    const operands: OperandShape[] = [];
    for (let k = 0; k < instruction.count; k++) {
      const operand = instruction.operands[k]!;
      const width = widthOf(operand.size);
      if (implied) {
        operands.push({ kind: "m", width });
        break;
      }
      switch (operand.kind) {
        case OPERAND.GPR:
          operands.push(form.operands[k] === "CL" ? { kind: "cl", width: 8 } : { kind: "r", width });
          break;
        case OPERAND.MEMORY:
          operands.push({ kind: "m", width });
          break;
        case OPERAND.IMMEDIATE:
          operands.push({ kind: "i", width });
          break;
        case OPERAND.RELATIVE:
          operands.push({ kind: "j", width: 32 });
          break;
        case OPERAND.SEGMENT:
          operands.push({ kind: "s", width: 16 });
          break;
        case OPERAND.MMX:
          operands.push({ kind: "p", width: 64 });
          break;
        case OPERAND.XMM:
          operands.push({ kind: "x", width: 64 });
          break;
        case OPERAND.ST:
          operands.push({ kind: form.operands[k] === "ST0" ? "t0" : "t", width: 80 });
          break;
        default:
          throw new Error(`operand ${form.operands[k]} of ${form.mnemonic} has no place in a record`);
      }
    }
    return shapeOf(
      form,
      operands,
      MEMORY_KINDS[memory]!,
      flat,
      (instruction.operandSize * 8) as Width,
      (instruction.addressSize * 8) as Width,
      instruction.repeat,
      near,
    );
  }

  #fill(
    at: number,
    form: Form,
    instruction: Instruction,
    memory: number,
    memoryOperand: Operand | undefined,
    implied: boolean,
  ): void {
    const bytes = this.#bytes;
    if (implied) {
      bytes[at + RECORD.D] = memoryOperand!.segment + (instruction.addressSize === 2 ? WINDOW.ADDRESS16 : 0);
      return;
    }
    const fields = fieldsOf(form.ends, memory !== NONE);
    let next = 0;
    for (let k = 0; k < instruction.count; k++) {
      const operand = instruction.operands[k]!;
      if (operand.kind === OPERAND.GPR) {
        if (form.operands[k] === "CL") continue;
        const register = operand.register;
        bytes[at + fields[next++]!] = operand.size === 1 ? (register & 3) * 8 + (register >> 2) : register * 8;
      } else if (operand.kind === OPERAND.SEGMENT || operand.kind === OPERAND.MMX || operand.kind === OPERAND.XMM) {
        bytes[at + fields[next++]!] = operand.register;
      } else if (operand.kind === OPERAND.ST && form.operands[k] !== "ST0") {
        // Sixteen bytes are a slot of the register stack.
        bytes[at + fields[next++]!] = operand.register << 4;
      }
    }
    if (memoryOperand) {
      bytes[at + RECORD.B] = memoryOperand.base >= 0 ? memoryOperand.base * 8 : STATE.ZERO;
      bytes[at + RECORD.C] = memoryOperand.index >= 0 ? (memoryOperand.index * 8) | memoryOperand.scale : STATE.ZERO;
      bytes[at + RECORD.D] = memoryOperand.segment + (instruction.addressSize === 2 ? WINDOW.ADDRESS16 : 0);
      this.#words[(at + RECORD.DISPLACEMENT) >> 2] = memoryOperand.value;
    }
  }
}

/** Register fields of the four combinations of `registerFields`, made once. */
const FIELDS: readonly (readonly number[])[] = [false, true].flatMap((ends) =>
  [false, true].map((memory) => registerFields({ ends, memory: memory ? "base" : "none" }))
);

function fieldsOf(ends: boolean, memory: boolean): readonly number[] {
  return FIELDS[(ends ? 2 : 0) + (memory ? 1 : 0)]!;
}

/** Bits of an operand by its bytes, where a description asks for them. */
function widthOf(size: number): Width | 80 {
  return size === 8 ? 64 : size === 10 ? 80 : size === 0 || size > 4 ? 8 : (size * 8) as Width;
}

function isFlatSegment(segment: number): boolean {
  return segment === SEG.DS || segment === SEG.SS || segment === SEG.ES;
}

function signExtend(value: number, size: number): number {
  return size === 1 ? (value << 24) >> 24 : size === 2 ? (value << 16) >> 16 : value;
}
