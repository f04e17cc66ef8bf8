/**
 * Where the flags are at each block of a region: still in memory, as they were when the region was entered, or in locals. What only passes
 * through a region need not be loaded and stored there.
 *
 * @module
 */
import { deadFlags, keepsFlags, readsFlags, setsAllFlags } from "./flag_liveness.ts";
import { type Block, type RegionInstruction, successors } from "./region.ts";

/** The flags' places in one region. */
export class FlagPlaces {
  /** Ways meet on which they are at different places: then they are in locals throughout. */
  readonly eager: boolean;
  readonly #local: (boolean | undefined)[];

  /** @param irreducible Edges that are not followed inside the region: `from * blocks + to`. */
  constructor(blocks: readonly Block[], irreducible: ReadonlySet<number>) {
    const local = this.#local = new Array<boolean | undefined>(blocks.length).fill(undefined);
    local[0] = false;
    let mixed = false;
    for (const work = [0]; work.length > 0;) {
      const from = work.pop()!;
      const block = blocks[from]!;
      const after = this.#after(block, local[from]!);
      for (const to of successors(block)) {
        if (irreducible.has(from * blocks.length + to)) continue;
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

  #after(block: Block, local: boolean): boolean {
    const dead = deadFlags(block);
    return block.instructions.reduce((place, item, position) => {
      if (item.how === "called") return false;
      return place || this.touches(item, dead[position]!);
    }, local);
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
