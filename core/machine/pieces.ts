/**
 * The pieces of a guest: what is in its memory at power-on.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { RomMapping } from "../engine/vcpu.ts";
import { type MemoryLayout, PAGE } from "../memory/layout.ts";

/** A piece of the guest: bytes at a guest-physical address. */
export interface Piece {
  /** Guest-physical address. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  /** Mapped read-only instead of copied into RAM. */
  readonly rom: boolean;
  /** What it is, for sentences. */
  readonly name: string;
}

/** A piece of a machine that runs. */
export interface LoadedPiece extends Piece {
  /** The bytes of a ROM, which nobody writes any more. Those of RAM are held nowhere: a reset asks the owner for them again. */
  readonly bytes: SharedArrayBuffer;
  /** SHA-256 of its bytes, in hexadecimal: always known of those of RAM. */
  readonly sha256?: string;
}

/** Bytes of the machine's device memory that a guest's ROMs take. */
export function romBytes(pieces: readonly Piece[]): number {
  return pieces.filter(({ rom }) => rom).reduce((sum, { size }) => sum + wholePages(size), 0);
}

/** Puts the ROMs' bytes one after the other into the machine's device memory, and says where each is to be mapped. */
export function placeRoms(
  { pieces, memory, layout }: {
    readonly pieces: readonly LoadedPiece[];
    readonly memory: WebAssembly.Memory;
    readonly layout: MemoryLayout;
  },
): RomMapping[] {
  const bytes = new Uint8Array(memory.buffer);
  let host = layout.device;
  return pieces.filter(({ rom }) => rom).map((piece) => {
    bytes.set(new Uint8Array(piece.bytes), host);
    const placed = { physical: piece.address, host, size: piece.size };
    host += wholePages(piece.size);
    return placed;
  });
}

/** The hole between the conventional and the extended memory of a PC, where there is no RAM. */
const HOLE = { FROM: 0xa_0000, TO: 0x10_0000 } as const;

/** Copies bytes into RAM at a guest-physical address. What meets no RAM is dropped. The guest must stand still. */
export function loadIntoRam(
  { buffer }: WebAssembly.Memory,
  { ram, ramBytes }: MemoryLayout,
  address: number,
  bytes: Uint8Array,
): void {
  for (const { from, to } of [{ from: 0, to: Math.min(HOLE.FROM, ramBytes) }, { from: HOLE.TO, to: ramBytes }]) {
    const first = Math.max(address, from), end = Math.min(address + bytes.length, to);
    if (first < end) new Uint8Array(buffer, ram + first).set(bytes.subarray(first - address, end - address));
  }
}

/** Says that a piece is not what the machine was started with. */
export function changed(name: string): BulkheadError {
  const sentence = `the guest cannot be started again: ${name} is not what it was when the machine was started`;
  return new BulkheadError({ code: "guest-changed", subject: "the guest", sentence });
}

function wholePages(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}
