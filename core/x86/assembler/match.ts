/**
 * Which encodings an instruction's text can have.
 *
 * @module
 */
import { FORM_ENCODINGS } from "../encode.ts";
import type { Form } from "../form.ts";
import { OPERAND } from "../instruction.ts";
import { SIMD } from "../table/opcode_notation.ts";
import { type OperandCode, SOURCE } from "../table/operand_codes.ts";
import { Mistake } from "./error.ts";
import { expandShorthand, isImplicit, lookup } from "./mnemonics.ts";
import type { TextMemory, TextOperand } from "./operand.ts";

/** What the source demanded before the mnemonic: 0 where it demanded nothing. */
export interface Demands {
  readonly operandSize: number;
  readonly addressSize: number;
}

/** A form that fits the text, with the sizes it would take. */
export interface Match {
  readonly form: Form;
  readonly operandSize: number;
  readonly addressSize: number;
  readonly operands: readonly TextOperand[];
}

/** How a text operand fits a code: not at all, without regard to the operand size, or by virtue of it. */
const FIT = { NO: 0, YES: 1, BY_OPERAND_SIZE: 2 } as const;

/** Fit of something as wide as the source says to a code of two widths. */
function fitSize(said: number, widths: readonly [number, number], operandSize: number): number {
  const wanted = widths[operandSize >> 2]!;
  if (said === 0 || wanted === 0) return FIT.YES;
  if (said !== wanted) return FIT.NO;
  return widths[0] === widths[1] ? FIT.YES : FIT.BY_OPERAND_SIZE;
}

function fitRegister(
  operand: TextOperand & { kind: "register" },
  code: OperandCode,
  form: Form,
  operandSize: number,
): number {
  const { kind, number, size } = operand.register;
  if (kind !== code.kind) return FIT.NO;
  switch (code.source) {
    case SOURCE.FIXED:
      if (number !== code.register) return FIT.NO;
      break;
    case SOURCE.RM:
    case SOURCE.RM_REGISTER:
    case SOURCE.RM_ALWAYS_REGISTER:
    case SOURCE.REG:
    case SOURCE.REG_SEGMENT:
    case SOURCE.REG_CONTROL:
    case SOURCE.OPCODE:
      break;
    default:
      return FIT.NO;
  }
  if (kind !== OPERAND.GPR) return FIT.YES;
  // `mov ds, eax` loads from the low word: the name of the register does not matter.
  if (form.semantics === "mov_to_segment" && size === 4) return FIT.YES;
  return fitSize(size, code.size, operandSize);
}

function fitMemory(operand: TextMemory, code: OperandCode, form: Form, operandSize: number): number {
  switch (code.source) {
    case SOURCE.OFFSET:
      if (operand.base >= 0 || operand.index >= 0) return FIT.NO;
      break;
    case SOURCE.RM:
    case SOURCE.RM_MEMORY:
      break;
    default:
      return FIT.NO;
  }
  const far = form.semantics === "jmp_far" || form.semantics === "call_far";
  if (far !== (operand.distance === "far") || operand.distance === "short") return FIT.NO;
  // The keyword of a far pointer is the width of its offset, which is the operand size.
  if (far && operand.size !== 0) return operand.size === operandSize ? FIT.BY_OPERAND_SIZE : FIT.NO;
  return fitSize(operand.size, code.memorySize, operandSize);
}

function fitValue(operand: TextOperand & { kind: "value" }, code: OperandCode, operandSize: number): number {
  const { size, distance } = operand;
  switch (code.source) {
    case SOURCE.RELATIVE: {
      const short = code.size[0] === 1;
      if (distance === "far" || (distance === "short" && !short) || (distance === "near" && short)) return FIT.NO;
      return size !== 0 && short ? FIT.NO : fitSize(size, code.size, operandSize);
    }
    case SOURCE.IMMEDIATE:
    case SOURCE.ONE:
      return distance === "" ? fitSize(size, code.size, operandSize) : FIT.NO;
    case SOURCE.IMMEDIATE_SIGNED:
      if (distance !== "") return FIT.NO;
      return size === 1 ? FIT.YES : fitSize(size, code.size, operandSize);
    default:
      return FIT.NO;
  }
}

function fit(operand: TextOperand, code: OperandCode, form: Form, operandSize: number): number {
  switch (operand.kind) {
    case "register":
      return fitRegister(operand, code, form, operandSize);
    case "memory":
      return fitMemory(operand, code, form, operandSize);
    case "value":
      return fitValue(operand, code, operandSize);
    case "pointer":
      if (code.source !== SOURCE.FAR) return FIT.NO;
      if (operand.size === 0) return FIT.YES;
      return operand.size === operandSize ? FIT.BY_OPERAND_SIZE : FIT.NO;
  }
}

/** Whether a form fits the operands with this operand size; a size other than the code's own must be asked for by something. */
function fits(form: Form, operands: readonly TextOperand[], operandSize: number, asked: boolean): boolean {
  const { codes } = FORM_ENCODINGS[form.id]!;
  const written = isImplicit(form) ? [] : codes;
  if (written.length !== operands.length) return false;
  let reason = asked;
  for (const [position, operand] of operands.entries()) {
    const found = fit(operand, written[position]!, form, operandSize);
    if (found === FIT.NO) return false;
    if (found === FIT.BY_OPERAND_SIZE) reason = true;
  }
  return reason;
}

/** Refuses memory whose width nothing tells: forms of several widths would do. */
function checkWidth(matches: readonly Match[], mnemonic: string): void {
  const widths = new Set<number>();
  for (const { form, operandSize, operands } of matches) {
    const { codes } = FORM_ENCODINGS[form.id]!;
    for (const [position, operand] of operands.entries()) {
      if (operand.kind !== "memory" || operand.size !== 0) continue;
      widths.add(codes[position]!.memorySize[operandSize >> 2]!);
    }
  }
  if (widths.size > 1) {
    throw new Mistake(
      `"${mnemonic}" does not tell how wide its memory operand is: write "byte", "word" or "dword" in front of it`,
    );
  }
}

/** The address size of a form's text: what its registers or a keyword say, else what the source demands, else the code's own. */
function addressSizeOf(operands: readonly TextOperand[], demanded: number, plain: number): number {
  const said = operands.find((operand) => operand.kind === "memory")?.addressSize ?? 0;
  if (said !== 0 && demanded !== 0 && said !== demanded) {
    throw new Mistake(`the address is ${said * 8} bits wide, which contradicts the prefix a${demanded * 8}`);
  }
  return said !== 0 ? said : demanded !== 0 ? demanded : plain;
}

/** Every encoding of an instruction's text, the preferred one of equal length first. */
export interface Matches {
  readonly matches: readonly Match[];
  /** WAIT comes before the instruction. */
  readonly waits: boolean;
}

/**
 * Finds the encodings of an instruction's text.
 *
 * @param mnemonic In lower case.
 * @param big Whether the code is 32-bit.
 * @throws {Mistake} There is no such mnemonic, or no encoding takes these operands.
 */
export function match(mnemonic: string, operands: readonly TextOperand[], demands: Demands, big: boolean): Matches {
  const plain = big ? 4 : 2;
  const meaning = lookup(mnemonic, (demands.operandSize || plain) === 4);
  if (meaning === undefined) throw new Mistake(`there is no instruction "${mnemonic}"`);
  const matches: Match[] = [];
  for (const list of expandShorthand(mnemonic, operands)) {
    const addressSize = addressSizeOf(list, demands.addressSize, plain);
    for (const form of meaning.forms) {
      const { encoding } = FORM_ENCODINGS[form.id]!;
      for (const operandSize of [plain, 6 - plain]) {
        if (demands.operandSize !== 0 && demands.operandSize !== operandSize) continue;
        if (encoding.operandSize !== 0 && encoding.operandSize !== operandSize) continue;
        // A mandatory 66 cannot change the operand size as well.
        if (encoding.simd === SIMD.P66 && operandSize !== plain) continue;
        const asked = operandSize === plain || demands.operandSize !== 0 || encoding.operandSize !== 0;
        if (!fits(form, list, operandSize, asked)) continue;
        matches.push({ form, operandSize, addressSize: encoding.addressSize || addressSize, operands: list });
      }
    }
    if (matches.length > 0) break;
  }
  if (matches.length === 0) throw new Mistake(`"${mnemonic}" does not take these operands`);
  checkWidth(matches, mnemonic);
  return { matches, waits: meaning.waits };
}
