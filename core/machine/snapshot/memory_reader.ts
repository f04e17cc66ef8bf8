/**
 * Puts pages where they belong: into RAM that is zero.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import { damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";
import type { MemoryMap } from "./memory_map.ts";
import { PageDecompressor } from "./page_stream.ts";

/** RAM that is being filled. */
export class MemoryReader {
  readonly #subject: string;
  readonly #stored: readonly Uint8Array[];
  readonly #expected: number;
  readonly #decompressor = new PageDecompressor((bytes) => this.#put(bytes));
  #length = 0;
  /** The run that comes next, and how much of it is filled. */
  #run = 0;
  #filled = 0;
  #failed = false;

  /** Fills the pages that need no contents; those with contents follow. */
  constructor(subject: string, ram: Uint8Array, { storedPages, runs }: MemoryMap) {
    this.#subject = subject;
    this.#expected = storedPages * PAGE;
    const words = new Uint32Array(ram.buffer, ram.byteOffset, ram.length / 4);
    const stored: Uint8Array[] = [];
    for (const { address, pages, word } of runs) {
      const end = address + pages * PAGE;
      if (word === 0) stored.push(ram.subarray(address, end));
      else words.fill(word, address / 4, end / 4);
    }
    this.#stored = stored;
  }

  /** Takes the next part of the section `pages`, which is the caller's again when this settles. Never rejects: `finish` tells. */
  async write(part: Uint8Array): Promise<void> {
    if (this.#failed) return;
    await this.#decompressor.write(part).catch(() => this.#failed = true);
  }

  /** Fills what is left. @throws {BulkheadError} `snapshot-damaged`: the section did not give exactly the stored pages. */
  async finish(): Promise<void> {
    if (!this.#failed) await this.#decompressor.end().catch(() => this.#failed = true);
    if (!this.#failed && this.#length === this.#expected) return;
    const expected = `Zstandard data that gives ${this.#expected} bytes`;
    throw damaged(this.#subject, `section "${SECTION.PAGES}"`, expected, "something else");
  }

  #put(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > this.#expected) throw new RangeError("more than the stored pages");
    for (let done = 0; done < bytes.length;) {
      const run = this.#stored[this.#run]!;
      const count = Math.min(run.length - this.#filled, bytes.length - done);
      run.set(bytes.subarray(done, done + count), this.#filled);
      done += count;
      this.#filled += count;
      if (this.#filled < run.length) continue;
      this.#run++;
      this.#filled = 0;
    }
  }
}
