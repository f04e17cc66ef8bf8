/**
 * The section `memory`: where the contents of pages belong. Pages that it does not name are zero.
 *
 * ```
 * u64 bytes of RAM, u64 stored pages, u64 runs
 * each run: u64 guest-physical address, u64 pages, u64 the word of 32 bits that they repeat, or 0 where they are stored
 * ```
 *
 * Runs are ordered by address, and the stored pages are in the order of their runs.
 *
 * @module
 */
import { PAGE } from "../../memory/layout.ts";
import { damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";

/** Pages in a row. */
export interface PageRun {
  /** Guest-physical address of the first. */
  readonly address: number;
  /** How many. */
  readonly pages: number;
  /**
   * The word of 32 bits, unsigned, that all of them repeat, such as a kernel's mark of memory that it has freed; 0 for pages whose contents
   * are stored.
   */
  readonly word: number;
}

/** What the section says. */
export interface MemoryMap {
  /** Bytes of RAM. */
  readonly ramBytes: number;
  /** Stored pages. */
  readonly storedPages: number;
  /** Pages that are not zero, by rising address. */
  readonly runs: readonly PageRun[];
}

const BYTES = { HEAD: 24, RUN: 24 } as const;

/** The section's bytes. */
export function encodeMemoryMap({ ramBytes, storedPages, runs }: MemoryMap): Uint8Array {
  const fields = [ramBytes, storedPages, runs.length];
  for (const { address, pages, word } of runs) fields.push(address, pages, word);
  return new Uint8Array(BigUint64Array.from(fields, BigInt).buffer);
}

/**
 * What the section says, checked against the machine.
 *
 * @throws {BulkheadError} `snapshot-damaged`.
 */
export function decodeMemoryMap(subject: string, bytes: Uint8Array, ramBytes: number): MemoryMap {
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
  const storedPages = u64(8, ramBytes / PAGE, "stored pages");
  const count = u64(16, ramBytes / PAGE, "runs of pages");
  const expected = BYTES.HEAD + BYTES.RUN * count;
  if (bytes.length !== expected) bad(16, `${expected} bytes for ${count} runs`, bytes.length);

  const runs: PageRun[] = [];
  let free = 0, stored = 0;
  for (let at: number = BYTES.HEAD; at < bytes.length; at += BYTES.RUN) {
    const address = u64(at, ramBytes - PAGE, "an address in RAM");
    if (address < free || address % PAGE !== 0) bad(at, `a page from ${free} on`, address);
    const pages = u64(at + 8, (ramBytes - address) / PAGE, "pages");
    if (pages === 0) bad(at + 8, "at least one page", 0);
    const word = u64(at + 16, 0xffff_ffff, "a word");
    if (word === 0) stored += pages;
    runs.push({ address, pages, word });
    free = address + pages * PAGE;
  }
  if (stored !== storedPages) bad(8, `${stored} stored pages, as many as the runs have`, storedPages);
  return { ramBytes, storedPages, runs };
}
