/**
 * The part of the machine's memory that finding translations takes: a hash table by place, counters of what is not translated, and the
 * cells through which regions go on with each other.
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { STATE, TLB } from "../../x86/registers.ts";
import type { Value } from "../../x86/semantics/mod.ts";

/** Entries of the hash table: a key and the function-table slot of its region. */
const ENTRIES = 1 << 15;
const ENTRY_BYTES = 8;

/** An entry of a table: key, and function-table slot. */
export const ENTRY = { KEY: 0, SLOT: 4 } as const;

/** Byte offsets in the area. */
export const AREA = {
  /** The hash table. */
  HASH: 0,
  /** A table in which nothing is ever found, for when translated code must not run. */
  EMPTY: ENTRIES * ENTRY_BYTES,
  /** Chain cells: see CELL. */
  CELLS: 4 * ENTRIES * ENTRY_BYTES,
} as const;

/** Byte offsets from a table, which is HASH or EMPTY, to its counters: 16 bits for each entry. */
export const TABLE = {
  /** Executions left until code at a place is hot. */
  COUNTERS: 2 * ENTRIES * ENTRY_BYTES,
  /** How often a region may still be left for an instruction before that is called. */
  SITES: 2 * ENTRIES * ENTRY_BYTES + 2 * ENTRIES,
} as const;

/** A chain cell: the slot of the region that an exit goes on with, and the record index that its page must have. */
export const CELL = { SLOT: 0, INDEX: 4, SIZE: 8 } as const;

/** Chain cells there are. */
export const CELLS = 1 << 16;

/** Counters there are. */
export const COUNTERS = ENTRIES;

/** Bytes of the area, a multiple of a page. */
export const AREA_BYTES = (AREA.CELLS + CELLS * CELL.SIZE + 4095) & ~4095;

/**
 * The key of a place: where its page's record index has the place's entry (which names page, mode and offset), and whether the user's
 * TLB serves it.
 */
export function keyOf(index: number, offset: number, user: boolean): number {
  return (index + offset * 4) | (user ? 1 : 0);
}

/** Byte offset of a key's entry in the hash table. */
export function entryOffset(key: number): number {
  return (((key >>> 2) ^ (key >>> 15)) & (ENTRIES - 1)) * ENTRY_BYTES;
}

/** The same, emitted. */
export function emitEntryOffset(key: Value): Value {
  const mixed = i32.xor(i32.shr_u(key, i32.const(2)), i32.shr_u(key, i32.const(15)));
  return i32.shl(i32.and(mixed, i32.const(ENTRIES - 1)), i32.const(3));
}

/** Byte offset of a key's counter from the first one. */
export function counterOffset(key: number): number {
  return entryOffset(key) >>> 2;
}

/** Whether a TLB set is the user's, emitted: 1 or 0. */
export function emitUserBit(cpu: Value, tlb: Value): Value {
  return i32.eq(i32.sub(tlb, cpu), i32.const(TLB.USER));
}

/** Function-table slots that are no regions: what looks up a computed target, for the supervisor and for the user. */
export const DISPATCH = { SUPERVISOR: 0, USER: 1, FIRST_REGION: 2 } as const;

/** How a region returns, beside the interpreter's EXIT codes, which it passes on. */
export const REGION_EXIT = {
  /** RIP is the next instruction: the interpreter carries out what the region could not. */
  INTERPRET: 32,
  /** The budget does not cover the longest way to the next check. */
  BUDGET: 33,
  /** RIP is the next instruction, which has no region, or none any more. */
  LOOKUP: 34,
} as const;

/** Parameters of a region: EIP, budget, the eight general registers. */
export const REGION_PARAMETERS = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;

/** Name of the module that emitted code imports from. */
export const ENVIRONMENT = "bulkhead";

/** Address of a general register's slot, from the block's start. */
export const registerSlot = (index: number): number => STATE.GPR + index * 8;
