/**
 * Guest memory by linear address: the software TLBs, their filling and flushing, and the slow path behind both the emitted code's
 * inline look-ups and the callouts' accesses.
 *
 * @module
 */
import type { SystemBus } from "../bus/system.ts";
import { GuestFault } from "../x86/fault.ts";
import { STATE, TLB, VECTOR } from "../x86/registers.ts";
import { PAGE } from "./layout.ts";
import type { LinearMemory } from "./linear.ts";
import { ACCESS, PageWalker } from "./paging.ts";
import { PAGE_FLAG, type PhysicalMemory } from "./physical.ts";
import { REFUSED, type Watchpoints, WITHHELD } from "./watchpoints.ts";

/** An invalid entry of any table: see TLB. A table that is not used costs the host nothing, because a new memory is zero. */
const INVALID = 0;

/** The low bits of a valid entry: see TLB. */
const VALID = 0xfff;

/** Pages that a set lists before all of them are flushed to make room. */
const LIST_LENGTH = 1 << 15;

/** Physical pages below 4 GB: only these can be memory. */
const FRAMES = 1 << 20;

/** Marks a listed page as global. */
const GLOBAL = 1 << 20;

/** Counts for `--stats`. */
export interface TlbCounts {
  fills: number;
  flushes: number;
  pageFlushes: number;
}

/** Host address minus linear address, of an entry that is not invalid. */
function addendOf(entry: number): number {
  return (entry & VALID) === 0 ? entry : (entry + 1) | 0;
}

/** One privilege's tables and the list of what is in them. */
class TlbSet {
  readonly list = new Uint32Array(LIST_LENGTH);
  length = 0;
  constructor(readonly read: number, readonly write: number, readonly execute: number) {}
}

/** The memory of one virtual CPU. */
export class GuestMemory implements LinearMemory {
  readonly counts: TlbCounts = { fills: 0, flushes: 0, pageFlushes: 0 };
  readonly walker: PageWalker;
  readonly words: Int32Array;
  /** Called after each access that went to the bus. */
  deviceAccessed: () => void = () => {};
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #state: Int32Array;
  readonly #supervisor: TlbSet;
  readonly #user: TlbSet;
  #watch: Watchpoints | undefined;
  /** By 4 MB of linear addresses: entries that came from a large page, which one INVLPG forgets whole. */
  readonly #large = new Uint8Array(1 << 10);

  /**
   * @param physical The guest's physical memory.
   * @param cpu Address of the CPU block.
   * @param bus Where accesses go that hit no memory.
   */
  constructor(readonly physical: PhysicalMemory, cpu: number, readonly bus: SystemBus) {
    this.walker = new PageWalker(physical, cpu);
    this.words = physical.words;
    this.#words = physical.words;
    this.#bytes = physical.bytes;
    this.#state = new Int32Array(physical.buffer, cpu, STATE.SIZE / 4);
    const set = (at: number) => new TlbSet((at + TLB.READ) >> 2, (at + TLB.WRITE) >> 2, (at + TLB.EXECUTE) >> 2);
    this.#supervisor = set(cpu + TLB.SUPERVISOR);
    this.#user = set(cpu + TLB.USER);
    physical.onChange((page, moved) => moved ? this.flush(false) : this.#retrace(page));
  }

  /** The watchpoints of a debugger, if there are any. */
  get watch(): Watchpoints | undefined {
    return this.#watch;
  }

  set watch(watch: Watchpoints | undefined) {
    this.#watch = watch;
    this.flush(false);
  }

  flush(keepGlobal: boolean): void {
    this.counts.flushes++;
    this.#flushSet(this.#supervisor, keepGlobal);
    this.#flushSet(this.#user, keepGlobal);
  }

  #flushSet(set: TlbSet, keepGlobal: boolean): void {
    const words = this.#words, list = set.list;
    let kept = 0;
    for (let i = 0; i < set.length; i++) {
      const listed = list[i]!;
      if (keepGlobal && listed >= GLOBAL) {
        list[kept++] = listed;
        continue;
      }
      const page = listed & (GLOBAL - 1);
      words[set.read + page] = INVALID;
      words[set.write + page] = INVALID;
      words[set.execute + page] = INVALID;
    }
    set.length = kept;
  }

  flushPage(linear: number): void {
    this.counts.pageFlushes++;
    if (this.#large[linear >>> 22] !== 0) return this.#flushLarge(linear);
    const page = linear >>> 12, words = this.#words;
    for (const set of [this.#supervisor, this.#user]) {
      words[set.read + page] = INVALID;
      words[set.write + page] = INVALID;
      words[set.execute + page] = INVALID;
    }
  }

  #flushLarge(linear: number): void {
    const first = linear >>> 22 << 10, words = this.#words;
    this.#large[linear >>> 22] = 0;
    for (const set of [this.#supervisor, this.#user]) {
      for (const table of [set.read, set.write, set.execute]) {
        // What is invalid already is only looked at: writing to it would commit memory of the host.
        for (let at = table + first; at < table + first + 1024; at++) if (words[at] !== INVALID) words[at] = INVALID;
      }
    }
  }

  readPhysical32(physical: number): number {
    return this.walker.read(physical & this.physical.a20Mask) >>> 0;
  }

  /** Forgets where code runs: the decoded form depends on a mode that has changed, or decoded pages are gone. */
  flushExecute(): void {
    for (const set of [this.#supervisor, this.#user]) {
      for (let i = 0; i < set.length; i++) this.#words[set.execute + (set.list[i]! & (GLOBAL - 1))] = INVALID;
    }
  }

  /** A physical page is traced from now on, or no more: what emitted code may do to it changes. */
  #retrace(page: number): void {
    const entry = this.physical.pages[page]!;
    const host = entry & ~0xfff, words = this.#words;
    for (const set of [this.#supervisor, this.#user]) {
      for (let i = 0; i < set.length; i++) {
        const linear = set.list[i]! & (GLOBAL - 1);
        const at = set.write + linear, before = words[at]!;
        if (before === INVALID || ((addendOf(before) + (linear << 12)) | 0) !== host) continue;
        words[at] = this.#writeEntry(page, entry, addendOf(before));
      }
    }
  }

  /** The write entry of a writable mapping: valid, partial (see TLB) or invalid. */
  #writeEntry(page: number, entry: number, addend: number): number {
    if (this.physical.directlyWritable(entry)) return (addend - 1) | 0;
    const { ram, ramBytes } = this.physical.layout;
    const address = (page << 12) >>> 0;
    const isRam = address < ramBytes && ((entry & ~0xfff) >>> 0) === ram + address;
    return isRam && this.physical.partlyWritable(entry) ? addend : INVALID;
  }

  #list(set: TlbSet, page: number, global: boolean): void {
    if (this.#words[set.read + page] !== INVALID || this.#words[set.execute + page] !== INVALID) return;
    if (set.length === LIST_LENGTH) this.#flushSet(set, false);
    set.list[set.length++] = global ? page | GLOBAL : page;
  }

  /** Walks and fills. Returns the entry of the physical page (0: no memory there), or -1 after a page fault. */
  #fill(linear: number, access: number, user: boolean): number {
    const walker = this.walker;
    if (!walker.walk(linear, access, user)) return -1;
    const { frame } = walker;
    const entry = frame < FRAMES ? this.physical.lookup(frame) : 0;
    if (entry !== 0) {
      if (walker.large) this.#large[linear >>> 22] = 1;
      const set = user ? this.#user : this.#supervisor, page = linear >>> 12;
      this.counts.fills++;
      const withheld = this.#watch === undefined ? 0 : this.#watch.withheld(page);
      if (withheld === WITHHELD.BOTH) return entry;
      this.#list(set, page, walker.global);
      const addend = ((entry & ~0xfff) - (linear & ~0xfff)) | 0;
      this.#words[set.read + page] = (addend - 1) | 0;
      if (walker.writable && withheld === 0) this.#words[set.write + page] = this.#writeEntry(frame, entry, addend);
    }
    return entry;
  }

  /**
   * Finds the page that code at `linear` runs from, and lists it for flushing. Returns its page entry, 0 where there is no memory, or
   * -1 after a page fault (`walker.errorCode`). `walker.physical` is the physical address.
   */
  fetch(linear: number, user: boolean): number {
    const walker = this.walker;
    if (!walker.walk(linear, ACCESS.EXECUTE, user)) return -1;
    if (walker.large) this.#large[linear >>> 22] = 1;
    return walker.frame < FRAMES ? this.physical.lookup(walker.frame) : 0;
  }

  /** Enters a page's record index into the execute TLB, after a `fetch` of the same page. */
  enterExecute(linear: number, user: boolean, index: number): void {
    const set = user ? this.#user : this.#supervisor, page = linear >>> 12;
    this.#list(set, page, this.walker.global);
    this.#words[set.execute + page] = index;
  }

  /** Four aligned bytes that the read table reaches, as a signed number; undefined without an entry: nothing is walked or filled. */
  peek32(linear: number, user: boolean): number | undefined {
    const set = user ? this.#user : this.#supervisor;
    const entry = this.#words[set.read + (linear >>> 12)]!;
    return entry === INVALID ? undefined : this.#words[((linear + entry + 1) >>> 0) >>> 2];
  }

  /** Host address for an access within one page, or -1 if it hits no memory (then `walker.physical` holds). Throws #PF. */
  #host(linear: number, access: number, user: boolean, size = 0): number {
    const set = user ? this.#user : this.#supervisor;
    const entry = this.#words[(access === ACCESS.WRITE ? set.write : set.read) + (linear >>> 12)]!;
    if (entry !== INVALID) return (linear + addendOf(entry)) >>> 0;
    const page = this.#fill(linear, access, user);
    if (page === -1) this.#pageFault(linear);
    if (this.#watch !== undefined && size !== 0) this.#watch.note(linear, size, false);
    return page === 0 ? -1 : ((page & ~0xfff) >>> 0) + (linear & 0xfff);
  }

  #pageFault(linear: number): never {
    this.#state[STATE.CR2 >> 2] = linear;
    throw new GuestFault(VECTOR.PF, this.walker.errorCode);
  }

  read8(linear: number, user: boolean): number {
    const host = this.#host(linear, ACCESS.READ, user, 1);
    return host >= 0 ? this.#bytes[host]! : this.#deviceRead(1) & 0xff;
  }

  read16(linear: number, user: boolean): number {
    if ((linear & 0xfff) > PAGE - 2) return this.read8(linear, user) | (this.read8((linear + 1) >>> 0, user) << 8);
    const host = this.#host(linear, ACCESS.READ, user, 2);
    return host >= 0 ? this.#bytes[host]! | (this.#bytes[host + 1]! << 8) : this.#deviceRead(2) & 0xffff;
  }

  read32(linear: number, user: boolean): number {
    if ((linear & 0xfff) > PAGE - 4) return this.#readSplit(linear, 4, user) >>> 0;
    const host = this.#host(linear, ACCESS.READ, user, 4);
    if (host < 0) return this.#deviceRead(4) >>> 0;
    if ((host & 3) === 0) return this.#words[host >>> 2]! >>> 0;
    const bytes = this.#bytes;
    return (bytes[host]! | (bytes[host + 1]! << 8) | (bytes[host + 2]! << 16) | (bytes[host + 3]! << 24)) >>> 0;
  }

  /** Reads what is no memory, where the walker stands. */
  #deviceRead(size: number): number {
    const value = this.bus.mmioRead(this.walker.physical, size);
    this.deviceAccessed();
    return value;
  }

  #readSplit(linear: number, size: number, user: boolean): number {
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.read8((linear + i) >>> 0, user) << (i * 8);
    return value;
  }

  write8(linear: number, value: number, user: boolean): void {
    this.#writeWithin(linear, value, 1, user);
  }

  write16(linear: number, value: number, user: boolean): void {
    this.#write(linear, value, 2, user);
  }

  write32(linear: number, value: number, user: boolean): void {
    this.#write(linear, value, 4, user);
  }

  #write(linear: number, value: number, size: number, user: boolean): void {
    if ((linear & 0xfff) <= PAGE - size) return this.#writeWithin(linear, value, size, user);
    this.probeWrite(linear, size, user);
    for (let i = 0; i < size; i++) this.#writeWithin((linear + i) >>> 0, value >> (i * 8), 1, user);
  }

  #writeWithin(linear: number, value: number, size: number, user: boolean): void {
    const set = user ? this.#user : this.#supervisor;
    const found = this.#words[set.write + (linear >>> 12)]!;
    let host: number;
    if (found !== INVALID) {
      host = (linear + addendOf(found)) >>> 0;
      if ((found & VALID) === 0) {
        const physical = host - this.physical.layout.ram;
        this.physical.notifyWrite(this.physical.pages[physical >>> 12]!, physical, size);
      }
    } else {
      const entry = this.#fill(linear, ACCESS.WRITE, user);
      if (entry === -1) this.#pageFault(linear);
      this.#watch?.note(linear, size, true);
      const physical = this.walker.physical;
      if (entry === 0) {
        this.bus.mmioWrite(physical, size, size === 4 ? value >>> 0 : value & (size === 1 ? 0xff : 0xffff));
        this.deviceAccessed();
        return;
      }
      if ((entry & PAGE_FLAG.WRITABLE) === 0) return;
      if (!this.physical.directlyWritable(entry)) this.physical.notifyWrite(entry, physical, size);
      host = ((entry & ~0xfff) >>> 0) + (linear & 0xfff);
    }
    if (size === 4 && (host & 3) === 0) {
      this.#words[host >>> 2] = value;
      return;
    }
    for (let i = 0; i < size; i++) this.#bytes[host + i] = value >> (i * 8);
  }

  probeWrite(linear: number, size: number, user: boolean): void {
    this.#probe(linear, size, ACCESS.WRITE, user);
  }

  probeRead(linear: number, size: number, user: boolean): void {
    this.#probe(linear, size, ACCESS.READ, user);
  }

  isMemory(linear: number, write: boolean, user: boolean): boolean {
    return this.#host(linear, write ? ACCESS.WRITE : ACCESS.READ, user) >= 0;
  }

  direct(linear: number, size: number, write: boolean, user: boolean): number {
    const set = user ? this.#user : this.#supervisor;
    const entry = this.#words[(write ? set.write : set.read) + (linear >>> 12)]!;
    if ((entry & VALID) === 0 || (linear & 0xfff) > PAGE - size || (linear & 3) !== 0) return -1;
    return ((linear + entry + 1) >>> 0) >>> 2;
  }

  #probe(linear: number, size: number, access: number, user: boolean): void {
    this.#host(linear >>> 0, access, user);
    const last = (linear + size - 1) >>> 0;
    if (last >>> 12 !== linear >>> 12) this.#host((last & ~0xfff) >>> 0, access, user);
  }

  // The emitted code's slow path: the same accesses at the current privilege, with a fault left in the state block instead of thrown.

  #isUser(): boolean {
    return this.#state[STATE.CPL >> 2] === 3;
  }

  /** Whether a debugger must see this access, with the vector that says so left in the state block. */
  #refused(linear: number, size: number, write: boolean): boolean {
    if (!this.#watch!.refuses(linear, size, write)) return false;
    this.#state[STATE.FAULT_VECTOR >> 2] = REFUSED;
    return true;
  }

  #caught(error: unknown): 0 {
    if (!(error instanceof GuestFault)) throw error;
    this.#state[STATE.FAULT_VECTOR >> 2] = error.vector;
    this.#state[STATE.FAULT_ERROR >> 2] = error.error;
    return 0;
  }

  /** Reads 1, 2 or 4 bytes; zero-extended. */
  slowRead(linear: number, size: number): number {
    linear >>>= 0;
    if (this.#watch !== undefined && this.#refused(linear, size, false)) return 0;
    try {
      const user = this.#isUser();
      return size === 1 ? this.read8(linear, user) : size === 2 ? this.read16(linear, user) : this.read32(linear, user);
    } catch (error) {
      return this.#caught(error);
    }
  }

  /** Reads for a later write of the same bytes: faults as the write would. */
  slowReadModify(linear: number, size: number): number {
    linear >>>= 0;
    if (this.#watch !== undefined && this.#refused(linear, size, true)) return 0;
    try {
      this.probeWrite(linear, size, this.#isUser());
    } catch (error) {
      return this.#caught(error);
    }
    return this.slowRead(linear, size);
  }

  /** Writes 1, 2 or 4 bytes. */
  slowWrite(linear: number, value: number, size: number): void {
    if (this.#watch !== undefined && this.#refused(linear >>> 0, size, true)) return;
    try {
      this.#write(linear >>> 0, value, size, this.#isUser());
    } catch (error) {
      this.#caught(error);
    }
  }

  /** Reads 8 or 16 bytes into STATE.WIDE. */
  slowReadWide(linear: number, size: number): void {
    if (this.#watch !== undefined && this.#refused(linear >>> 0, size, false)) return;
    const user = this.#isUser();
    try {
      // A page fault comes before any device sees a part of the read.
      if ((linear & 0xfff) > PAGE - size) this.probeRead(linear >>> 0, size, user);
      for (let at = 0; at < size; at += 4) {
        this.#state[(STATE.WIDE + at) >> 2] = this.read32((linear + at) >>> 0, user);
      }
    } catch (error) {
      this.#caught(error);
    }
  }

  /** Writes 8 or 16 bytes from STATE.WIDE. */
  slowWriteWide(linear: number, size: number): void {
    if (this.#watch !== undefined && this.#refused(linear >>> 0, size, true)) return;
    const user = this.#isUser();
    try {
      if ((linear & 0xfff) > PAGE - size) this.probeWrite(linear >>> 0, size, user);
      for (let at = 0; at < size; at += 4) {
        this.#write((linear + at) >>> 0, this.#state[(STATE.WIDE + at) >> 2]!, 4, user);
      }
    } catch (error) {
      this.#caught(error);
    }
  }

  /**
   * Prepares a bulk access: fills the TLB for `linear` and returns the host address if the rest of its page is plain memory for this
   * access, 0 if it must go item by item (devices, traced pages), with a fault left in the state block if there is one.
   */
  bulk(linear: number, write: number): number {
    linear >>>= 0;
    try {
      const user = this.#isUser();
      const host = this.#host(linear, write ? ACCESS.WRITE : ACCESS.READ, user);
      if (host < 0) return 0;
      if (!write && this.#watch === undefined) return host;
      const set = user ? this.#user : this.#supervisor;
      return (this.#words[(write ? set.write : set.read) + (linear >>> 12)]! & VALID) === 0 ? 0 : host;
    } catch (error) {
      return this.#caught(error);
    }
  }
}
