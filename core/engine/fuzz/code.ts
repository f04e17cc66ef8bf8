/**
 * Collects the pieces of a random program.
 *
 * @module
 */
import { defaultSegment, encode, FORM_ENCODINGS } from "../../x86/encode.ts";
import type { Form } from "../../x86/form.ts";
import { Instruction, OPERAND, type Operand, REPEAT } from "../../x86/instruction.ts";
import { GPR, SEG } from "../../x86/registers.ts";
import { SIMD } from "../../x86/table/opcode_notation.ts";
import { acceptsMemory, acceptsRegister, type OperandCode, SOURCE } from "../../x86/table/operand_codes.ts";
import { AT, PAGES } from "./layout.ts";
import type { Mode } from "./mode.ts";
import type { Piece, Place } from "./program.ts";
import type { Random } from "./random.ts";

/** Pairs of base and index that 16-bit addresses may have (Intel SDM volume 2, table 2-1). */
const ADDRESSES_16: readonly (readonly [base: number, index: number])[] = [
  [GPR.BX, GPR.SI],
  [GPR.BX, GPR.DI],
  [GPR.BP, GPR.SI],
  [GPR.BP, GPR.DI],
  [GPR.SI, -1],
  [GPR.DI, -1],
  [GPR.BP, -1],
  [GPR.BX, -1],
  [-1, -1],
];

/** Data pages that behave differently from the others. */
const SPECIAL = Object.values(PAGES);

/** Little-endian bytes of a value. */
export function little(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => value >>> i * 8 & 0xff);
}

/** A program that is being written. */
export class Code {
  readonly pieces: Piece[] = [];
  /** CS.D of what is written now. */
  big: boolean;
  #labels = 1;

  constructor(readonly random: Random, readonly mode: Mode) {
    this.big = mode.big;
  }

  /** Bytes of a near offset. */
  get width(): 2 | 4 {
    return this.big ? 4 : 2;
  }

  /** A label that stands nowhere yet. */
  label(): number {
    return this.#labels++;
  }

  /** Puts a label here. */
  place(label: number): void {
    this.pieces.push({ big: this.big, label, bytes: [] });
  }

  /** One instruction (or a few that cannot be parted). */
  put(...bytes: number[]): void {
    this.pieces.push({ big: this.big, bytes });
  }

  /** One that depends on where labels are. */
  putAt(bytes: (place: Place) => readonly number[], variable?: number): void {
    this.pieces.push({ big: this.big, bytes, ...variable === undefined ? {} : { variable } });
  }

  /** Bytes that are no instructions. */
  data(bytes: Piece["bytes"]): void {
    this.pieces.push({ big: this.big, data: true, bytes });
  }

  /** The operand-size prefix if operands of `size` bytes need one. */
  prefix(size: number): number[] {
    return size === this.width || size === 1 ? [] : [0x66];
  }

  /** MOV of an immediate to a register of 2 or 4 bytes. */
  load(register: number, value: number, size: number = this.width): void {
    const bytes = [...this.prefix(size), 0xb8 + register, ...little(value, size)];
    this.pieces.push({ big: this.big, bytes, variable: size });
  }

  /** MOV of a label's EIP to a register. */
  loadLabel(register: number, label: number): void {
    const { width } = this;
    this.putAt(({ at }) => [0xb8 + register, ...little(at(label), width)]);
  }

  /** A relative jump: `opcode` 70h-7Fh, EBh or E8h; near where it must be. */
  jump(opcode: number, label: number, near = false): void {
    const { width } = this;
    const long = opcode < 0x80 ? [0x0f, opcode + 0x10] : opcode === 0xeb ? [0xe9] : [opcode];
    this.putAt(({ here, at }) => {
      const distance = at(label) - here - 2;
      if (opcode !== 0xe8 && !near && distance >= -128 && distance < 128) return [opcode, distance & 0xff];
      return [...long, ...little(at(label) - here - long.length - width, width)];
    });
  }

  /** A general register: seldom ESP. */
  register(size = 4): number {
    const register = this.random.below(8);
    return register === GPR.SP && size > 1 && !this.random.chance(5) ? GPR.AX : register;
  }

  /** A linear address worth accessing. */
  target(size: number): number {
    const { random } = this;
    const near = Math.max(1, size);
    return random.weighted<() => number>([
      [50, () => AT.DATA + random.below(0x3000)],
      [18, () => AT.DATA + 0x1000 * random.between(1, 3) - random.below(near + 1)],
      [14, () => random.pick(SPECIAL) + random.below(0x1000)],
      [8, () => random.pick(SPECIAL) + (random.chance(50) ? 0x1000 : 0) - random.below(near + 1)],
      [3, () => AT.CODE + 0xe00 + random.below(0x500)],
      [3, () => AT.DEVICE + random.below(0x1000)],
      [2, () => AT.STACK + random.below(0x2000)],
      [this.mode.paging ? 3 : 0, () => AT.LARGE_ALIAS + AT.DATA + random.below(0x3000)],
      [2, () => random.next()],
    ])();
  }

  /** An offset in a segment that is worth accessing. */
  offset(segment: number, size: number): number {
    const { base, limit } = this.mode.segments[segment]!;
    if (limit !== 0xffff_ffff && this.random.chance(12)) return (limit + 1 - this.random.below(size + 2)) >>> 0;
    return (this.target(size) - base) >>> 0;
  }

  /** Makes an operand memory, and mostly loads the registers of its address. */
  memory(operand: Operand, size: number, addressSize: number): void {
    const { random } = this;
    operand.kind = OPERAND.MEMORY;
    operand.size = size;
    if (addressSize === 2) [operand.base, operand.index] = random.pick(ADDRESSES_16);
    else {
      operand.base = random.chance(30) ? -1 : this.register();
      operand.index = random.chance(70) ? -1 : random.below(8);
      if (operand.index === GPR.SP) operand.index = -1;
      operand.scale = operand.index < 0 ? 0 : random.below(4);
    }
    operand.segment = random.chance(15) ? random.below(6) : defaultSegment(operand, addressSize);
    const offset = this.offset(operand.segment, size);
    const displacement = operand.base < 0 && operand.index < 0
      ? offset
      : random.chance(40)
      ? 0
      : random.chance(60)
      ? random.between(-128, 127)
      : random.value();
    let rest = (offset - displacement) | 0;
    operand.value = addressSize === 2 ? displacement << 16 >> 16 : displacement | 0;
    if (random.chance(20) || operand.base === GPR.SP) return;
    if (operand.index >= 0 && operand.index !== operand.base) {
      const value = random.below(16);
      if (operand.base >= 0) {
        this.load(operand.index, value, addressSize);
        rest = (rest - (value << operand.scale)) | 0;
      } else this.load(operand.index, rest >>> operand.scale, addressSize);
    } else if (operand.index >= 0) return;
    if (operand.base >= 0) this.load(operand.base, rest, addressSize);
  }

  /** One instruction of a form with random operands. `registers`: memory only where it must be. */
  instruction(form: Form, registers = false): void {
    const { random } = this;
    const { encoding, codes } = FORM_ENCODINGS[form.id]!;
    const insn = new Instruction();
    insn.form = form;
    insn.count = codes.length;
    insn.operandSize = encoding.operandSize ||
      (encoding.simd === SIMD.ANY && random.chance(25) ? 6 - this.width : this.width);
    insn.addressSize = encoding.addressSize || (random.chance(10) ? 6 - this.width : this.width);
    for (const [i, code] of codes.entries()) this.#operand(code, insn, i, registers);
    const first = insn.operands[0];
    insn.lock = random.chance(form.lock && first.kind === OPERAND.MEMORY ? 10 : 1);
    if (encoding.simd === SIMD.ANY && random.chance(1)) insn.repeat = random.pick([REPEAT.F2, REPEAT.F3]);
    const immediate = codes.some(({ source }) => source === SOURCE.IMMEDIATE)
      ? codes.at(-1)!.size[insn.operandSize >> 2]!
      : 0;
    const bytes = encode(insn, this.big);
    // Prefixes that mean nothing, or not what they seem to.
    if (random.chance(2)) bytes.unshift(random.pick([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3]));
    this.pieces.push({ big: this.big, bytes, ...immediate > 0 ? { variable: immediate } : {} });
  }

  #operand(code: OperandCode, insn: Instruction, position: number, registers: boolean): void {
    const { random } = this;
    const operand = insn.operands[position]!;
    operand.size = code.size[insn.operandSize >> 2]!;
    operand.kind = code.kind;
    switch (code.source) {
      case SOURCE.RM:
      case SOURCE.RM_MEMORY:
      case SOURCE.RM_REGISTER: {
        const wanted = !registers && random.chance(55);
        if (acceptsMemory(code) && (wanted || !acceptsRegister(code))) {
          this.memory(operand, code.memorySize[insn.operandSize >> 2]!, insn.addressSize);
        } else operand.register = code.kind === OPERAND.GPR ? this.register(operand.size) : random.below(8);
        return;
      }
      case SOURCE.RM_ALWAYS_REGISTER:
      case SOURCE.REG:
      case SOURCE.OPCODE:
        operand.register = code.kind === OPERAND.GPR ? this.register(operand.size) : random.below(8);
        return;
      case SOURCE.REG_SEGMENT:
        operand.register = random.below(random.chance(3) ? 8 : 6);
        return;
      case SOURCE.REG_CONTROL:
        operand.register = random.pick([0, 2, 3, 4]);
        return;
      case SOURCE.FAR:
        operand.size = insn.operandSize + 2;
        operand.register = random.pick(this.mode.segments).selector;
        operand.value = random.value();
        return;
      case SOURCE.RELATIVE:
        operand.value = random.between(-24, 24);
        return;
      case SOURCE.OFFSET:
      case SOURCE.STRING_SOURCE:
      case SOURCE.TABLE:
        operand.kind = OPERAND.MEMORY;
        operand.segment = random.chance(15) ? random.below(6) : SEG.DS;
        operand.value = this.offset(operand.segment, code.memorySize[insn.operandSize >> 2]!) | 0;
        return;
      case SOURCE.STRING_DESTINATION:
        operand.kind = OPERAND.MEMORY;
        operand.segment = SEG.ES;
        return;
      case SOURCE.ONE:
        operand.value = 1;
        return;
      default:
        operand.value = random.value() | 0;
    }
  }
}
