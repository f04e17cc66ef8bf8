/**
 * Which physical pages hold decoded code, and what becomes of it when they are written.
 *
 * @module
 */
import type { GuestMemory } from "../memory/guest_memory.ts";
import { PAGE_FLAG, type PhysicalMemory } from "../memory/physical.ts";
import { PIECE_SHIFT, Pieces } from "../memory/pieces.ts";
import { CodePage, type Gone, INDEX_BYTES } from "./code_page.ts";
import { RECORD } from "./interpreter/record.ts";

/** Keys of one variant: four modes of each page below 4 GB. */
const PAGES_BY_MODE = 1 << 22;

const PIECE = 1 << PIECE_SHIFT;

/** A piece that was written so often is as restless as can be. */
const MOST_RESTLESS = 16;

/** From this many invalidations between two calms a page's runs are short. */
const RESTLESS_PAGE = 4;

/** Records of a short run, its end included. */
export const SHORT_RUN = 32;

/**
 * How often code is reached before it is hot, where it was written so often of late. What is to be translated when it is first met is so
 * whatever it does.
 */
export function hotAfter(after: number, restlessness: number): number {
  return after <= 1 ? after : Math.min(after * 4 ** restlessness, 0xffff);
}

/** What is watched of a physical page, all modes together. */
class Watch {
  readonly pages: CodePage[] = [];
  /** Physical pages whose last instruction continues in this one. */
  readonly straddlers = new Set<number>();
  /** Invalidations, halved by each calm. */
  restless = 0;
}

/** Told of code that is thrown away: bytes `from` to `to` of a page, and the records that are gone. */
export type InvalidateListener = (page: CodePage, from: number, to: number, gone: Gone) => void;

/** The decoded pages and the memory that holds their records. */
export class CodePages {
  readonly #words: Int32Array;
  readonly #physical: PhysicalMemory;
  readonly #memory: GuestMemory;
  readonly #pieces: Pieces;
  readonly #pages = new Map<number, CodePage>();
  readonly #byIndex = new Map<number, CodePage>();
  readonly #watches = new Map<number, Watch>();
  /** How often covered pieces were written, by piece of physical memory, halved by each calm. */
  readonly #restless = new Map<number, number>();
  readonly #start: number;
  readonly #end: number;
  /** Records grow upwards from here, indexes downwards to `#indexes`: these begin at page boundaries of the host. */
  #free: number;
  #indexes: number;
  /** Nothing between the two was ever written: it is zero, and the host has given no memory for it. */
  #untouchedFrom: number;
  #untouchedTo: number;
  /** Places for short runs that nothing uses, and those that emitted code may still stand in. */
  #places: number[] = [];
  #left: number[] = [];
  /** Times that code was thrown away because it was written. */
  invalidations = 0;
  /** Times that the arena was full and everything was thrown away. */
  arenaResets = 0;
  /** Told of code that is thrown away because it is written, before it is. */
  onInvalidate: InvalidateListener = () => {};
  /** Told when everything is thrown away. */
  onReset: () => void = () => {};

  /** @param start First byte of the arena, which is zero and a multiple of 4096. @param bytes Its size, a multiple of 4096. */
  constructor(memory: GuestMemory, start: number, bytes: number) {
    this.#memory = memory;
    this.#physical = memory.physical;
    this.#words = memory.physical.words;
    this.#pieces = new Pieces(memory.physical.buffer, memory.physical.layout);
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

  /** Takes a place for a short run, which is used again when the run is gone; 0 when the arena is full. Not while emitted code runs. */
  takePlace(): number {
    if (this.#left.length > 0) {
      this.#places.push(...this.#left);
      this.#left.length = 0;
    }
    return this.#places.pop() ?? this.take(SHORT_RUN);
  }

  /** Gives a place back that was not used. */
  giveBackPlace(place: number): void {
    this.#places.push(place);
  }

  /** Whether a page's code is written often. */
  isRestless(page: number): boolean {
    return (this.#watches.get(page)?.restless ?? 0) >= RESTLESS_PAGE;
  }

  /** How often code at a byte of a physical page was written of late: 0 to 16. */
  restlessness(page: number, offset: number): number {
    return this.#restless.get((page << (12 - PIECE_SHIFT)) + (offset >> PIECE_SHIFT)) ?? 0;
  }

  /** From time to time: what was written long ago is forgotten. */
  calm(): void {
    const pages = new Set<number>();
    for (const [piece, count] of this.#restless) {
      if (count > 1) this.#restless.set(piece, count >> 1);
      else this.#restless.delete(piece);
      pages.add(piece >>> (12 - PIECE_SHIFT));
    }
    for (const page of pages) {
      const watch = this.#watches.get(page);
      if (watch !== undefined) watch.restless >>= 1;
    }
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

  /** Host address of a physical page. */
  #host(page: number): number {
    return (this.#physical.pages[page]! & ~0xfff) >>> 0;
  }

  /** Notes that bytes of a page are decoded: writes to them are seen from now on. */
  cover(page: number, from: number, to: number): void {
    this.#watch(page);
    const host = this.#host(page);
    this.#pieces.cover(host + from, host + to);
    this.#physical.trace(page, PAGE_FLAG.TRACE_CODE, true);
  }

  /** Notes that the last instruction of `page` continues in `following`. */
  straddle(page: number, following: number): void {
    this.#watch(following).straddlers.add(page);
  }

  #written(physical: number, size: number): void {
    const page = physical >>> 12, pieces = this.#pieces;
    const watch = this.#watches.get(page);
    if (!watch) return;
    const host = this.#host(page);
    const first = (physical & 0xfff) & ~(PIECE - 1), end = (physical & 0xfff) + size;
    let hit = false;
    for (let at = first; at < end; at += PIECE) {
      if (!pieces.covered(host + at)) continue;
      hit = true;
      pieces.clear(host + at);
      const piece = (page << (12 - PIECE_SHIFT)) + (at >> PIECE_SHIFT);
      const count = this.#restless.get(piece) ?? 0;
      if (count < MOST_RESTLESS) this.#restless.set(piece, count + 1);
    }
    if (hit) this.#invalidate(page, watch, first, end);
  }

  /** Throws away the code of the pieces that hold bytes `from` to `end` of a page. */
  #invalidate(page: number, watch: Watch, from: number, end: number): void {
    this.invalidations++;
    watch.restless++;
    this.#drop(watch, from, (end + PIECE - 1) & -PIECE);
    if (!this.#pieces.any(this.#host(page))) this.#physical.trace(page, PAGE_FLAG.TRACE_CODE, false);
    if (from > 0 || watch.straddlers.size === 0) return;
    for (const straddler of watch.straddlers) {
      const before = this.#watches.get(straddler);
      if (before !== undefined) this.#drop(before, 4096, 4096 + PIECE);
    }
    watch.straddlers.clear();
  }

  #drop(watch: Watch, from: number, to: number): void {
    for (const code of watch.pages) {
      const gone = code.drop(this.#words, from, to);
      for (let i = 0; i < gone.length; i += 2) {
        if (gone[i + 1]! - gone[i]! === SHORT_RUN * RECORD.SIZE) this.#left.push(gone[i]!);
      }
      this.onInvalidate(code, from, to, gone);
    }
  }

  /** Throws away the code of the variants: the breakpoints that it was decoded for have changed. */
  forgetVariants(): void {
    for (const code of this.#pages.values()) if (code.variant !== 0) code.clear(this.#words);
    this.#memory.flushExecute();
  }

  /** Throws everything away: no record outlives this. */
  reset(): void {
    for (const page of this.#watches.keys()) {
      this.#pieces.clearPage(this.#host(page));
      this.#physical.trace(page, PAGE_FLAG.TRACE_CODE, false);
    }
    this.#pages.clear();
    this.#byIndex.clear();
    this.#watches.clear();
    this.#restless.clear();
    this.#places = [];
    this.#left = [];
    this.#untouchedFrom = Math.max(this.#untouchedFrom, this.#free);
    this.#untouchedTo = Math.min(this.#untouchedTo, this.#indexes);
    this.#free = this.#start;
    this.#indexes = this.#end;
    this.#memory.flushExecute();
    this.onReset();
  }
}
