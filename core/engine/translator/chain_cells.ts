/**
 * The cells through which regions go on with each other: each exit's names the slot of its target's region, or the dispatcher while there is
 * none.
 *
 * @module
 */
import { AREA, CELL, CELLS, DISPATCH } from "./area.ts";

/** A cell and the key of the region that it leads to, or waits for. */
export interface ChainCell {
  readonly cell: number;
  readonly key: number;
}

/** The cells of one virtual CPU. */
export class ChainCells {
  /** The cell of whoever goes on at a place that has no page now: it fits none. */
  readonly nobody: number;
  /** By key: who waits for, or leads to, its region. */
  readonly #incoming = new Map<number, Set<number>>();
  readonly #free: number[] = [];
  #next = 1;

  /** @param words The machine's memory. @param area Address of the area for finding translations. */
  constructor(readonly words: Int32Array, area: number) {
    this.nobody = area + AREA.CELLS;
    this.words[(this.nobody + CELL.INDEX) >> 2] = -1;
  }

  /** A new cell for a key, in the page with a record index; undefined when all are taken. */
  take(key: number, index: number, slot: number): number | undefined {
    const number = this.#free.pop() ?? (this.#next < CELLS ? this.#next++ : undefined);
    if (number === undefined) return undefined;
    const cell = this.nobody + number * CELL.SIZE;
    this.words[(cell + CELL.INDEX) >> 2] = index;
    this.words[(cell + CELL.SLOT) >> 2] = slot;
    const incoming = this.#incoming.get(key);
    if (incoming) incoming.add(cell);
    else this.#incoming.set(key, new Set([cell]));
    return cell;
  }

  /** All cells of a key lead to a slot from now on. */
  lead(key: number, slot: number): void {
    for (const cell of this.#incoming.get(key) ?? []) this.words[(cell + CELL.SLOT) >> 2] = slot;
  }

  /** Gives back the cells of a region that goes. */
  giveBack(cells: readonly ChainCell[]): void {
    for (const { cell, key } of cells) {
      const incoming = this.#incoming.get(key);
      incoming?.delete(cell);
      if (incoming?.size === 0) this.#incoming.delete(key);
      this.words[(cell + CELL.INDEX) >> 2] = -1;
      this.#free.push((cell - this.nobody) / CELL.SIZE);
    }
  }

  /** All regions are gone. */
  reset(): void {
    this.#incoming.clear();
    this.#free.length = 0;
    this.#next = 1;
  }
}

/** The slot of who looks a computed target up. */
export function dispatcher(user: boolean): number {
  return user ? DISPATCH.USER : DISPATCH.SUPERVISOR;
}
