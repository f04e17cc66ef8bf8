/**
 * The page walker: linear to physical addresses (Intel SDM volume 3, 4.3, 32-bit paging, and 4.4, PAE paging).
 *
 * @module
 */
import { CR0, CR4, EFER, MSR_SLOT, STATE } from "../x86/registers.ts";
import { PAGE_FLAG, type PhysicalMemory } from "./physical.ts";

/** What an access does, as the walker needs it. */
export const ACCESS = { READ: 0, WRITE: 1, EXECUTE: 2 } as const;

/** Page-fault error code bits (Intel SDM volume 3, 4.7). */
const PF = { PRESENT: 1, WRITE: 2, USER: 4, RESERVED: 8, FETCH: 16 } as const;

/** Page-table entry bits; those of the upper dword of a PAE entry are XD, the reserved ones, and the address above 4 GB. */
const PTE = { P: 1, RW: 2, US: 4, A: 0x20, D: 0x40, PS: 0x80, G: 0x100 } as const;
const UPPER = { XD: 1 << 31, ADDRESS: 0xf, RESERVED: 0x7fff_fff0 } as const;

const EFER_FIELD = (STATE.MSR >> 2) + 2 * MSR_SLOT.EFER;

/**
 * Translates linear addresses. After a successful `walk`, `physical`, `frame`, `writable`, `large` and `global` describe the page; after a
 * failed one `errorCode` does.
 */
export class PageWalker {
  /** Physical address: below 2^36. */
  physical = 0;
  /** Its page number. */
  frame = 0;
  /** The page may be written at the walked privilege, and its dirty bit is set. */
  writable = false;
  /** The page is one of 2 or 4 MB. */
  large = false;
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
    this.large = false;
    if ((cr0 & CR0.PG) === 0) {
      this.physical = (linear & memory.a20Mask) >>> 0;
      this.frame = this.physical >>> 12;
      this.writable = true;
      this.global = false;
      return true;
    }
    const cr4 = state[STATE.CR4 >> 2]!;
    if ((cr4 & CR4.PAE) !== 0) return this.#walkPae(linear, access, user);
    const directory = ((state[STATE.CR3 >> 2]! & ~0xfff) | (linear >>> 22 << 2)) & memory.a20Mask;
    const pde = this.read(directory);
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
      this.frame = this.physical >>> 12;
      this.large = true;
      this.writable = mayWrite && (marked & PTE.D) !== 0;
      this.global = (pde & PTE.G) !== 0 && (cr4 & CR4.PGE) !== 0;
      return true;
    }
    const table = ((pde & ~0xfff) | ((linear >>> 12 & 0x3ff) << 2)) & memory.a20Mask;
    const pte = this.read(table);
    if ((pte & PTE.P) === 0) return this.#fail(base);
    const both = pde & pte;
    if (user && (both & PTE.US) === 0) return this.#fail(base | PF.PRESENT);
    const mayWrite = (both & PTE.RW) !== 0 || (!user && !protect);
    if (write && !mayWrite) return this.#fail(base | PF.PRESENT);
    if ((pde & PTE.A) === 0) this.#write(directory, pde | PTE.A);
    const marked = pte | PTE.A | (write ? PTE.D : 0);
    if (marked !== pte) this.#write(table, marked);
    this.physical = (((pte & ~0xfff) | (linear & 0xfff)) & memory.a20Mask) >>> 0;
    this.frame = this.physical >>> 12;
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

  /** Entries of 64 bits, three levels; the first was loaded with CR3. Physical addresses have 36 bits. */
  #walkPae(linear: number, access: number, user: boolean): boolean {
    const state = this.#state;
    const noExecute = (state[EFER_FIELD]! & EFER.NXE) !== 0;
    const write = access === ACCESS.WRITE, fetch = access === ACCESS.EXECUTE;
    const base = (write ? PF.WRITE : 0) | (user ? PF.USER : 0) | (fetch && noExecute ? PF.FETCH : 0);
    const reserved = noExecute ? UPPER.RESERVED : UPPER.RESERVED | UPPER.XD;

    const pointer = (STATE.PDPTE >> 2) + (linear >>> 30) * 2;
    const pdpte = state[pointer]!;
    if ((pdpte & PTE.P) === 0) return this.#fail(base);
    const directory = this.#tableEntry(pdpte, state[pointer + 1]!, linear >>> 21);
    const pde = this.#readTable(directory), upperPde = this.#readTable(directory + 4);
    if ((pde & PTE.P) === 0) return this.#fail(base);
    const large = (pde & PTE.PS) !== 0;
    if ((upperPde & reserved) !== 0 || (large && (pde & 0x1fe000) !== 0)) {
      return this.#fail(base | PF.PRESENT | PF.RESERVED);
    }
    let at = directory, entry = pde, upper = upperPde;
    if (!large) {
      at = this.#tableEntry(pde, upperPde, linear >>> 12);
      entry = this.#readTable(at);
      upper = this.#readTable(at + 4);
      if ((entry & PTE.P) === 0) return this.#fail(base);
      if ((upper & reserved) !== 0) return this.#fail(base | PF.PRESENT | PF.RESERVED);
    }
    const both = pde & entry;
    if (user && (both & PTE.US) === 0) return this.#fail(base | PF.PRESENT);
    if (fetch && noExecute && ((upperPde | upper) & UPPER.XD) !== 0) return this.#fail(base | PF.PRESENT);
    const mayWrite = (both & PTE.RW) !== 0 || (!user && (state[STATE.CR0 >> 2]! & CR0.WP) === 0);
    if (write && !mayWrite) return this.#fail(base | PF.PRESENT);
    if (!large && (pde & PTE.A) === 0) this.#write(directory, pde | PTE.A);
    const marked = entry | PTE.A | (write ? PTE.D : 0);
    if (marked !== entry) this.#write(at, marked);
    const low = large ? (entry & 0xffe0_0000) | (linear & 0x1f_ffff) : (entry & ~0xfff) | (linear & 0xfff);
    this.physical = this.#address(low, upper);
    this.frame = Math.floor(this.physical / 4096);
    this.large = large;
    this.writable = mayWrite && (marked & PTE.D) !== 0;
    this.global = (entry & PTE.G) !== 0 && (state[STATE.CR4 >> 2]! & CR4.PGE) !== 0;
    return true;
  }

  #address(low: number, upper: number): number {
    return ((low & this.physicalMemory.a20Mask) >>> 0) + (upper & UPPER.ADDRESS) * 0x1_0000_0000;
  }

  /** Address of an entry in the table that another entry points to. */
  #tableEntry(low: number, upper: number, index: number): number {
    return this.#address((low & ~0xfff) | ((index & 0x1ff) << 3), upper);
  }

  #fail(code: number): false {
    this.errorCode = code;
    return false;
  }

  #readTable(physical: number): number {
    return physical < 0x1_0000_0000 ? this.read(physical) : -1;
  }

  /**
   * Reads a dword of physical memory, signed. Table entries outside memory read as all ones, as an unclaimed bus does: their reserved bits
   * then decide.
   */
  read(physical: number): number {
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
