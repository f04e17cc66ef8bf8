/**
 * What is translated at a time: a region, a graph of basic blocks of one physical page with one entry.
 *
 * @module
 */
import type { Instruction } from "../../x86/instruction.ts";

/** Where a region starts, and what its code may assume. */
export interface RegionPlace {
  /** Physical page number. */
  readonly page: number;
  /** Offset of the entry in the page. */
  readonly offset: number;
  /** MODE bits. */
  readonly mode: number;
  /** Runs at CPL 3, through the user's TLB set. */
  readonly user: boolean;
}

/** One instruction of a block. */
export interface RegionInstruction {
  /** Offset in the page. */
  readonly offset: number;
  readonly instruction: Instruction;
  /** How it is carried out. */
  readonly how: How;
  /** Shares no check of its memory accesses with others: together they have failed too often. */
  readonly alone: boolean;
  /** What it has to do with the arithmetic flags: `flagUse`. */
  readonly flags: number;
}

/**
 * How a translated instruction is carried out. INLINE: emitted, and left to the interpreter where the fast path does not serve. CALLED: by the
 * interpreter, in the middle of the region. LEFT: the region ends before it, and the interpreter goes on with it.
 */
export type How = "inline" | "called" | "left";

/** Where control goes from a block: to another block of the region, or out of it, to an offset from the page's start. */
export type Edge = { readonly to: "block"; readonly block: number } | {
  readonly to: "outside";
  readonly target: number;
};

/** A basic block. */
export interface Block {
  readonly start: number;
  readonly instructions: readonly RegionInstruction[];
  /** Offset after the last instruction. */
  readonly end: number;
  /** The last instruction branches: where to if taken. Undefined: it does not, or to a computed target. */
  readonly taken: Edge | undefined;
  /** Where control goes if the last instruction does not branch; undefined after an unconditional one. */
  readonly next: Edge | undefined;
  /**
   * Blocks that the last instruction, which goes to a computed place, is likely to go to: behind the region's calls of its own code after a
   * return, and those that a table of jumps names.
   */
  readonly targets: readonly number[];
}

/** The blocks that a block may lead to. */
export function successors({ taken, next, targets }: Block): number[] {
  const found: number[] = [];
  if (taken !== undefined && taken.to === "block") found.push(taken.block);
  if (next !== undefined && next.to === "block") found.push(next.block);
  for (const target of targets) found.push(target);
  return found;
}

/** A region: block 0 is its entry. */
export interface Region {
  readonly place: RegionPlace;
  readonly blocks: readonly Block[];
  /** Instructions in all. */
  readonly length: number;
}

/** Where the blocks begin from which control may come back to the entry without leaving the region. */
export function leadingToEntry({ blocks }: Region): number[] {
  const predecessors: number[][] = blocks.map(() => []);
  for (let from = 0; from < blocks.length; from++) {
    for (const to of successors(blocks[from]!)) predecessors[to]!.push(from);
  }
  const leads = new Uint8Array(blocks.length);
  const starts: number[] = [];
  for (const work = [0]; work.length > 0;) {
    for (const from of predecessors[work.pop()!]!) {
      if (leads[from] !== 0 || from === 0) continue;
      leads[from] = 1;
      work.push(from);
      starts.push(blocks[from]!.start);
    }
  }
  return starts;
}
