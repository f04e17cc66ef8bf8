/**
 * How a machine's one WebAssembly memory is laid out: CPU block, decoded records, then guest memory, all page-aligned.
 *
 * @module
 */
import { CPU_BLOCK } from "../x86/registers.ts";

/** Bytes of a guest page. */
export const PAGE = 4096;

/** The most RAM a guest can have: what a 32-bit WebAssembly memory leaves beside the CPU's own tables. */
export const MAXIMUM_RAM = 3 * 1024 * 1024 * 1024;

/** Bytes set aside for decoded records and their page indexes (committed by the host as they are used). */
const ARENA_BYTES = 64 * 1024 * 1024;

/** Bytes set aside for finding translated code. */
const TRANSLATION_BYTES = 2 * 1024 * 1024;

/** Bytes of the bitmap of covered pieces, a bit for 64 bytes below 4 GB, which emitted code addresses by this constant. */
const PIECES_BYTES = 8 * 1024 * 1024;

/** Address of the CPU block: never 0, so that 0 can mean "none". */
const CPU = 0x10000;
const ARENA = CPU + CPU_BLOCK;
const TRANSLATION = ARENA + ARENA_BYTES;

/** Address of the bitmap of covered pieces: see `pieces.ts`. */
export const PIECES = TRANSLATION + TRANSLATION_BYTES;

/** Addresses inside the machine's WebAssembly memory. */
export interface MemoryLayout {
  /** CPU block of virtual CPU 0. */
  readonly cpu: number;
  /** First byte of the record arena. */
  readonly arena: number;
  readonly arenaBytes: number;
  /** First byte of the area for finding translated code. */
  readonly translation: number;
  /** First byte of the bitmap of covered pieces. */
  readonly pieces: number;
  readonly piecesBytes: number;
  /** Host address of guest-physical address 0. */
  readonly ram: number;
  readonly ramBytes: number;
  /** First byte of the pieces that devices and firmware own (ROM, video memory). */
  readonly device: number;
  readonly deviceBytes: number;
  /** WebAssembly pages of 64 KB in all. */
  readonly pages: number;
}

/**
 * Computes the layout for a guest.
 *
 * @param ramBytes Guest RAM, a multiple of 4096, at most `MAXIMUM_RAM`.
 * @param deviceBytes Core-owned device memory (ROMs and the like); rounded up to a page.
 */
export function layoutMemory(ramBytes: number, deviceBytes = 0): MemoryLayout {
  const ram = PIECES + PIECES_BYTES;
  const device = ram + ramBytes;
  const rounded = Math.ceil(deviceBytes / PAGE) * PAGE;
  return {
    cpu: CPU,
    arena: ARENA,
    arenaBytes: ARENA_BYTES,
    translation: TRANSLATION,
    pieces: PIECES,
    piecesBytes: PIECES_BYTES,
    ram,
    ramBytes,
    device,
    deviceBytes: rounded,
    pages: Math.ceil((device + rounded) / 65536),
  };
}

/** Allocates the shared memory of a layout. Pages of it cost the host nothing until they are touched. */
export function allocateMemory(layout: MemoryLayout): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages, shared: true });
}
