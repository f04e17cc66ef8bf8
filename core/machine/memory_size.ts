/**
 * Sizes of guest memory as people write them.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";

/** Bytes of the smallest guest memory: conventional memory and something above 1 MB. */
export const LEAST_MEMORY = 2 * 1024 ** 2;

/** Bytes of the largest guest memory: what 32-bit addresses leave beside devices and firmware. */
export const MOST_MEMORY = 3 * 1024 ** 3;

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/**
 * Bytes of guest memory, from text such as `256M` or from a number of bytes.
 *
 * @param given A whole number with a unit K, M, G or T (powers of 1024), or bytes without one.
 * @param subject Where it was given, for the sentence: `--memory`.
 * @throws {BulkheadError} `memory-size` for anything but a whole number of 4 KB pages from 2M to 3G.
 */
export function parseMemorySize(given: string | number, subject: string): number {
  const match = /^(\d+)\s*([KMGT]?)(?:i?B)?$/i.exec(String(given).trim());
  const bytes = match === null ? NaN : Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
  if (bytes >= LEAST_MEMORY && bytes <= MOST_MEMORY && bytes % 4096 === 0) return bytes;
  throw new BulkheadError({
    code: "memory-size",
    subject,
    expected: "a memory size of whole 4 KB pages from 2M to 3G, such as 256M",
    found: `"${given}"${explanation(bytes)}`,
  });
}

function explanation(bytes: number): string {
  if (Number.isNaN(bytes)) return ", which is no size";
  if (bytes < LEAST_MEMORY) return `, which is ${bytes} ${bytes === 1 ? "byte" : "bytes"}: too little`;
  if (bytes > MOST_MEMORY) return ", which is too much";
  return ", which is no whole number of pages";
}
