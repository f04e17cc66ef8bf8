/**
 * Turns a machine's RAM into stored pages and the map of where they belong.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import type { MemoryMap, PageRun } from "./memory_map.ts";
import { compressPages } from "./page_stream.ts";

/** A machine's RAM on its way into a snapshot. */
export class MemoryWriter {
  /** Pages of RAM that are not zero. Complete when `pages` is. */
  touchedPages = 0;
  readonly #ram: Uint8Array;
  readonly #words: Uint32Array;
  readonly #runs: PageRun[] = [];
  #storedPages = 0;

  /** Memory that stands still until `pages` is read. */
  constructor(buffer: ArrayBufferLike, ram: number, ramBytes: number) {
    this.#ram = new Uint8Array(buffer, ram, ramBytes);
    this.#words = new Uint32Array(buffer, ram, ramBytes / 4);
  }

  /** The section `pages`, in parts. */
  pages(): AsyncGenerator<Uint8Array> {
    return compressPages(this.#stored());
  }

  /** The section `memory`, once `pages` has been read. */
  map(): MemoryMap {
    return { ramBytes: this.#ram.length, storedPages: this.#storedPages, runs: this.#runs };
  }

  *#stored(): Generator<Uint8Array> {
    for (let page = 0; page * PAGE < this.#ram.length; page++) {
      const word = this.#repeated(page), address = page * PAGE;
      if (word === 0) continue;
      this.touchedPages++;
      this.#put(address, word ?? 0);
      if (word !== undefined) continue;
      this.#storedPages++;
      yield this.#ram.subarray(address, address + PAGE);
    }
  }

  #put(address: number, word: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && last.address + last.pages * PAGE === address && last.word === word) {
      this.#runs[this.#runs.length - 1] = { ...last, pages: last.pages + 1 };
    } else {
      this.#runs.push({ address, pages: 1, word });
    }
  }

  /** The word that all of a page repeats, if there is one. */
  #repeated(page: number): number | undefined {
    const words = this.#words, begin = page * (PAGE / 4), end = begin + PAGE / 4, word = words[begin]!;
    for (let at = begin + 1; at < end; at++) if (words[at] !== word) return undefined;
    return word;
  }
}
