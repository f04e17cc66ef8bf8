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

/** What an instruction has to do with the arithmetic flags, as bits. */
const USE = {
  /** Neither reads nor sets them. */
  KEEPS: 1,
  /** May read them. */
  READS: 2,
  /** Sets all six, whatever they were. */
  SETS_ALL: 4,
  /** Operands are registers and immediates. */
  IN_REGISTERS: 8,
  /** In SETS_NONE, or in READS_NONE. */
  PLAIN: 16,
  /** Keeps them if its operands are vectors. */
  VECTOR_KEEPS: 32,
} as const;

/** What is known of instructions by their descriptions' names. */
const uses = new Map<string, number>();

function useByName(name: string): number {
  let use = 0;
  if (KEEPS.has(name)) use |= USE.KEEPS;
  if (!UNITS_FLAGS.test(name)) use |= FPU_SEMANTICS.has(name) ? USE.KEEPS : USE.VECTOR_KEEPS;
  if (SETS_ALL.has(name)) use |= USE.SETS_ALL;
  if (!SETS_ALL.has(name) && !READS_NONE.has(name)) use |= USE.READS;
  if (SETS_NONE.has(name) || READS_NONE.has(name)) use |= USE.PLAIN;
  uses.set(name, use);
  return use;
}

/** How an instruction uses the arithmetic flags, for the questions below. */
export function flagUse(instruction: Instruction): number {
  const name = instruction.form!.semantics;
  let use = uses.get(name) ?? useByName(name);
  if ((use & USE.VECTOR_KEEPS) !== 0 && hasVector(instruction)) use |= USE.KEEPS;
  if ((use & USE.KEEPS) !== 0) use &= ~USE.READS;
  if (inRegisters(instruction)) use |= USE.IN_REGISTERS;
  return use;
}

function hasVector({ operands, count }: Instruction): boolean {
  for (let k = 0; k < count; k++) {
    const { kind } = operands[k]!;
    if (kind === OPERAND.XMM || kind === OPERAND.MMX) return true;
  }
  return false;
}

function inRegisters({ operands, count, form }: Instruction): boolean {
  for (let k = 0; k < count; k++) {
    const { kind } = operands[k]!;
    if (kind === OPERAND.MEMORY) return form!.semantics === "lea";
    if (kind !== OPERAND.GPR && kind !== OPERAND.IMMEDIATE) return false;
  }
  return true;
}

/** Whether an instruction neither reads nor sets the arithmetic flags. */
export function keepsFlags({ flags }: RegionInstruction): boolean {
  return (flags & USE.KEEPS) !== 0;
}

/** Whether an instruction may read them. */
export function readsFlags({ flags }: RegionInstruction): boolean {
  return (flags & USE.READS) !== 0;
}

/** Whether an instruction sets all six, whatever they were. */
export function setsAllFlags({ flags }: RegionInstruction): boolean {
  return (flags & USE.SETS_ALL) !== 0;
}

/** For each instruction, whether the flags that it sets are dead. */
export function deadFlags({ instructions }: Block): boolean[] {
  const dead: boolean[] = [];
  for (let at = 0; at < instructions.length; at++) dead.push(false);
  // Behind the block anything may look.
  let needed = true;
  for (let at = instructions.length - 1; at >= 0; at--) {
    const { how, flags } = instructions[at]!;
    dead[at] = !needed;
    if (how !== "inline" || (flags & USE.IN_REGISTERS) === 0) needed = true;
    else if ((flags & USE.SETS_ALL) !== 0) needed = false;
    else if ((flags & USE.PLAIN) === 0) needed = true;
  }
  return dead;
}
