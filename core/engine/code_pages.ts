/**
 * Which physical pages hold decoded code, and what becomes of it when they are written.
 *
 * @module
 */
import type { GuestMemory } from "../memory/guest_memory.ts";
import { PAGE_FLAG, type PhysicalMemory } from "../memory/physical.ts";
import { RECORD } from "./interpreter/record.ts";

/** Bytes of a page's record index: a 32-bit record address for each byte of the page. */
const INDEX_BYTES = 4096 * 4;

/** Keys of one variant: four modes of each page below 4 GB. */
const PAGES_BY_MODE = 1 << 22;

/** A page's bytes are watched in pieces of 64. */
const PIECE_SHIFT = 6;

/** Decoded code of one physical page in one mode (MODE bits: the same bytes decode differently). */
export class CodePage {
  /** Branch records that wait for their target to be decoded, by target offset. */
  readonly pending = new Map<number, number[]>();

  /**
   * @param page Physical page number.
   * @param mode MODE bits that the records assume.
   * @param index Address of the record index.
   * @param variant Whose code it is: 0, or that of one linear page with breakpoints.
   */
  constructor(readonly page: number, readonly mode: number, readonly index: number, readonly variant: number = 0) {}
}

/** What is watched of a physical page, all modes together. */
class Watch {
  /** Pieces that decoded instructions cover: bits 0-31 and 32-63. */
  low = 0;
  high = 0;
  readonly pages: CodePage[] = [];
  /** Physical pages whose last instruction continues in this one. */
  readonly straddlers = new Set<number>();
}

/** The decoded pages and the memory that holds their records. */
export class CodePages {
  readonly #words: Int32Array;
  readonly #physical: PhysicalMemory;
  readonly #memory: GuestMemory;
  readonly #pages = new Map<number, CodePage>();
  readonly #byIndex = new Map<number, CodePage>();
  readonly #watches = new Map<number, Watch>();
  readonly #start: number;
  readonly #end: number;
  /** Records grow upwards from here, indexes downwards to `#indexes`: these begin at page boundaries of the host. */
  #free: number;
  #indexes: number;
  /** Nothing between the two was ever written: it is zero, and the host has given no memory for it. */
  #untouchedFrom: number;
  #untouchedTo: number;
  /** Pages whose code was thrown away because they were written. */
  invalidations = 0;
  /** Times that the arena was full and everything was thrown away. */
  arenaResets = 0;
  /** Told of each page that is thrown away, before it is. */
  onInvalidate: (page: CodePage) => void = () => {};
  /** Told when everything is thrown away. */
  onReset: () => void = () => {};

  /** @param start First byte of the arena, which is zero and a multiple of 4096. @param bytes Its size, a multiple of 4096. */
  constructor(memory: GuestMemory, start: number, bytes: number) {
    this.#memory = memory;
    this.#physical = memory.physical;
    this.#words = memory.physical.words;
    this.#start = start;
    this.#end = start + bytes;
    this.#free = this.#untouchedFrom = start;
    this.#indexes = this.#untouchedTo = this.#end;
    this.#physical.onWrite(PAGE_FLAG.TRACE_CODE, (physical, size) => this.#written(physical, size));
  }

  /** Takes `count` records from the arena; 0 when it is full. */
  take(count: number): number {
    const at = this.#free;
    if (at + count * RECORD.SIZE > this.#indexes) return 0;
    this.#free = at + count * RECORD.SIZE;
    return at;
  }

  /** Gives back what a `take` did not use. */
  giveBack(firstUnused: number): void {
    this.#free = firstUnused;
  }

  /** The page's code in a mode and variant; makes an empty index if there is none. Undefined when the arena is full. */
  page(page: number, mode: number, variant: number = 0): CodePage | undefined {
    const key = variant * PAGES_BY_MODE + page * 4 + mode;
    const known = this.#pages.get(key);
    if (known) return known;
    const index = this.#indexes - INDEX_BYTES;
    if (index < this.#free) return undefined;
    this.#indexes = index;
    const untouched = index >= this.#untouchedFrom && index + INDEX_BYTES <= this.#untouchedTo;
    if (!untouched) this.#words.fill(0, index >> 2, (index + INDEX_BYTES) >> 2);
    const made = new CodePage(page, mode, index, variant);
    this.#pages.set(key, made);
    this.#byIndex.set(index, made);
    this.#watch(page).pages.push(made);
    return made;
  }

  /** The page with a record index. */
  at(index: number): CodePage | undefined {
    return this.#byIndex.get(index);
  }

  #watch(page: number): Watch {
    let watch = this.#watches.get(page);
    if (!watch) this.#watches.set(page, watch = new Watch());
    return watch;
  }

  /** Notes that bytes of a page are decoded: writes to them are seen from now on. */
  cover(page: number, from: number, to: number): void {
    const watch = this.#watch(page);
    for (let piece = from >> PIECE_SHIFT; piece <= (to - 1) >> PIECE_SHIFT; piece++) {
      if (piece < 32) watch.low |= 1 << piece;
      else watch.high |= 1 << (piece - 32);
    }
    this.#physical.trace(page, PAGE_FLAG.TRACE_CODE, true);
  }

  /** Notes that the last instruction of `page` continues in `following`. */
  straddle(page: number, following: number): void {
    this.#watch(following).straddlers.add(page);
  }

  #written(physical: number, size: number): void {
    const page = physical >>> 12;
    const watch = this.#watches.get(page);
    if (!watch) return;
    const first = (physical & 0xfff) >> PIECE_SHIFT;
    const last = ((physical & 0xfff) + size - 1) >> PIECE_SHIFT;
    for (let piece = first; piece <= last; piece++) {
      const bits = piece < 32 ? watch.low >>> piece : watch.high >>> (piece - 32);
      if ((bits & 1) !== 0) return this.invalidate(page);
    }
  }

  /** Throws away a page's code. */
  invalidate(page: number): void {
    const watch = this.#watches.get(page);
    if (!watch || (watch.low | watch.high) === 0) return;
    this.invalidations++;
    for (const code of watch.pages) {
      this.onInvalidate(code);
      this.#forget(code, watch);
      code.pending.clear();
    }
    watch.low = 0;
    watch.high = 0;
    this.#physical.trace(page, PAGE_FLAG.TRACE_CODE, false);
    const straddlers = [...watch.straddlers];
    watch.straddlers.clear();
    for (const straddler of straddlers) this.invalidate(straddler);
  }

  /** Empties an index where anything is decoded; the rest stays untouched. */
  #forget({ index }: CodePage, { low, high }: Watch): void {
    for (let piece = 0; piece < 4096 >> PIECE_SHIFT; piece++) {
      if (((piece < 32 ? low >>> piece : high >>> (piece - 32)) & 1) === 0) continue;
      const at = (index >> 2) + (piece << PIECE_SHIFT);
      this.#words.fill(0, at, at + (1 << PIECE_SHIFT));
    }
  }

  /** Throws away the code of the variants: the breakpoints that it was decoded for have changed. */
  forgetVariants(): void {
    for (const code of this.#pages.values()) {
      if (code.variant === 0) continue;
      this.#words.fill(0, code.index >> 2, (code.index + INDEX_BYTES) >> 2);
      code.pending.clear();
    }
    this.#memory.flushExecute();
  }

  /** Throws everything away: no record outlives this. */
  reset(): void {
    for (const page of this.#watches.keys()) this.#physical.trace(page, PAGE_FLAG.TRACE_CODE, false);
    this.#pages.clear();
    this.#byIndex.clear();
    this.#watches.clear();
    this.#untouchedFrom = Math.max(this.#untouchedFrom, this.#free);
    this.#untouchedTo = Math.min(this.#untouchedTo, this.#indexes);
    this.#free = this.#start;
    this.#indexes = this.#end;
    this.#memory.flushExecute();
    this.onReset();
  }
}
