/**
 * A ROM at the top of the 32-bit address space, started by the reset vector.
 *
 * The last 128 KB of the ROM also appear below 1 MB, as on every PC since the AT: real-mode code can reach them after the first far jump
 * has taken CS away from FFFF0000h (Intel SDM volume 3, 10.1.4).
 *
 * @module
 */

import { BulkheadError } from "../core/bus/error.ts";
import type { GuestFile, GuestStart, Placement } from "./guest_start.ts";
import { hex, sizeText } from "./quantity.ts";

/** First address that no 32-bit address reaches. */
const TOP = 0x1_0000_0000;

/** First address above the real-mode window of the ROM. */
const WINDOW_TOP = 0x10_0000;

/** What the chip set shows of the ROM below 1 MB: E0000h to FFFFFh. */
const WINDOW_SIZE = 0x2_0000;

/** The largest ROM: what fits above the addresses that local and I/O APICs take. */
const LARGEST = 0x100_0000;

const PAGE = 0x1000;

/**
 * Places a ROM and starts the CPU at its reset vector.
 *
 * A ROM of 64 KB appears at FFFF0000h and at F0000h.
 *
 * @param rom The ROM: a whole number of 4 KB pages, at most 16 MB, with code in its last 16 bytes.
 * @returns A start without pieces.
 * @throws {BulkheadError} `rom-size`, `rom-empty-vector`.
 */
export function romStart(rom: GuestFile): GuestStart {
  const { bytes, name } = rom;
  const subject = `ROM ${JSON.stringify(name)}`;
  if (bytes.length === 0 || bytes.length % PAGE !== 0 || bytes.length > LARGEST) {
    throw new BulkheadError({
      code: "rom-size",
      subject,
      expected: "a whole number of 4 KB pages, at most 16 MB",
      found: bytes.length === 0 ? "an empty file" : `${bytes.length} bytes`,
      remedy: "give a ROM image as it is programmed into the chip",
    });
  }
  const vector = bytes.subarray(bytes.length - 16);
  if (vector.every((byte) => byte === 0) || vector.every((byte) => byte === 0xff)) {
    throw new BulkheadError({
      code: "rom-empty-vector",
      subject,
      where: `the reset vector at offset ${hex(bytes.length - 16)}`,
      expected: "the CPU's first instruction",
      found: vector[0] === 0 ? "16 zero bytes" : "16 erased bytes (0xff)",
      remedy: "give a ROM whose last 16 bytes hold its entry",
    });
  }
  const windowed = bytes.subarray(Math.max(0, bytes.length - WINDOW_SIZE));
  const roms: Placement[] = [
    { address: TOP - bytes.length, bytes, name: `${subject} (${sizeText(bytes.length)})` },
    { address: WINDOW_TOP - windowed.length, bytes: windowed, name: `${subject} below 1 MB` },
  ];
  return { pieces: [], roms, cpu: { kind: "reset" } };
}
