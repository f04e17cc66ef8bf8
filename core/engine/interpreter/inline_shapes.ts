/**
 * Which shapes are cases of the interpreter's loop. Everything else is a function that the loop calls.
 *
 * @module
 */
import type { Width } from "../../x86/semantics/mod.ts";
import type { MemoryKind, OperandShape, Shape } from "./shape.ts";

const ALL: readonly Width[] = [8, 16, 32];
const FLAT: readonly MemoryKind[] = ["base", "indexed"];
const ANY: readonly MemoryKind[] = ["base", "indexed", "segmented"];

const r = (width: Width): OperandShape => ({ kind: "r", width });
const m = (width: Width): OperandShape => ({ kind: "m", width });
const i = (width: Width): OperandShape => ({ kind: "i", width });
const cl: OperandShape = { kind: "cl", width: 8 };

/** Collects shapes. */
class ShapeList {
  readonly shapes: Shape[] = [];
  add(semantics: string, operands: readonly OperandShape[], options: Partial<Shape> = {}): void {
    this.shapes.push({
      semantics,
      condition: 0,
      ends: false,
      operands,
      memory: "none",
      flat: true,
      operandWidth: 32,
      addressWidth: 32,
      repeat: 0,
      near: false,
      ...options,
    });
  }
  /** With each kind of memory. */
  memory(
    semantics: string,
    operands: readonly OperandShape[],
    kinds: readonly MemoryKind[],
    options: Partial<Shape> = {},
  ): void {
    for (const memory of kinds) this.add(semantics, operands, { ...options, memory });
  }
}

function arithmetic(list: ShapeList): void {
  for (const name of ["add", "or", "and", "sub", "xor", "cmp", "test", "mov", "adc", "sbb"]) {
    const kinds = ["adc", "sbb"].includes(name) ? FLAT : ANY;
    for (const w of ALL) {
      list.add(name, [r(w), r(w)]);
      list.add(name, [r(w), i(w)]);
      if (name !== "test") list.memory(name, [r(w), m(w)], kinds);
      list.memory(name, [m(w), r(w)], kinds);
      list.memory(name, [m(w), i(w)], kinds);
    }
  }
  for (const name of ["inc", "dec", "neg", "not"]) {
    for (const w of ALL) list.add(name, [r(w)]);
    list.memory(name, [m(32)], ["base"]);
    list.memory(name, [m(8)], ["base"]);
  }
  for (const name of ["shl", "shr", "sar", "rol", "ror"]) {
    for (const w of ALL) list.add(name, [r(w), i(8)]);
    list.add(name, [r(32), cl]);
  }
  for (const name of ["shld", "shrd"]) {
    list.add(name, [r(32), r(32), i(8)]);
    list.add(name, [r(32), r(32), cl]);
  }
  list.add("imul", [r(32), r(32)]);
  list.memory("imul", [r(32), m(32)], ["base"]);
  list.add("imul", [r(32), r(32), i(32)]);
  list.add("mul", [r(32)]);
  list.add("imul", [r(32)]);
  list.add("div", [r(32)]);
  list.add("idiv", [r(32)]);
  for (const width of [16, 32] as const) {
    list.add("cbw", [], { operandWidth: width });
    list.add("cwd", [], { operandWidth: width });
  }
}

function moves(list: ShapeList): void {
  for (const name of ["movzx", "movsx"]) {
    for (const w of [8, 16] as const) {
      list.add(name, [r(32), r(w)]);
      list.memory(name, [r(32), m(w)], w === 8 ? ANY : ANY);
    }
    list.add(name, [r(16), r(8)]);
    list.memory(name, [r(16), m(8)], FLAT);
  }
  list.memory("lea", [r(32), m(8)], FLAT);
  list.memory("lea", [r(16), m(8)], ["base", "indexed", "segmented"]);
  list.add("xchg", [r(32), r(32)]);
  list.memory("xchg", [m(32), r(32)], FLAT);
  list.memory("cmpxchg", [m(32), r(32)], FLAT);
  list.memory("xadd", [m(32), r(32)], FLAT);
  list.add("bswap", [r(32)]);
  for (const name of ["bt", "bts", "btr"]) {
    list.add(name, [r(32), i(8)]);
    list.add(name, [r(32), i(32)]);
    list.add(name, [r(32), r(32)]);
    list.memory(name, [m(32), r(32)], ["base"]);
    list.memory(name, [m(32), i(8)], ["base"]);
  }
  list.add("bsf", [r(32), r(32)]);
  list.add("bsr", [r(32), r(32)]);
  list.add("nop", []);
  for (const name of ["clc", "stc", "cmc", "cld"]) list.add(name, []);
}

function stackAndControl(list: ShapeList): void {
  const modes = [{ flat: true, operandWidth: 32 }, { flat: false, operandWidth: 16 }] as const;
  for (const { flat, operandWidth } of modes) {
    const options = { flat, operandWidth };
    const kinds: readonly MemoryKind[] = flat ? FLAT : ["segmented"];
    const w = operandWidth;
    list.add("push", [r(w)], options);
    list.add("push", [i(w)], options);
    list.memory("push", [m(w)], kinds, options);
    list.add("pop", [r(w)], { flat });
    list.add("leave", [], options);
    list.add("pushf", [], options);
    list.add("ret", [], { ...options, ends: true });
    list.add("ret", [i(16)], { ...options, ends: true });
    list.add("jmp", [r(w)], { ...options, ends: true });
    list.add("call", [r(w)], { ...options, ends: true });
    list.memory("jmp", [m(w)], kinds, { ...options, ends: true });
    list.memory("call", [m(w)], kinds, { ...options, ends: true });
    for (const near of [true, false]) {
      const branch = { ...options, ends: true, near };
      const j: OperandShape = { kind: "j", width: 32 };
      list.add("jmp", [j], branch);
      list.add("call", [j], branch);
      for (let condition = 0; condition < 16; condition++) list.add("jcc", [j], { ...branch, condition });
      list.add("loop", [j], { ...branch, addressWidth: w });
    }
  }
  for (let condition = 0; condition < 16; condition++) {
    list.add("setcc", [r(8)], { condition });
    list.add("cmovcc", [r(32), r(32)], { condition });
    list.memory("cmovcc", [r(32), m(32)], ["base"], { condition });
  }
  list.add("popf", [], { ends: true });
  list.add("cli", [], { ends: true });
  list.add("sti", [], { ends: true });
}

/** The commonest moves of the FPU. Arithmetic is too long to stand in the loop. */
function fpu(list: ShapeList): void {
  const t: OperandShape = { kind: "t", width: 80 };
  for (const name of ["fld", "fstp", "fxch"]) list.add(name, [t]);
  for (const name of ["fld", "fstp"]) {
    list.memory(name, [m(64)], FLAT);
    list.memory(name, [m(32)], FLAT);
  }
}

/** The inline shapes. */
export function inlineShapes(): readonly Shape[] {
  const list = new ShapeList();
  arithmetic(list);
  moves(list);
  stackAndControl(list);
  fpu(list);
  return list.shapes;
}
