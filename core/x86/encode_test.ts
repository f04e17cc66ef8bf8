import { assert, assertEquals } from "@std/assert";
import { assemble } from "./assemble.ts";
import { DECODE, decode } from "./decode.ts";
import { formatInstruction } from "./disassemble.ts";
import { encode, FORM_ENCODINGS } from "./encode.ts";
import type { Form } from "./form.ts";
import { Instruction, OPERAND, type Operand } from "./instruction.ts";
import { GPR, SEG } from "./registers.ts";
import { acceptsMemory, acceptsRegister, type OperandCode, SOURCE } from "./table/operand_codes.ts";
import { FORMS } from "./table/table.ts";

/** Addresses that between them use every field of ModRM and SIB: segment, base, index, scale, displacement. */
const ADDRESSES: Readonly<Record<number, readonly (readonly [number, number, number, number, number])[]>> = {
  2: [
    [SEG.DS, GPR.BX, GPR.SI, 0, 0],
    [SEG.SS, GPR.BP, -1, 0, 0],
    [SEG.SS, GPR.BP, GPR.DI, 0, -5],
    [SEG.ES, GPR.DI, -1, 0, 0x1234],
    [SEG.DS, -1, -1, 0, 0xfedc],
    [SEG.GS, -1, -1, 0, 8],
  ],
  4: [
    [SEG.DS, GPR.AX, -1, 0, 0],
    [SEG.SS, GPR.SP, -1, 0, 0],
    [SEG.SS, GPR.BP, -1, 0, 0],
    [SEG.DS, GPR.BX, GPR.CX, 2, 0x10],
    [SEG.SS, GPR.SP, GPR.BP, 3, -0x81],
    [SEG.DS, -1, GPR.BP, 1, 0x7fff_ffff],
    [SEG.DS, -1, GPR.DX, 0, 0],
    [SEG.FS, -1, -1, 0, -4],
    [SEG.CS, GPR.BP, GPR.SI, 0, 0x80],
  ],
};

/** Gives an operand one of the values that its code can have; `variant` picks. False where the code has no such value. */
function fill(operand: Operand, code: OperandCode, position: number, insn: Instruction, variant: number): boolean {
  const wide = insn.operandSize >> 2;
  const size = code.size[wide]!;
  const sign = variant % 2 === 0 ? 1 : -1;
  operand.size = size;
  operand.kind = code.kind;
  const memory = (segment: number, base: number, index: number, scale: number, value: number) => {
    operand.kind = OPERAND.MEMORY;
    operand.size = code.memorySize[wide]!;
    Object.assign(operand, { segment, base, index, scale, value });
    return true;
  };
  switch (code.source) {
    case SOURCE.RM:
    case SOURCE.RM_MEMORY: {
      const address = ADDRESSES[insn.addressSize]![variant];
      if (address !== undefined && acceptsMemory(code)) return memory(...address);
      operand.register = variant % 8;
      return address === undefined && acceptsRegister(code);
    }
    case SOURCE.FIXED:
      operand.register = code.register;
      return true;
    case SOURCE.REG_SEGMENT:
      operand.register = [SEG.ES, SEG.SS, SEG.DS, SEG.FS][variant % 4]!;
      return true;
    case SOURCE.REG_CONTROL:
      operand.register = [0, 2, 3, 4][variant % 4]!;
      return true;
    case SOURCE.OPCODE:
      operand.register = 1 + variant % 7;
      return true;
    case SOURCE.RM_REGISTER:
    case SOURCE.RM_ALWAYS_REGISTER:
    case SOURCE.REG:
      operand.register = (variant + position * 3 + 1) % 8;
      return true;
    case SOURCE.IMMEDIATE:
      operand.value = size === 1 ? 0xc5 : size === 2 ? 0xcdef : 0x4321_8765 * sign;
      return true;
    case SOURCE.IMMEDIATE_SIGNED:
      operand.value = 0x45 * sign;
      return true;
    case SOURCE.RELATIVE:
      operand.value = (size === 1 ? 0x60 : size === 2 ? 0x1234 : 0x0123_4567) * sign;
      return true;
    case SOURCE.FAR:
      operand.register = 0xfedc;
      operand.value = size === 4 ? 0xabcd : 0x4321_8765 * sign;
      return true;
    case SOURCE.OFFSET:
      return memory(variant % 2 === 0 ? SEG.DS : SEG.ES, -1, -1, 0, insn.addressSize === 2 ? 0xfedc : -0x1234);
    case SOURCE.STRING_SOURCE:
      return memory(variant % 2 === 0 ? SEG.DS : SEG.FS, GPR.SI, -1, 0, 0);
    case SOURCE.STRING_DESTINATION:
      return memory(SEG.ES, GPR.DI, -1, 0, 0);
    case SOURCE.TABLE:
      return memory(variant % 2 === 0 ? SEG.DS : SEG.CS, GPR.BX, -1, 0, 0);
    default:
      operand.value = 1;
      return true;
  }
}

/** Instructions of a form in all sizes, with operands of every sort that it takes. */
function* samples(form: Form): Generator<Instruction> {
  const { encoding, codes } = FORM_ENCODINGS[form.id]!;
  for (const operandSize of [2, 4]) {
    for (const addressSize of [2, 4]) {
      if (encoding.operandSize !== 0 && encoding.operandSize !== operandSize) continue;
      if (encoding.addressSize !== 0 && encoding.addressSize !== addressSize) continue;
      for (let variant = 0; variant < (codes.length === 0 ? 1 : 12); variant++) {
        const insn = new Instruction();
        insn.form = form;
        insn.operandSize = operandSize;
        insn.addressSize = addressSize;
        insn.count = codes.length;
        if (!codes.every((code, i) => fill(insn.operands[i]!, code, i, insn, variant))) continue;
        insn.lock = form.lock && variant % 2 === 1 && insn.operands[0].kind === OPERAND.MEMORY;
        yield insn;
      }
    }
  }
}

const fields = (insn: Instruction) => ({
  form: insn.form?.opcode,
  sizes: [insn.operandSize, insn.addressSize],
  lock: insn.lock,
  repeat: insn.repeat,
  operands: insn.operands.slice(0, insn.count),
});

/** Whether a sample exists in code of this width: where 66 is mandatory it cannot change the operand size. */
function exists(form: Form, insn: Instruction, big: boolean): boolean {
  return !form.opcode.startsWith("66") && !(form.opcode.startsWith("NP") && insn.operandSize !== (big ? 4 : 2)) ||
    insn.operandSize === (big ? 4 : 2);
}

function decodeOne(bytes: Uint8Array, big: boolean): Instruction {
  const insn = new Instruction();
  assertEquals(decode(bytes, 0, bytes.length, big, insn), DECODE.OK);
  assertEquals(insn.length, bytes.length);
  return insn;
}

Deno.test("every form decodes from what it encodes to, with the same operands", () => {
  for (const form of FORMS) {
    let count = 0;
    for (const insn of samples(form)) {
      for (const big of [false, true]) {
        if (!exists(form, insn, big)) continue;
        const decoded = decodeOne(Uint8Array.from(encode(insn, big)), big);
        assertEquals(fields(decoded), fields(insn), `${form.opcode} ${form.mnemonic}`);
        count++;
      }
    }
    assert(count > 0, form.opcode);
  }
});

Deno.test("every form assembles from its own text to an equal instruction that is no longer", () => {
  const origin = 0x8000;
  for (const form of FORMS) {
    for (const insn of samples(form)) {
      for (const big of [false, true]) {
        if (!exists(form, insn, big)) continue;
        const bytes = Uint8Array.from(encode(insn, big));
        insn.length = bytes.length;
        const text = formatInstruction(insn, origin, big);
        const assembled = assemble(text, { bits: big ? 32 : 16, origin }).bytes;
        assert(assembled.length <= bytes.length, text);
        const decoded = decodeOne(assembled, big);
        assertEquals(formatInstruction(decoded, origin, big), text, form.opcode);
        assertEquals(decoded.form?.semantics, form.semantics, text);
      }
    }
  }
});
