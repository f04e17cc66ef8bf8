/**
 * The guest-physical map: the one page lookup through which every access to RAM and ROM passes, and the one trace table.
 *
 * @module
 */
import { type MemoryLayout, PAGE } from "./layout.ts";

/** Flags in the low 12 bits of a page's entry; an entry of 0 means that no memory is mapped there (devices, or nothing). */
export const PAGE_FLAG = {
  PRESENT: 1 << 0,
  /** Guest writes reach the memory; without it they are dropped (ROM). */
  WRITABLE: 1 << 1,
  /** Contents are not in memory yet: the page is filled on its first access. */
  ABSENT: 1 << 2,
  /** Decoded or translated code exists for the page. */
  TRACE_CODE: 1 << 3,
  /** Writes are recorded for a dirty-page reader. */
  TRACE_DIRTY: 1 << 4,
  /** A device asked to see writes. */
  TRACE_DEVICE: 1 << 5,
} as const;

/** Any of the trace flags: such a page's writes take the slow path. */
const TRACED = PAGE_FLAG.TRACE_CODE | PAGE_FLAG.TRACE_DIRTY | PAGE_FLAG.TRACE_DEVICE;

/** A client of the trace mechanism: told of each write to a page that carries its flag, before the write is made. */
export type TraceClient = (physical: number, size: number) => void;

/** Reacts when a page's mapping (`moved`) or its trace flags change: cached translations of it must go. */
export type MapListener = (page: number, moved: boolean) => void;

/** Fills an absent page; called once for it, with its guest-physical address and its bytes. */
export type PageFiller = (physical: number, bytes: Uint8Array) => void;

/** Guest-physical memory of one machine. Addresses are below 4 GB here; the bus carries wider ones to devices. */
export class PhysicalMemory {
  /** All of the machine's memory, by host address. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** Page entries: host address of the page (4096-aligned) | PAGE_FLAG bits, indexed by physical address >>> 12. */
  readonly pages = new Uint32Array(1 << 20);
  /** ANDed to every physical address: clears bit 20 while the A20 gate is closed. */
  a20Mask = 0xffff_ffff;
  #clients = new Map<number, TraceClient[]>();
  #listeners: MapListener[] = [];
  #filler: PageFiller | undefined;

  /** @param buffer The machine's WebAssembly memory. @param layout Its layout; RAM is mapped at 0 with a hole at A0000h-FFFFFh. */
  constructor(readonly buffer: ArrayBufferLike, readonly layout: MemoryLayout) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
    const conventional = Math.min(layout.ramBytes, 0xa0000);
    this.map(0, layout.ram, conventional, true);
    if (layout.ramBytes > 0x100000) this.map(0x100000, layout.ram + 0x100000, layout.ramBytes - 0x100000, true);
  }

  /** Maps `size` bytes of host memory at a guest-physical address. All three are multiples of 4096. */
  map(physical: number, host: number, size: number, writable: boolean): void {
    const flags = PAGE_FLAG.PRESENT | (writable ? PAGE_FLAG.WRITABLE : 0);
    for (let at = 0; at < size; at += PAGE) this.#set((physical + at) >>> 12, ((host + at) | flags) >>> 0);
  }

  /** Unmaps a range: accesses go to the bus from then on. */
  unmap(physical: number, size: number): void {
    for (let at = 0; at < size; at += PAGE) this.#set((physical + at) >>> 12, 0);
  }

  /** Makes a range absent: `filler` supplies each page at its first access. */
  defer(physical: number, size: number, filler: PageFiller): void {
    this.#filler = filler;
    for (let at = 0; at < size; at += PAGE) {
      const page = (physical + at) >>> 12;
      this.#set(page, (this.pages[page]! | PAGE_FLAG.ABSENT) >>> 0);
    }
  }

  #set(page: number, entry: number): void {
    const before = this.pages[page]!;
    this.pages[page] = entry;
    if (before !== 0) { for (const listener of this.#listeners) listener(page, true); }
  }

  /** Registers a holder of cached translations. */
  onChange(listener: MapListener): void {
    this.#listeners.push(listener);
  }

  /** Registers a client for one of the TRACE flags. */
  onWrite(flag: number, client: TraceClient): void {
    const list = this.#clients.get(flag);
    if (list) list.push(client);
    else this.#clients.set(flag, [client]);
  }

  /** Starts (or ends) tracing of a page under one flag. */
  trace(page: number, flag: number, on: boolean): void {
    const entry = this.pages[page]!;
    if (entry === 0 || ((entry & flag) !== 0) === on) return;
    this.pages[page] = on ? entry | flag : entry & ~flag;
    for (const listener of this.#listeners) listener(page, false);
  }

  /** The one page lookup: the page's entry, filled if it was absent, 0 where there is no memory. */
  lookup(page: number): number {
    const entry = this.pages[page]!;
    return (entry & PAGE_FLAG.ABSENT) === 0 ? entry : this.#fill(page, entry);
  }

  #fill(page: number, entry: number): number {
    const filled = (entry & ~PAGE_FLAG.ABSENT) >>> 0;
    this.pages[page] = filled;
    const host = filled & ~0xfff;
    this.#filler?.((page << 12) >>> 0, this.bytes.subarray(host >>> 0, (host >>> 0) + PAGE));
    return filled;
  }

  /** True if plain stores to the page may bypass the slow path. */
  directlyWritable(entry: number): boolean {
    return (entry & (PAGE_FLAG.WRITABLE | TRACED)) === PAGE_FLAG.WRITABLE;
  }

  /** True if plain stores to a page of RAM may bypass the slow path where no decoded code covers their bytes. */
  partlyWritable(entry: number): boolean {
    return (entry & (PAGE_FLAG.WRITABLE | TRACED)) === (PAGE_FLAG.WRITABLE | PAGE_FLAG.TRACE_CODE);
  }

  /** Tells the clients of a traced page that `size` bytes at `physical` are about to be written; within one page. */
  notifyWrite(entry: number, physical: number, size: number): void {
    for (let flags = entry & TRACED; flags !== 0; flags &= flags - 1) {
      const clients = this.#clients.get(flags & -flags);
      if (clients) { for (const client of clients) client(physical, size); }
    }
  }

  /** Copies guest memory out; bytes without memory read as FFh. */
  read(physical: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const address = physical + done;
      const count = Math.min(PAGE - (address & 0xfff), into.length - done);
      const entry = address < 0x1_0000_0000 ? this.lookup(address >>> 12) : 0;
      if (entry === 0) into.fill(0xff, done, done + count);
      else {
        const host = ((entry & ~0xfff) >>> 0) + (address & 0xfff);
        into.set(this.bytes.subarray(host, host + count), done);
      }
      done += count;
    }
  }

  /** Copies into guest memory as a device or loader does: traces are told, ROM and holes drop the bytes. */
  write(physical: number, from: Uint8Array): void {
    for (let done = 0; done < from.length;) {
      const address = physical + done;
      const count = Math.min(PAGE - (address & 0xfff), from.length - done);
      const entry = address < 0x1_0000_0000 ? this.lookup(address >>> 12) : 0;
      if ((entry & PAGE_FLAG.WRITABLE) !== 0) {
        if (!this.directlyWritable(entry)) this.notifyWrite(entry, address, count);
        this.bytes.set(from.subarray(done, done + count), ((entry & ~0xfff) >>> 0) + (address & 0xfff));
      }
      done += count;
    }
  }
}
