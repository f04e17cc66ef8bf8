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

/** Addresses inside the machine's WebAssembly memory. */
export interface MemoryLayout {
  /** CPU block of virtual CPU 0; never 0, so that 0 can mean "none". */
  readonly cpu: number;
  /** First byte of the record arena. */
  readonly arena: number;
  readonly arenaBytes: number;
  /** First byte of the area for finding translated code. */
  readonly translation: number;
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
  const cpu = 0x10000;
  const arena = cpu + CPU_BLOCK;
  const translation = arena + ARENA_BYTES;
  const ram = translation + TRANSLATION_BYTES;
  const device = ram + ramBytes;
  const rounded = Math.ceil(deviceBytes / PAGE) * PAGE;
  return {
    cpu,
    arena,
    arenaBytes: ARENA_BYTES,
    translation,
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
