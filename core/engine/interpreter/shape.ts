/**
 * The canonical shape of an instruction: what decides which emitted case runs it, once register numbers, displacements and immediates are
 * taken out.
 *
 * @module
 */
import type { Form } from "../../x86/form.ts";
import type { Width } from "../../x86/semantics/mod.ts";

/** How a memory operand is addressed. SEGMENTED goes through an access window and obeys any address size. */
export type MemoryKind = "none" | "base" | "indexed" | "segmented";

/** One operand of a shape. */
export interface OperandShape {
  /**
   * r: register, m: memory, i: immediate, cl: the register CL, j: relative, s: segment register, p: MMX register, x: XMM register, t: stack
   * register of the FPU, t0: ST(0) where the encoding implies it.
   */
  readonly kind: "r" | "m" | "i" | "cl" | "j" | "s" | "p" | "x" | "t" | "t0";
  /** Bits; 80 for memory in the double extended format. */
  readonly width: Width | 80;
}

/** A shape. Fields that an instruction does not depend on hold their defaults, so that equal code has equal keys. */
export interface Shape {
  readonly semantics: string;
  readonly condition: number;
  readonly ends: boolean;
  readonly operands: readonly OperandShape[];
  readonly memory: MemoryKind;
  /** Stack and code segment are flat. */
  readonly flat: boolean;
  readonly operandWidth: Width;
  readonly addressWidth: Width;
  readonly repeat: number;
  /** The branch target lies in the same page. */
  readonly near: boolean;
}

const OPERAND_SIZED = new Set(
  "cbw cwd push pusha popa pushf popf enter leave call jmp jcc ret loop loope loopne jcxz push_segment pop_segment iret"
    .split(" "),
);
const ADDRESS_SIZED = new Set("movs stos lods cmps scas loop loope loopne jcxz xlat".split(" "));
const STACK_OR_BRANCH = new Set(
  "push pop pusha popa pushf popf enter leave call jmp jcc ret loop loope loopne jcxz push_segment".split(" "),
);
const REPEATED = new Set("movs stos lods cmps scas".split(" "));

/** Makes the canonical shape. */
export function shapeOf(
  form: Form,
  operands: readonly OperandShape[],
  memory: MemoryKind,
  flat: boolean,
  operandWidth: Width,
  addressWidth: Width,
  repeat: number,
  near: boolean,
): Shape {
  const name = form.semantics;
  return {
    semantics: name,
    condition: form.condition ?? 0,
    ends: form.ends,
    operands,
    memory,
    flat: flat || !STACK_OR_BRANCH.has(name),
    operandWidth: OPERAND_SIZED.has(name) ? operandWidth : 32,
    addressWidth: ADDRESS_SIZED.has(name) ? addressWidth : 32,
    repeat: REPEATED.has(name) ? repeat : 0,
    near,
  };
}

/** The shape as text: equal for equal code. */
export function shapeKey(shape: Shape): string {
  const operands = shape.operands.map((o) => o.kind + o.width).join(",");
  return `${shape.semantics}${shape.condition ? "/" + shape.condition : ""} ${operands} ${shape.memory}` +
    `${shape.flat ? "" : " unflat"} o${shape.operandWidth} a${shape.addressWidth} p${shape.repeat}${
      shape.near ? " near" : ""
    }`;
}
