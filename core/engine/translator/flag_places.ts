/**
 * Where the flags are at each block of a region: still in memory, as they were when the region was entered, or in locals. What only passes
 * through a region need not be loaded and stored there.
 *
 * @module
 */
import { deadFlags, keepsFlags, readsFlags, setsAllFlags } from "./flag_liveness.ts";
import type { Block, RegionInstruction } from "./region.ts";
import type { Graph } from "./structure.ts";

/** The flags' places in one region. */
export class FlagPlaces {
  /** Ways meet on which they are at different places: then they are in locals throughout. */
  readonly eager: boolean;
  readonly #local: (boolean | undefined)[] = [];
  readonly #dead: boolean[][] = [];

  /**
   * @param graph The blocks that each block may lead to.
   * @param irreducible Edges that are not followed inside the region: `from * blocks + to`.
   */
  constructor(blocks: readonly Block[], graph: Graph, irreducible: ReadonlySet<number>) {
    const local = this.#local;
    for (const block of blocks) {
      local.push(undefined);
      this.#dead.push(deadFlags(block));
    }
    local[0] = false;
    let mixed = false;
    for (const work = [0]; work.length > 0;) {
      const from = work.pop()!;
      const after = this.#after(blocks[from]!, this.#dead[from]!, local[from]!);
      for (const to of graph[from]!) {
        if (irreducible.size > 0 && irreducible.has(from * blocks.length + to)) continue;
        if (local[to] === undefined) {
          local[to] = after;
          work.push(to);
        } else if (local[to] !== after) mixed = true;
      }
    }
    this.eager = mixed;
  }

  /** Whether they are in locals at a block's start. */
  at(block: number): boolean {
    return this.eager || this.#local[block] === true;
  }

  /** For each instruction of a block, whether the flags that it sets are dead. */
  dead(block: number): readonly boolean[] {
    return this.#dead[block]!;
  }

  #after({ instructions }: Block, dead: readonly boolean[], local: boolean): boolean {
    for (let position = 0; position < instructions.length; position++) {
      const item = instructions[position]!;
      if (item.how === "called") local = false;
      else local ||= this.touches(item, dead[position]!);
    }
    return local;
  }

  /** Whether an instruction needs them in locals, or leaves them there. */
  touches(item: RegionInstruction, dead: boolean): boolean {
    if (item.how === "called" || keepsFlags(item)) return false;
    return !dead || readsFlags(item);
  }

  /** Whether an instruction sets all of them without a look. */
  replaces(item: RegionInstruction): boolean {
    return setsAllFlags(item);
  }
}
