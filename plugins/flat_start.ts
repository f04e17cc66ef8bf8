/**
 * The flat 32-bit protected mode in which boot protocols start a kernel.
 *
 * @module
 */

import type { Placement, ProtectedStart } from "./guest_start.ts";

/** Attributes of a flat, accessed 32-bit code segment: execute/read, present, D, G. */
const FLAT_CODE_ATTRIBUTES = 0xc0_9b00;

/** Attributes of a flat, accessed 32-bit data segment: read/write, present, B, G. */
const FLAT_DATA_ATTRIBUTES = 0xc0_9300;

/** A flat 32-bit start together with the table that its selectors index. */
export interface FlatStart {
  /** The start; `gdt` points at `table`. */
  readonly cpu: ProtectedStart;
  /** The GDT. */
  readonly table: Placement;
}

/**
 * A flat 32-bit protected-mode start: code and data segments of base 0 and limit 4 GB, with their descriptors.
 *
 * @param options `gdtAddress` is where the table goes; the selectors are multiples of 8 and differ.
 */
export function flatStart(options: {
  readonly eip: number;
  readonly registers: ProtectedStart["registers"];
  readonly gdtAddress: number;
  readonly codeSelector: number;
  readonly dataSelector: number;
}): FlatStart {
  const { eip, registers, gdtAddress, codeSelector, dataSelector } = options;
  const bytes = new Uint8Array(Math.max(codeSelector, dataSelector) + 8);
  const view = new DataView(bytes.buffer);
  const code = { selector: codeSelector, base: 0, limit: 0xffff_ffff, attributes: FLAT_CODE_ATTRIBUTES };
  const data = { selector: dataSelector, base: 0, limit: 0xffff_ffff, attributes: FLAT_DATA_ATTRIBUTES };
  for (const segment of [code, data]) {
    // Intel SDM volume 3, figure 3-8, with base 0 and limit FFFFFh pages.
    view.setUint32(segment.selector, 0x0000_ffff, true);
    view.setUint32(segment.selector + 4, segment.attributes | 0x000f_0000, true);
  }
  return {
    cpu: { kind: "protected", eip, registers, gdt: { base: gdtAddress, limit: bytes.length - 1 }, code, data },
    table: { address: gdtAddress, bytes, name: "GDT" },
  };
}
