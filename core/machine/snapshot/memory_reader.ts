/**
 * Puts stored pages where they belong: into RAM, and into the guest's pieces.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import { damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";
import type { MemoryMap } from "./memory_map.ts";
import { CHUNK_PAGES, decompressChunk } from "./page_chunks.ts";

/** Bytes that stored pages in a row fill; they need not end with a page. */
export interface Destination {
  /** Index of the first stored page. */
  readonly first: number;
  /** What they fill. */
  readonly bytes: Uint8Array;
}

/**
 * Fills destinations.
 *
 * @param pages The section `pages`.
 * @throws {BulkheadError} `snapshot-damaged`: a chunk that is not what it should be.
 */
export function readPages(
  subject: string,
  pages: Uint8Array,
  map: MemoryMap,
  destinations: readonly Destination[],
): void {
  const wanted: Destination[][] = map.chunks.map(() => []);
  for (const destination of destinations) {
    const { first, bytes } = destination;
    if (bytes.length === 0) continue;
    const last = first + Math.ceil(bytes.length / PAGE) - 1;
    for (let chunk = Math.floor(first / CHUNK_PAGES); chunk * CHUNK_PAGES <= last; chunk++) {
      wanted[chunk]!.push(destination);
    }
  }
  for (const [index, { offset, length, method }] of map.chunks.entries()) {
    if (wanted[index]!.length === 0) continue;
    const begin = index * CHUNK_PAGES;
    const expected = Math.min(CHUNK_PAGES, map.storedPages - begin) * PAGE;
    const plain = decompressChunk(pages.subarray(offset, offset + length), method, expected);
    if (plain === undefined) {
      throw damaged(
        subject,
        `section "${SECTION.PAGES}", offset ${offset}`,
        `a chunk that gives ${expected} bytes`,
        "one that does not",
      );
    }
    for (const { first, bytes } of wanted[index]!) {
      const from = (first - begin) * PAGE;
      const skip = Math.max(0, -from);
      const start = Math.max(0, from);
      bytes.set(plain.subarray(start, Math.min(expected, from + bytes.length)), skip);
    }
  }
}

/** Fills the pages that repeat a word. */
export function fillPages(ram: Uint8Array, { fills }: MemoryMap): void {
  const words = new Uint32Array(ram.buffer, ram.byteOffset, ram.length / 4);
  for (const { address, pages, word } of fills) words.fill(word, address / 4, (address + pages * PAGE) / 4);
}

/** RAM's part of the destinations. */
export function ramDestinations(ram: Uint8Array, { runs }: MemoryMap): Destination[] {
  return runs.map(({ address, pages, first }) => ({ first, bytes: ram.subarray(address, address + pages * PAGE) }));
}
