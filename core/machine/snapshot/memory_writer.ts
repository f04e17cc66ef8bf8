/**
 * Turns a machine's RAM and the pieces of its guest into stored pages and the map of where they belong.
 *
 * The pieces come first: a guest leaves much of what was loaded as it was (its initial RAM disk, most of all), and such pages name the
 * piece's contents instead of repeating them.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import type { LoadedPiece } from "../pieces.ts";
import type { MemoryMap, PageRun } from "./memory_map.ts";
import { ChunkWriter } from "./page_chunks.ts";

/** A machine's RAM and its guest's pieces on their way into a snapshot. */
export class MemoryWriter {
  /** Index of each piece's first stored page. Complete when `pages` is. */
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
    for (const { bytes } of this.#pieces) {
      this.firstPages.push(this.#chunks.pages);
      yield* this.#chunks.add(new Uint8Array(bytes));
    }
    const loaded = this.#loaded();
    for (let page = 0; page * PAGE < this.#ram.length; page++) {
      if (this.#isZero(page)) continue;
      this.touchedPages++;
      const address = page * PAGE;
      const known = loaded(page);
      if (known !== undefined) {
        this.#put(address, known);
        continue;
      }
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

  /** Tells the stored page that a page of RAM still equals, where a piece was loaded. */
  #loaded(): (page: number) => number | undefined {
    const aligned = this.#pieces
      .map((piece, index) => ({ ...piece, first: this.firstPages[index]!, words: new Int32Array(wholePages(piece)) }))
      .filter(({ rom, address }) => !rom && address % PAGE === 0);
    return (page) => {
      const address = page * PAGE;
      const piece = aligned.find((piece) => address >= piece.address && address < piece.address + piece.size);
      if (piece === undefined) return undefined;
      const words = this.#words, offset = address - piece.address;
      for (let at = 0; at < PAGE / 4; at++) {
        if (words[address / 4 + at] !== piece.words[offset / 4 + at]) return undefined;
      }
      return piece.first + offset / PAGE;
    };
  }
}

/** A copy of a piece that ends with a page. */
function wholePages({ bytes, size }: LoadedPiece): ArrayBuffer {
  const whole = new Uint8Array(Math.ceil(size / PAGE) * PAGE);
  whole.set(new Uint8Array(bytes));
  return whole.buffer;
}
