/**
 * The encoder: an {@linkcode Instruction} back to bytes, from the table. The inverse of `decode`, except that it writes the shortest
 * displacement and no redundant prefix.
 *
 * @module
 */
import type { Form } from "./form.ts";
import { type Instruction, OPERAND, type Operand, REPEAT } from "./instruction.ts";
import { GPR, SEG } from "./registers.ts";
import { type Encoding, MAP_ESCAPES, parseOpcode, SIMD } from "./table/opcode_notation.ts";
import { type OperandCode, operandCode, SOURCE } from "./table/operand_codes.ts";
import { FORMS } from "./table/table.ts";

/** Prefix bytes of the segment registers, SEG order. */
export const SEGMENT_PREFIXES: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

/** Mandatory prefixes by SIMD value. */
const SIMD_BYTES = [0, 0x66, 0xf3, 0xf2];

/** A form with its notation read. */
export interface FormEncoding {
  /** Its opcode column. */
  readonly encoding: Encoding;
  /** Its operand column. */
  readonly codes: readonly OperandCode[];
}

/** What the notation of each form says, by `Form.id`. */
export const FORM_ENCODINGS: readonly FormEncoding[] = FORMS.map((form) => ({
  encoding: parseOpcode(form.opcode),
  codes: form.operands.map(operandCode),
}));

/** The segment that a memory operand uses without an override (Intel SDM volume 1, 3.7.4). */
export function defaultSegment(operand: Operand, addressSize: number): number {
  if (operand.base === GPR.BP) return SEG.SS;
  return operand.base === GPR.SP && addressSize > 2 ? SEG.SS : SEG.DS;
}

/** Appends a little-endian value. */
function push(out: number[], value: number, size: number): void {
  for (let i = 0; i < size; i++) out.push(value >> i * 8 & 0xff);
}

const isByte = (value: number) => value >= -128 && value <= 127;

/** ModRM.rm of a 16-bit address (Intel SDM volume 2, table 2-1). */
function rm16(base: number, index: number): number {
  const pairs = [[3, 6], [3, 7], [5, 6], [5, 7], [6, -1], [7, -1], [5, -1], [3, -1]];
  const rm = pairs.findIndex(([first, second]) => first === base && second === index);
  if (rm < 0) throw new Error("these registers do not form a 16-bit address");
  return rm;
}

function encodeAddress16(out: number[], reg: number, { base, index, value }: Operand): void {
  if (base < 0 && index < 0) {
    out.push(reg << 3 | 6);
    push(out, value, 2);
    return;
  }
  const rm = rm16(base, index);
  const displacement = value << 16 >> 16;
  const mod = displacement === 0 && rm !== 6 ? 0 : isByte(displacement) ? 1 : 2;
  out.push(mod << 6 | reg << 3 | rm);
  push(out, displacement, mod);
}

function encodeAddress32(out: number[], reg: number, { base, index, scale, value }: Operand): void {
  const sib = index >= 0 || base === GPR.SP;
  const mod = base < 0 || (value === 0 && base !== GPR.BP) ? 0 : isByte(value) ? 1 : 2;
  out.push(mod << 6 | reg << 3 | (sib ? 4 : base < 0 ? 5 : base));
  if (sib) out.push(scale << 6 | (index < 0 ? 4 : index) << 3 | (base < 0 ? 5 : base));
  push(out, value, base < 0 ? 4 : mod === 2 ? 4 : mod);
}

/** Whether an instruction stores to DS:eDI, which no operand names: its segment is the instruction's. */
export function hasImpliedDestination({ semantics }: Form): boolean {
  return semantics === "maskmovq" || semantics === "maskmovdqu";
}

/** What the operands put into the opcode, ModRM, and behind. */
class Fields {
  opcode = 0;
  reg = 0;
  rm: Operand | undefined;
  segment = -1;
  readonly immediates: number[] = [];

  constructor(codes: readonly OperandCode[], insn: Instruction) {
    for (const [position, code] of codes.entries()) this.place(code, insn.operands[position]!, insn.addressSize);
  }

  private place(code: OperandCode, operand: Operand, addressSize: number): void {
    switch (code.source) {
      case SOURCE.RM:
      case SOURCE.RM_MEMORY:
      case SOURCE.RM_REGISTER:
      case SOURCE.RM_ALWAYS_REGISTER:
        this.rm = operand;
        if (operand.kind === OPERAND.MEMORY) this.overrideUnless(defaultSegment(operand, addressSize), operand);
        return;
      case SOURCE.REG:
      case SOURCE.REG_SEGMENT:
      case SOURCE.REG_CONTROL:
        this.reg = operand.register;
        return;
      case SOURCE.OPCODE:
        this.opcode = operand.register;
        return;
      case SOURCE.IMMEDIATE:
      case SOURCE.RELATIVE:
        push(this.immediates, operand.value, operand.size);
        return;
      case SOURCE.IMMEDIATE_SIGNED:
        push(this.immediates, operand.value, 1);
        return;
      case SOURCE.FAR:
        push(this.immediates, operand.value, operand.size - 2);
        push(this.immediates, operand.register, 2);
        return;
      case SOURCE.OFFSET:
        push(this.immediates, operand.value, addressSize);
        this.overrideUnless(SEG.DS, operand);
        return;
      case SOURCE.STRING_SOURCE:
      case SOURCE.TABLE:
        this.overrideUnless(SEG.DS, operand);
        return;
    }
  }

  private overrideUnless(segment: number, operand: Operand): void {
    if (operand.segment !== segment) this.segment = operand.segment;
  }
}

/**
 * Encodes an instruction.
 *
 * @param insn The instruction; its form must be defined. `length` is not looked at.
 * @param big CS.D of the code it will run in.
 * @throws {Error} The address has no encoding of its address size.
 */
export function encode(insn: Instruction, big: boolean): number[] {
  const { encoding, codes } = FORM_ENCODINGS[insn.form!.id]!;
  const fields = new Fields(codes, insn);
  const out: number[] = [];
  const plain = big ? 4 : 2;
  if (insn.lock) out.push(0xf0);
  if (insn.repeat !== REPEAT.NONE) out.push(insn.repeat === REPEAT.F3 ? 0xf3 : 0xf2);
  if (hasImpliedDestination(insn.form!)) fields.segment = insn.segment;
  if (fields.segment >= 0) out.push(SEGMENT_PREFIXES[fields.segment]!);
  if (insn.addressSize !== plain) out.push(0x67);
  if (insn.operandSize !== plain && encoding.simd !== SIMD.P66) out.push(0x66);
  if (encoding.simd > SIMD.NONE) out.push(SIMD_BYTES[encoding.simd]!);
  out.push(...MAP_ESCAPES[encoding.map]!, encoding.byte + fields.opcode);
  if (encoding.modrm) {
    const { rm } = fields;
    const reg = encoding.digit >= 0 ? encoding.digit : fields.reg;
    if (encoding.fixed >= 0) out.push(encoding.fixed | (encoding.fixedLow ? rm?.register ?? 0 : 0));
    else if (rm?.kind !== OPERAND.MEMORY) out.push(0xc0 | reg << 3 | (rm?.register ?? 0));
    else if (insn.addressSize === 2) encodeAddress16(out, reg, rm);
    else encodeAddress32(out, reg, rm);
  }
  out.push(...fields.immediates);
  return out;
}
