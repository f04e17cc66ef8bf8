/**
 * The pieces of a guest: what is in its memory at power-on.
 *
 * @module
 */
import type { RomMapping } from "../engine/vcpu.ts";
import { type MemoryLayout, PAGE } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical.ts";

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

/** A piece with its bytes, which nobody writes any more. */
export interface LoadedPiece extends Piece {
  /** Its bytes; none for a piece of a restored machine's RAM whose guest was not given: see `isPresent`. */
  readonly bytes: SharedArrayBuffer;
  /** SHA-256 of its bytes, in hexadecimal, where it is known already. */
  readonly sha256?: string;
}

/** Whether a piece's bytes are here. */
export function isPresent({ bytes, size }: LoadedPiece): boolean {
  return bytes.byteLength === size;
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

/** Copies the pieces that belong into RAM. */
export function loadPieces(physical: Pick<PhysicalMemory, "write">, pieces: readonly LoadedPiece[]): void {
  for (const { rom, address, bytes } of pieces) if (!rom) physical.write(address, new Uint8Array(bytes));
}

function wholePages(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}
