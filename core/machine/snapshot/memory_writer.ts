/**
 * Turns a machine's RAM and its guest's ROMs into stored pages and the map of where they belong.
 *
 * The ROMs come first: a machine needs them before its RAM.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import type { LoadedPiece } from "../pieces.ts";
import type { MemoryMap, PageRun } from "./memory_map.ts";
import { ChunkWriter } from "./page_chunks.ts";

/** A machine's RAM and its guest's ROMs on their way into a snapshot. */
export class MemoryWriter {
  /** Index of each ROM's first stored page (of other pieces too, where nothing follows). Complete when `pages` is. */
  readonly firstPages: number[] = [];
  /** Pages of RAM that are not zero. Complete when `pages` is. */
  touchedPages = 0;
  readonly #ram: Uint8Array;
  readonly #words: Int32Array;
  readonly #pieces: readonly LoadedPiece[];
  readonly #chunks = new ChunkWriter();
  readonly #runs: PageRun[] = [];

  /** Memory that stands still until `pages` is read. */
  constructor(buffer: ArrayBufferLike, ram: number, ramBytes: number, pieces: readonly LoadedPiece[]) {
    this.#ram = new Uint8Array(buffer, ram, ramBytes);
    this.#words = new Int32Array(buffer, ram, ramBytes / 4);
    this.#pieces = pieces;
  }

  /** The section `pages`, in parts. */
  *pages(): Generator<Uint8Array> {
    for (const { bytes, rom } of this.#pieces) {
      this.firstPages.push(this.#chunks.pages);
      if (rom) yield* this.#chunks.add(new Uint8Array(bytes));
    }
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
