/**
 * The disassembler: instructions as text in NASM's Intel syntax, which the assembler reads back.
 *
 * @module
 */
import { DECODE, decode } from "./decode.ts";
import { defaultSegment, FORM_ENCODINGS, hasImpliedDestination } from "./encode.ts";
import { Instruction, OPERAND, type Operand, REPEAT } from "./instruction.ts";
import { registerName, SEGMENT_NAMES, sizeKeyword } from "./names.ts";
import { SEG } from "./registers.ts";
import { type OperandCode, SOURCE } from "./table/operand_codes.ts";

/** How {@linkcode disassemble} reads its bytes. */
export interface DisassembleOptions {
  /** Address of the first byte: 0 by default. */
  readonly address?: number;
  /** Width of the code: 32 by default. */
  readonly bits?: 16 | 32;
}

/** One line: an instruction, or a byte that begins none. */
export interface DisassembledLine {
  /** Address of the first byte. */
  readonly address: number;
  /** The bytes, two lower-case digits each, without blanks. */
  readonly hex: string;
  /** The instruction, or `db` and the byte. */
  readonly text: string;
}

/** A value in hexadecimal with its sign. */
function signed(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function unsigned(value: number, size: number): string {
  return `0x${(size === 4 ? value >>> 0 : value & (1 << size * 8) - 1).toString(16)}`;
}

/** An address in brackets, without its size keyword. */
function address(operand: Operand, addressSize: number, big: boolean): string {
  const parts: string[] = [];
  const { base, index, scale, value } = operand;
  if (base >= 0) parts.push(registerName(OPERAND.GPR, base, addressSize));
  if (index >= 0) {
    const name = registerName(OPERAND.GPR, index, addressSize);
    // Without a base even a factor of 1 is said: `[ebp*1+0]` is in DS, `[ebp]` in SS.
    parts.push(addressSize === 4 && (scale > 0 || base < 0) ? `${name}*${1 << scale}` : name);
  }
  let text = parts.join("+");
  if (parts.length === 0) {
    const width = addressSize === (big ? 4 : 2) ? "" : addressSize === 4 ? "dword " : "word ";
    text = width + unsigned(value, addressSize);
  } else if (value !== 0) text += value < 0 ? signed(value) : `+${signed(value)}`;
  const segment = operand.segment === defaultSegment(operand, addressSize) ? "" : `${SEGMENT_NAMES[operand.segment]}:`;
  return `[${segment}${text}]`;
}

/** Memory that text leaves out: its mnemonic implies it. */
function isImplied({ source }: OperandCode): boolean {
  return source === SOURCE.STRING_SOURCE || source === SOURCE.STRING_DESTINATION || source === SOURCE.TABLE;
}

/** One instruction on its way to text. */
class Text {
  readonly #codes: readonly OperandCode[];
  readonly #plain: number;

  constructor(readonly insn: Instruction, readonly at: number, readonly big: boolean) {
    this.#codes = FORM_ENCODINGS[insn.form!.id]!.codes;
    this.#plain = big ? 4 : 2;
  }

  toString(): string {
    const form = this.insn.form!;
    const words = this.#prefixes();
    words.push(form.mnemonic);
    const operands = this.#codes.some(isImplied) ? [] : this.#codes.map((code, i) => this.#operand(code, i));
    return words.join(" ") + (operands.length > 0 ? ` ${operands.join(", ")}` : "");
  }

  #prefixes(): string[] {
    const { insn } = this;
    const { encoding } = FORM_ENCODINGS[insn.form!.id]!;
    const words: string[] = [];
    if (insn.lock) words.push("lock");
    if (insn.repeat === REPEAT.F2) words.push("repne");
    else if (insn.repeat === REPEAT.F3) words.push(/^(?:cmps|scas)$/.test(insn.form!.semantics) ? "repe" : "rep");
    const source = this.#codes.findIndex((code) => isImplied(code) && code.source !== SOURCE.STRING_DESTINATION);
    const implied = hasImpliedDestination(insn.form!) && insn.segment >= 0 ? insn.segment : SEG.DS;
    const segment = source < 0 ? implied : insn.operands[source]!.segment;
    if (segment !== SEG.DS) words.push(SEGMENT_NAMES[segment]!);
    if (insn.addressSize !== this.#plain && encoding.addressSize === 0 && !this.#showsAddressSize()) {
      words.push(insn.addressSize === 2 ? "a16" : "a32");
    }
    if (insn.operandSize !== this.#plain && encoding.operandSize === 0 && !this.#showsOperandSize()) {
      words.push(insn.operandSize === 2 ? "o16" : "o32");
    }
    return words;
  }

  #showsAddressSize(): boolean {
    return this.#codes.some((code, i) => !isImplied(code) && this.insn.operands[i]!.kind === OPERAND.MEMORY);
  }

  /** Whether an operand's text has another width with the other operand size. */
  #showsOperandSize(): boolean {
    return this.#codes.some((code, i) => {
      const { kind } = this.insn.operands[i]!;
      if (kind === OPERAND.GPR) return code.size[0] !== code.size[1];
      return kind === OPERAND.MEMORY && code.memorySize[0] !== code.memorySize[1] && this.#keyword(code) !== "";
    });
  }

  /** The size keyword of a memory operand; far pointers, bounds and bare addresses have none. */
  #keyword(code: OperandCode): string {
    const { form, operandSize } = this.insn;
    if (/^(?:load_far_pointer|call_far|jmp_far|bound)$/.test(form!.semantics)) return "";
    const size = code.memorySize[operandSize >> 2]!;
    return size === 6 ? "" : sizeKeyword(size);
  }

  #operand(code: OperandCode, position: number): string {
    const operand = this.insn.operands[position]!;
    const { semantics } = this.insn.form!;
    switch (operand.kind) {
      case OPERAND.MEMORY: {
        const keyword = semantics === "call_far" || semantics === "jmp_far" ? "far" : this.#keyword(code);
        const inside = address(operand, this.insn.addressSize, this.big);
        return keyword === "" ? inside : `${keyword} ${inside}`;
      }
      case OPERAND.IMMEDIATE:
        if (code.source === SOURCE.ONE) return "1";
        return code.source === SOURCE.IMMEDIATE_SIGNED ? signed(operand.value) : unsigned(operand.value, operand.size);
      case OPERAND.RELATIVE:
        return unsigned(this.at + this.insn.length + operand.value, this.insn.operandSize);
      case OPERAND.FAR:
        return `${unsigned(operand.register, 2)}:${unsigned(operand.value, operand.size - 2)}`;
      default:
        return registerName(operand.kind, operand.register, operand.size);
    }
  }
}

/**
 * The text of a decoded instruction.
 *
 * @param insn The instruction; its form must be defined.
 * @param at Offset (EIP) of its first byte, from which branch targets count.
 * @param big CS.D: sizes other than the code's own are said.
 */
export function formatInstruction(insn: Instruction, at: number, big: boolean): string {
  return new Text(insn, at, big).toString();
}

/**
 * Disassembles bytes from the first to the last. A byte that begins no instruction, or one that the bytes cut short, is a line `db`.
 *
 * @example
 * ```ts
 * import { disassemble } from "./disassemble.ts";
 *
 * const [line] = disassemble(Uint8Array.of(0x8b, 0x44, 0x8b, 0x10), { address: 0x1000 });
 * console.log(line?.text); // mov eax, dword [ebx+ecx*4+0x10]
 * ```
 */
export function disassemble(bytes: Uint8Array, options: DisassembleOptions = {}): DisassembledLine[] {
  const big = (options.bits ?? 32) === 32;
  const origin = options.address ?? 0;
  const insn = new Instruction();
  const lines: DisassembledLine[] = [];
  for (let at = 0; at < bytes.length;) {
    const found = decode(bytes, at, bytes.length - at, big, insn) === DECODE.OK;
    const end = at + (found ? insn.length : 1);
    lines.push({
      address: origin + at,
      hex: Array.from(bytes.subarray(at, end), (byte) => byte.toString(16).padStart(2, "0")).join(""),
      text: found ? formatInstruction(insn, origin + at, big) : `db ${unsigned(bytes[at]!, 1)}`,
    });
    at = end;
  }
  return lines;
}
