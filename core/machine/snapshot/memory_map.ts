/**
 * The section `memory`: where the contents of pages belong. Pages that it does not name are zero.
 *
 * ```
 * u64 bytes of RAM, u64 stored pages, u32 pages of a chunk, u32 chunks, u64 runs, u64 fills
 * each chunk: u64 offset in the section `pages`, u32 length, u32 method
 * each run:   u64 guest-physical address, u64 pages, u64 the first one's index among the stored pages
 * each fill:  u64 guest-physical address, u64 pages, u64 the word of 32 bits that they repeat
 * ```
 *
 * Runs and fills are ordered by address. A page is in one of them at most.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import { damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";
import { type Chunk, CHUNK_PAGES, METHOD } from "./page_chunks.ts";

/** Pages in a row whose contents are stored in a row. */
export interface PageRun {
  /** Guest-physical address of the first. */
  readonly address: number;
  /** How many. */
  readonly pages: number;
  /** Index of the first one's contents among the stored pages. */
  readonly first: number;
}

/** Pages in a row that repeat one word of 32 bits, such as a kernel's mark of memory that it has freed. */
export interface PageFill {
  /** Guest-physical address of the first. */
  readonly address: number;
  /** How many. */
  readonly pages: number;
  /** The word, unsigned; not zero. */
  readonly word: number;
}

/** What the section says. */
export interface MemoryMap {
  /** Bytes of RAM. */
  readonly ramBytes: number;
  /** Stored pages. */
  readonly storedPages: number;
  /** Where the stored pages are. */
  readonly chunks: readonly Chunk[];
  /** Where they belong, by rising address. */
  readonly runs: readonly PageRun[];
  /** Pages that need not be stored, by rising address. */
  readonly fills: readonly PageFill[];
}

const BYTES = { HEAD: 40, CHUNK: 16, RUN: 24 } as const;

/** The section's bytes. */
export function encodeMemoryMap({ ramBytes, storedPages, chunks, runs, fills }: MemoryMap): Uint8Array {
  const bytes = new Uint8Array(BYTES.HEAD + BYTES.CHUNK * chunks.length + BYTES.RUN * (runs.length + fills.length));
  const view = new DataView(bytes.buffer);
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  u64(0, ramBytes);
  u64(8, storedPages);
  view.setUint32(16, CHUNK_PAGES, true);
  view.setUint32(20, chunks.length, true);
  u64(24, runs.length);
  u64(32, fills.length);
  let at: number = BYTES.HEAD;
  for (const { offset, length, method } of chunks) {
    u64(at, offset);
    view.setUint32(at + 8, length, true);
    view.setUint32(at + 12, method, true);
    at += BYTES.CHUNK;
  }
  const places = [
    ...runs.map(({ address, pages, first }) => [address, pages, first] as const),
    ...fills.map(({ address, pages, word }) => [address, pages, word] as const),
  ];
  for (const fields of places) {
    fields.forEach((field, index) => u64(at + 8 * index, field));
    at += BYTES.RUN;
  }
  return bytes;
}

/**
 * What the section says, checked against the machine and the section `pages`.
 *
 * @throws {BulkheadError} `snapshot-damaged`.
 */
export function decodeMemoryMap(subject: string, bytes: Uint8Array, ramBytes: number, pagesLength: number): MemoryMap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = (at: number, expected: string, found: string | number | bigint): never => {
    throw damaged(subject, `section "${SECTION.MEMORY}", offset ${at}`, expected, `${found}`);
  };
  const u64 = (at: number, most: number, what: string): number => {
    const value = view.getBigUint64(at, true);
    return value <= BigInt(most) ? Number(value) : bad(at, `${what}, at most ${most}`, value);
  };
  if (bytes.length < BYTES.HEAD) bad(0, `at least ${BYTES.HEAD} bytes`, bytes.length);
  const ram = u64(0, Number.MAX_SAFE_INTEGER, "bytes of RAM");
  if (ram !== ramBytes) bad(0, `the machine's ${ramBytes} bytes of RAM`, ram);
  const chunkPages = view.getUint32(16, true);
  if (chunkPages !== CHUNK_PAGES) bad(16, `chunks of ${CHUNK_PAGES} pages`, chunkPages);
  const chunkCount = view.getUint32(20, true);
  const storedPages = u64(8, chunkCount * CHUNK_PAGES, "stored pages");
  if (chunkCount !== Math.ceil(storedPages / CHUNK_PAGES)) bad(20, `chunks for ${storedPages} pages`, chunkCount);
  const runCount = u64(24, ramBytes / PAGE, "runs of pages");
  const fillCount = u64(32, ramBytes / PAGE, "fills");
  const expected = BYTES.HEAD + BYTES.CHUNK * chunkCount + BYTES.RUN * (runCount + fillCount);
  if (bytes.length !== expected) {
    bad(20, `${expected} bytes for ${chunkCount} chunks, ${runCount} runs and ${fillCount} fills`, bytes.length);
  }

  const chunks: Chunk[] = [];
  let at: number = BYTES.HEAD, next = 0;
  for (let index = 0; index < chunkCount; index++, at += BYTES.CHUNK) {
    const offset = u64(at, pagesLength, "an offset"), length = view.getUint32(at + 8, true);
    const method = view.getUint32(at + 12, true);
    if (offset !== next) bad(at, `the chunk at ${next}`, offset);
    if (length > pagesLength - next) bad(at + 8, `at most ${pagesLength - next} bytes`, length);
    if (method !== METHOD.STORED && method !== METHOD.ZSTD) bad(at + 12, "a method that is known", method);
    chunks.push({ offset, length, method });
    next += length;
  }
  if (next !== pagesLength) bad(at, `chunks for all ${pagesLength} bytes of "${SECTION.PAGES}"`, next);

  const taken = new Uint8Array(ramBytes / PAGE);
  let free = 0;
  /** Pages in a row behind `free` that nothing else has filled. */
  const place = () => {
    const address = u64(at, ramBytes - PAGE, "an address in RAM");
    if (address < free || address % PAGE !== 0) bad(at, `a page from ${free} on`, address);
    const pages = u64(at + 8, (ramBytes - address) / PAGE, "pages");
    if (pages === 0) bad(at + 8, "at least one page", 0);
    free = address + pages * PAGE;
    const those = taken.subarray(address / PAGE, free / PAGE);
    if (those.includes(1)) bad(at, "pages that are in one place only", address);
    those.fill(1);
    return { address, pages };
  };
  const runs: PageRun[] = [], fills: PageFill[] = [];
  for (let index = 0; index < runCount; index++, at += BYTES.RUN) {
    const { address, pages } = place();
    runs.push({ address, pages, first: u64(at + 16, storedPages - pages, "a stored page") });
  }
  free = 0;
  for (let index = 0; index < fillCount; index++, at += BYTES.RUN) {
    const { address, pages } = place();
    const word = u64(at + 16, 0xffff_ffff, "a word");
    if (word === 0) bad(at + 16, "a word that is not zero", word);
    fills.push({ address, pages, word });
  }
  return { ramBytes, storedPages, chunks, runs, fills };
}
