/**
 * Where a PC has RAM, as boot protocols report it to a kernel.
 *
 * @module
 */

import { BulkheadError } from "../core/bus/error.ts";

/** First byte above the low 640 KB of RAM: video memory, option ROMs and the BIOS lie from here to 1 MB. */
export const LOW_RAM_END = 0xa_0000;

/** Where RAM continues above the hole. */
export const HIGH_RAM_START = 0x10_0000;

/** The most RAM a machine with 32-bit addresses has: the last gigabyte belongs to devices and ROMs. */
export const MOST_RAM = 0xc000_0000;

/** A stretch of RAM. */
export interface RamRange {
  /** Guest-physical address of its first byte. */
  readonly address: number;
  /** Its bytes. */
  readonly size: number;
}

/**
 * The RAM of a PC: 640 KB, then everything above 1 MB. What lies between belongs to devices and ROMs; nothing at the top is reserved.
 *
 * @param memory Bytes of guest RAM, as if the hole were RAM too.
 */
export function ramRanges(memory: number): [low: RamRange, high: RamRange] {
  return [
    { address: 0, size: LOW_RAM_END },
    { address: HIGH_RAM_START, size: memory - HIGH_RAM_START },
  ];
}

/**
 * Refuses a size of guest memory that no loader here can use.
 *
 * @param memory Bytes of guest RAM, as if the hole between 640 KB and 1 MB were RAM too.
 * @throws {BulkheadError} `memory-size`: not a whole number of 4 KB pages from 2 MB to 3 GB.
 */
export function checkMemory(memory: number): void {
  if (Number.isInteger(memory) && memory % 4096 === 0 && memory >= 0x20_0000 && memory <= MOST_RAM) return;
  throw new BulkheadError({
    code: "memory-size",
    subject: "guest memory",
    expected: "a whole number of 4 KB pages from 2 MB to 3 GB",
    found: Number.isFinite(memory) ? `${memory} bytes` : String(memory),
    remedy: "give another --memory",
  });
}
