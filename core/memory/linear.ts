/**
 * Guest memory as callouts see it: linear addresses, paging and its faults applied.
 *
 * @module
 */

/** Accesses by linear address. Every method throws `GuestFault` (#PF, with CR2 set) before anything is changed. */
export interface LinearMemory {
  /** Reads. `user`: check with user privilege (CPL 3); system structures are read with `false` whatever the CPL. */
  read8(linear: number, user: boolean): number;
  read16(linear: number, user: boolean): number;
  /** Unsigned. */
  read32(linear: number, user: boolean): number;
  write8(linear: number, value: number, user: boolean): void;
  write16(linear: number, value: number, user: boolean): void;
  write32(linear: number, value: number, user: boolean): void;
  /** Checks that `size` bytes (1 to 4096) could be written, setting accessed and dirty bits; throws #PF otherwise. */
  probeWrite(linear: number, size: number, user: boolean): void;
  /** The same for reading. */
  probeRead(linear: number, size: number, user: boolean): void;
  /** Whether memory answers reads (or takes writes) at an address, and no device; throws #PF as the access would. */
  isMemory(linear: number, write: boolean, user: boolean): boolean;
  /**
   * Where `size` bytes at an address, a multiple of 4, lie in `words`, as an index: if they are plain memory in one page that such an access
   * has been checked for before; else -1.
   */
  direct(linear: number, size: number, write: boolean, user: boolean): number;
  /** All of the machine's memory, for `direct`. */
  readonly words: Int32Array;
  /** Forgets every translation; `keepGlobal` keeps pages marked global (a CR3 load under CR4.PGE). */
  flush(keepGlobal: boolean): void;
  /** Forgets the page (of whatever size) at an address (INVLPG). */
  flushPage(linear: number): void;
  /** Reads a dword at a physical address, a multiple of 4, without paging; as ones where there is no memory. Unsigned. */
  readPhysical32(physical: number): number;
}
