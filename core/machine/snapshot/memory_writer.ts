/**
 * Turns a machine's RAM into stored pages and the map of where they belong.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import type { MemoryMap, PageRun } from "./memory_map.ts";
import { ChunkWriter } from "./page_chunks.ts";

/** A machine's RAM on its way into a snapshot. */
export class MemoryWriter {
  /** Pages of RAM that are not zero. Complete when `pages` is. */
  touchedPages = 0;
  readonly #ram: Uint8Array;
  readonly #words: Int32Array;
  readonly #chunks = new ChunkWriter();
  readonly #runs: PageRun[] = [];

  /** Memory that stands still until `pages` is read. */
  constructor(buffer: ArrayBufferLike, ram: number, ramBytes: number) {
    this.#ram = new Uint8Array(buffer, ram, ramBytes);
    this.#words = new Int32Array(buffer, ram, ramBytes / 4);
  }

  /** The section `pages`, in parts. */
  *pages(): Generator<Uint8Array> {
    for (let page = 0; page * PAGE < this.#ram.length; page++) {
      if (this.#isZero(page)) continue;
      this.touchedPages++;
      const address = page * PAGE;
      this.#put(address, this.#chunks.pages);
      yield* this.#chunks.add(this.#ram.subarray(address, address + PAGE));
    }
    yield* this.#chunks.finish();
  }

  /** The section `memory`, once `pages` has been read. */
  map(): MemoryMap {
    const { chunks, pages } = this.#chunks;
    return { ramBytes: this.#ram.length, storedPages: pages, chunks, runs: this.#runs };
  }

  #put(address: number, first: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && last.address + last.pages * PAGE === address && last.first + last.pages === first) {
      this.#runs[this.#runs.length - 1] = { ...last, pages: last.pages + 1 };
    } else {
      this.#runs.push({ address, pages: 1, first });
    }
  }

  #isZero(page: number): boolean {
    const words = this.#words, end = (page + 1) * (PAGE / 4);
    for (let at = page * (PAGE / 4); at < end; at++) if (words[at] !== 0) return false;
    return true;
  }
}
