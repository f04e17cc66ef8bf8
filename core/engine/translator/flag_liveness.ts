/**
 * Finds the instructions of a block whose flags nobody sees: overwritten before they are read, with nothing in between that could leave the
 * region.
 *
 * @module
 */
import { type Instruction, OPERAND } from "../../x86/instruction.ts";
import { FPU_SEMANTICS } from "../../x86/semantics/mod.ts";
import type { Block, RegionInstruction } from "./region.ts";

/** Set all six flags, whatever their operands are, and read none. */
const SETS_ALL = new Set("add sub cmp neg and or xor test xadd comiss comisd ucomiss ucomisd ptest".split(" "));

/** Neither read nor set flags, nor leave the region, when their operands are registers. */
const SETS_NONE = new Set("mov movzx movsx lea xchg bswap cbw cwd not nop".split(" "));

/** Touch registers only, and flags in a way that is not followed here: all of what they set is overwritten alike. */
const READS_NONE = new Set("inc dec imul mul shl shr sar".split(" "));

/** Leave the arithmetic flags alone. */
const KEEPS = new Set(
  "mov movzx movsx lea push pop jmp call ret xchg bswap cbw cwd not nop leave pusha popa push_segment pop_segment mov_to_segment sysenter sysexit movs stos lods cli sti cld std"
    .split(" "),
);

/** Of the instructions of SSE, MMX and x87, those that read or set them. */
const UNITS_FLAGS = /^(u?comis[sd]|ptest|pcmp[ei]str[im]|fu?comip?|fcmov.*)$/;

/** Whether an instruction neither reads nor sets the arithmetic flags. */
export function keepsFlags({ instruction }: RegionInstruction): boolean {
  const name = instruction.form!.semantics;
  if (KEEPS.has(name)) return true;
  return (FPU_SEMANTICS.has(name) || hasVector(instruction)) && !UNITS_FLAGS.test(name);
}

function hasVector({ operands, count }: Instruction): boolean {
  for (let k = 0; k < count; k++) {
    const { kind } = operands[k]!;
    if (kind === OPERAND.XMM || kind === OPERAND.MMX) return true;
  }
  return false;
}

/** Whether an instruction may read them. */
export function readsFlags(item: RegionInstruction): boolean {
  const name = item.instruction.form!.semantics;
  return !keepsFlags(item) && !SETS_ALL.has(name) && !READS_NONE.has(name);
}

/** Whether an instruction sets all six, whatever they were. */
export function setsAllFlags({ instruction }: RegionInstruction): boolean {
  return SETS_ALL.has(instruction.form!.semantics);
}

function inRegisters({ instruction }: RegionInstruction): boolean {
  for (let k = 0; k < instruction.count; k++) {
    const { kind } = instruction.operands[k]!;
    if (kind === OPERAND.MEMORY) return instruction.form!.semantics === "lea";
    if (kind !== OPERAND.GPR && kind !== OPERAND.IMMEDIATE) return false;
  }
  return true;
}

/** For each instruction, whether the flags that it sets are dead. */
export function deadFlags(block: Block): boolean[] {
  const dead = new Array<boolean>(block.instructions.length).fill(false);
  // Behind the block anything may look.
  let needed = true;
  for (let at = block.instructions.length - 1; at >= 0; at--) {
    const item = block.instructions[at]!;
    const name = item.instruction.form!.semantics;
    dead[at] = !needed;
    if (item.how !== "inline" || !inRegisters(item)) needed = true;
    else if (SETS_ALL.has(name)) needed = false;
    else if (!SETS_NONE.has(name) && !READS_NONE.has(name)) needed = true;
  }
  return dead;
}
