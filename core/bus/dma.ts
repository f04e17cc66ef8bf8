/**
 * DMA windows: clipped to what was claimed and to the guest's memory, counted, and copies only.
 *
 * @module
 */

import type { DmaClaim } from "./claims.ts";
import type { DmaWindow } from "./contract.ts";
import { BulkheadError } from "./error.ts";

/** Guest-physical memory, as the machine lends it to DMA. It marks pages dirty and drops translations of what changes. */
export interface GuestMemory {
  /**
   * Copies guest memory at `address`.
   *
   * @returns The number of bytes from the start of `into` that were memory; the rest is left alone.
   */
  read(address: number, into: Uint8Array): number;
  /** Copies into guest memory; otherwise as {@linkcode GuestMemory.read}. */
  write(address: number, from: Uint8Array): number;
}

/** What a window has moved. */
export interface DmaCount {
  /** Bytes read from guest memory. */
  read: number;
  /** Bytes written to it. */
  written: number;
  /** Bytes that were not memory. */
  missed: number;
}

/**
 * A window of one device.
 *
 * @param subject The device and the window, for errors.
 */
export function dmaWindow(subject: string, claim: DmaClaim, memory: GuestMemory, count: DmaCount): DmaWindow {
  const check = (direction: "read" | "write", address: number, length: number) => {
    if (!Number.isSafeInteger(address) || address < 0) {
      throw new BulkheadError({
        code: "dma-address",
        subject,
        expected: "an address, a whole number from 0 on",
        found: `${address}`,
      });
    }
    if (length <= claim.maxBytes && (claim.direction === "both" || claim.direction === direction)) return;
    throw new BulkheadError({
      code: "dma-claim",
      subject,
      expected: claim.direction === "both"
        ? `at most ${claim.maxBytes} bytes`
        : `a ${claim.direction} of at most ${claim.maxBytes} bytes`,
      found: `a ${direction} of ${length} bytes`,
      remedy: "widen the claim in the device's needs, or split the transfer",
    });
  };
  return {
    read(address, into) {
      check("read", address, into.length);
      const moved = memory.read(address, into);
      count.read += moved;
      count.missed += into.length - moved;
      if (moved < into.length) into.fill(0xff, moved);
      return moved;
    },
    write(address, from) {
      check("write", address, from.length);
      const moved = memory.write(address, from);
      count.written += moved;
      count.missed += from.length - moved;
      return moved;
    },
  };
}
