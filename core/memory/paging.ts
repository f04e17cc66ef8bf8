/**
 * The page walker: linear to physical addresses (Intel SDM volume 3, 4.3, 32-bit paging).
 *
 * @module
 */
import { CR0, CR4, STATE } from "../x86/registers.ts";
import { PAGE_FLAG, type PhysicalMemory } from "./physical.ts";

/** What an access does, as the walker needs it. */
export const ACCESS = { READ: 0, WRITE: 1, EXECUTE: 2 } as const;

/** Page-fault error code bits (Intel SDM volume 3, 4.7). */
const PF = { PRESENT: 1, WRITE: 2, USER: 4, RESERVED: 8 } as const;

/** Page-table entry bits. */
const PTE = { P: 1, RW: 2, US: 4, A: 0x20, D: 0x40, PS: 0x80, G: 0x100 } as const;

/**
 * Translates linear addresses. After a successful `walk`, `physical`, `writable`, `userAccessible` and `global` describe the page; after a
 * failed one `errorCode` does.
 */
export class PageWalker {
  physical = 0;
  /** The page may be written at the walked privilege, and its dirty bit is set. */
  writable = false;
  global = false;
  errorCode = 0;
  readonly #state: Int32Array;
  #looking = false;

  /** @param physicalMemory The guest's memory. @param cpu The CPU block's address. */
  constructor(readonly physicalMemory: PhysicalMemory, cpu: number) {
    this.#state = new Int32Array(physicalMemory.buffer, cpu, STATE.SIZE / 4);
  }

  /** Walks the tables for one access; sets accessed and dirty bits. Returns false on a page fault. */
  walk(linear: number, access: number, user: boolean): boolean {
    const state = this.#state;
    const cr0 = state[STATE.CR0 >> 2]!;
    const memory = this.physicalMemory;
    if ((cr0 & CR0.PG) === 0) {
      this.physical = (linear & memory.a20Mask) >>> 0;
      this.writable = true;
      this.global = false;
      return true;
    }
    const cr4 = state[STATE.CR4 >> 2]!;
    const directory = ((state[STATE.CR3 >> 2]! & ~0xfff) | (linear >>> 22 << 2)) & memory.a20Mask;
    const pde = this.#read(directory);
    const base = (access === ACCESS.WRITE ? PF.WRITE : 0) | (user ? PF.USER : 0);
    if ((pde & PTE.P) === 0) return this.#fail(base);
    const write = access === ACCESS.WRITE;
    const protect = (cr0 & CR0.WP) !== 0;
    if ((pde & PTE.PS) !== 0 && (cr4 & CR4.PSE) !== 0) {
      // Bits 13-21 hold address bits 32-39 with PSE-36, which CPUID does not claim: reserved.
      if ((pde & 0x3fe000) !== 0) return this.#fail(base | PF.PRESENT | PF.RESERVED);
      if (user && (pde & PTE.US) === 0) return this.#fail(base | PF.PRESENT);
      const mayWrite = (pde & PTE.RW) !== 0 || (!user && !protect);
      if (write && !mayWrite) return this.#fail(base | PF.PRESENT);
      const marked = pde | PTE.A | (write ? PTE.D : 0);
      if (marked !== pde) this.#write(directory, marked);
      this.physical = (((pde & 0xffc00000) | (linear & 0x3fffff)) & memory.a20Mask) >>> 0;
      this.writable = mayWrite && (marked & PTE.D) !== 0;
      this.global = (pde & PTE.G) !== 0 && (cr4 & CR4.PGE) !== 0;
      return true;
    }
    const table = ((pde & ~0xfff) | ((linear >>> 12 & 0x3ff) << 2)) & memory.a20Mask;
    const pte = this.#read(table);
    if ((pte & PTE.P) === 0) return this.#fail(base);
    const both = pde & pte;
    if (user && (both & PTE.US) === 0) return this.#fail(base | PF.PRESENT);
    const mayWrite = (both & PTE.RW) !== 0 || (!user && !protect);
    if (write && !mayWrite) return this.#fail(base | PF.PRESENT);
    if ((pde & PTE.A) === 0) this.#write(directory, pde | PTE.A);
    const marked = pte | PTE.A | (write ? PTE.D : 0);
    if (marked !== pte) this.#write(table, marked);
    this.physical = (((pte & ~0xfff) | (linear & 0xfff)) & memory.a20Mask) >>> 0;
    this.writable = mayWrite && (marked & PTE.D) !== 0;
    this.global = (pte & PTE.G) !== 0 && (cr4 & CR4.PGE) !== 0;
    return true;
  }

  /** Walks for a reader outside of the machine: as a supervisor's read, but no accessed bit is set. */
  look(linear: number): boolean {
    this.#looking = true;
    try {
      return this.walk(linear, ACCESS.READ, false);
    } finally {
      this.#looking = false;
    }
  }

  #fail(code: number): false {
    this.errorCode = code;
    return false;
  }

  /** Table entries outside memory read as all ones, as an unclaimed bus does: their reserved bits then decide. */
  #read(physical: number): number {
    const memory = this.physicalMemory;
    const entry = memory.lookup(physical >>> 12);
    return entry === 0 ? -1 : memory.words[((entry & ~0xfff) >>> 0) + (physical & 0xfff) >>> 2]!;
  }

  #write(physical: number, value: number): void {
    if (this.#looking) return;
    const memory = this.physicalMemory;
    const entry = memory.lookup(physical >>> 12);
    if ((entry & PAGE_FLAG.WRITABLE) === 0) return;
    if (!memory.directlyWritable(entry)) memory.notifyWrite(entry, physical >>> 0, 4);
    memory.words[((entry & ~0xfff) >>> 0) + (physical & 0xfff) >>> 2] = value;
  }
}
