/**
 * The translator of one virtual CPU: which code is hot, the regions made of it, how they are found, and how they go.
 *
 * @module
 */
import type { MemoryLayout } from "../../memory/layout.ts";
import { ModuleBuilder } from "../../wasm/mod.ts";
import { Instruction } from "../../x86/instruction.ts";
import { MODE, SEG, SEGMENT, STATE, TLB } from "../../x86/registers.ts";
import type { CodeCache } from "../code_cache.ts";
import type { CodePage } from "../code_page.ts";
import { hotAfter } from "../code_pages.ts";
import { RECORD } from "../interpreter/record.ts";
import { AREA, counterOffset, COUNTERS, DISPATCH, ENTRY, entryOffset, ENVIRONMENT, keyOf, TABLE } from "./area.ts";
import { type ChainCell, ChainCells, dispatcher } from "./chain_cells.ts";
import { type CodeSource, discover } from "./discover.ts";
import { emitDispatch } from "./dispatch_emitter.ts";
import { Outlines } from "./outlines.ts";
import { leadingToEntry, type Region, type RegionInstruction } from "./region.ts";
import { emitRegion } from "./region_emitter.ts";
import {
  type RegionEnd,
  type RegionReports,
  RegionWatch,
  type RegionWatchOptions,
  type WatchedRegion,
} from "./region_watch.ts";

/** Slots of the regions' function table. */
export const REGION_SLOTS = 1 << 15;

/**
 * Regions that one module takes at most, and at least unless nothing else becomes hot. A module costs V8 as much as several functions, and
 * code that is soon over is interpreted meanwhile, not translated.
 */
const BATCH = 64;

/**
 * WebAssembly bytes of the modules that exist at most: then the oldest go. What V8 makes of them, and keeps, is about five times as much. A
 * Linux that has booted and worked for half a minute has 6 MB; what follows is mostly the code of processes that have ended.
 */
const MOST_BYTES = 8 << 20;

/** How often something becomes hot, the same or others, before a batch is translated that is not full. */
const PATIENCE = 40;

/** How often regions are left for an instruction, between two calms, before it is called. */
const SITE_LIMIT = 500;

/** Entries of a table that are looked at, and how many pages away what it names may be. */
const TABLE_ENTRIES = 256, TABLE_DISTANCE = 64;

/** What became of an instruction for which regions were often left: its accesses are checked by themselves, then it is called. */
const SITE = { ALONE: 1, CALLED: 2 } as const;

/** What the translator is made of. */
export interface TranslatorOptions {
  readonly memory: WebAssembly.Memory;
  readonly layout: MemoryLayout;
  readonly code: CodeCache;
  readonly table: WebAssembly.Table;
  /** The interpreter's loop. */
  readonly run: (cpu: number, record: number) => number;
  readonly calledOut: ReadonlySet<string>;
  /** How often code is reached before it is hot: 1 to 65535. */
  readonly after: number;
  /** WebAssembly bytes of the modules that exist at most. */
  readonly mostBytes?: number;
  /** What is to be seen of regions. */
  readonly watch?: RegionWatchOptions;
}

/** Counters for `--stats`. */
export interface TranslatorStats {
  /** Regions made so far, and those that exist. */
  readonly regions: number;
  readonly live: number;
  /** WebAssembly bytes of the modules that exist. */
  readonly liveBytes: number;
  /** Regions thrown away to make room. */
  readonly evicted: number;
  /** Times that hot code was not translated because it is written too often. */
  readonly deferred: number;
  /** Guest instructions and WebAssembly bytes of all made so far. */
  readonly instructions: number;
  readonly bytes: number;
  readonly modules: number;
  /** Regions thrown away because their code was written. */
  readonly invalidated: number;
  /** Instructions that are called because their fast path did not serve. */
  readonly slow: number;
  /** Milliseconds of discovery and emission, and of compilation. */
  readonly emitted: number;
  readonly compiled: number;
}

/** The regions of one module, which is freed when none of them is left. */
interface Batch {
  readonly bytes: number;
  readonly installed: Set<Installed>;
}

/** A region that is emitted, but not compiled. */
interface Fresh {
  readonly key: number;
  readonly slot: number;
  readonly index: number;
  readonly region: Region;
  readonly cells: Installed["cells"];
  readonly watched?: WatchedRegion;
}

/** A region in the table. */
interface Installed {
  readonly key: number;
  readonly slot: number;
  /** Record index of its page. */
  readonly index: number;
  readonly user: boolean;
  /** Instructions. */
  readonly length: number;
  /** Offsets in the page: where each stretch of its code begins, and ends, in turns. */
  readonly stretches: Uint16Array;
  readonly batch: Batch;
  /** Its exits' cells, by the key each waits for. */
  readonly cells: readonly ChainCell[];
  readonly watched?: WatchedRegion;
}

/** A place that waits for translation. */
interface Queued {
  readonly page: CodePage;
  readonly offset: number;
  readonly user: boolean;
  /** Linear address of the page. */
  readonly linear: number;
}

/** Translates for one virtual CPU. */
export class Translator {
  readonly #options: TranslatorOptions;
  readonly #watch: RegionWatch | undefined;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #state: Int32Array;
  readonly #area: number;
  readonly #cpu: number;
  readonly #regions = new Map<number, Installed>();
  readonly #byPage = new Map<number, Set<Installed>>();
  readonly #cells: ChainCells;
  readonly #queue = new Map<number, Queued>();
  /** By record index and offset: instructions whose accesses are checked alone, and later called. */
  readonly #slow = new Map<number, Map<number, number>>();
  readonly #freeSlots: number[] = [];
  /** What the instructions of a region are decoded into. A region that is watched keeps its own. */
  readonly #decoded: Instruction[] = [];
  #nextSlot: number = DISPATCH.FIRST_REGION;
  #waited = 0;
  #made = 0;
  #instructions = 0;
  #bytes = 0;
  #modules = 0;
  #invalidated = 0;
  #slowCount = 0;
  /** Oldest first. */
  readonly #batches = new Set<Batch>();
  #liveBytes = 0;
  #evicted = 0;
  #deferredCount = 0;
  /** Places that were hot although they are written often, and how restless they were then. */
  readonly #deferred = new Map<number, number>();
  /** The arena has no room for another record. */
  #isFull = false;
  #emitted = 0;
  #compiled = 0;

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#watch = options.watch && new RegionWatch(options.watch);
    const { memory, layout, table } = options;
    this.#words = new Int32Array(memory.buffer);
    this.#halves = new Uint16Array(memory.buffer);
    this.#state = new Int32Array(memory.buffer, layout.cpu, STATE.SIZE >> 2);
    this.#area = layout.translation;
    this.#cpu = layout.cpu;
    const bytes = emitDispatch(layout.cpu, this.#area, layout.pages, REGION_SLOTS);
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { [ENVIRONMENT]: { memory, regions: table } });
    this.#fill(TABLE.COUNTERS, options.after);
    this.#fill(TABLE.SITES, SITE_LIMIT);
    this.#cells = new ChainCells(this.#words, this.#area);
    options.code.pages.onReset = () => this.reset();
    this.enabled = true;
  }

  #fill(offset: number, value: number): void {
    const first = (this.#area + AREA.HASH + offset) >> 1;
    this.#halves.fill(value, first, first + COUNTERS);
  }

  /** From time to time: what left a region now and then is no storm. */
  calm(): void {
    this.#deferred.clear();
    this.#fill(TABLE.SITES, SITE_LIMIT);
  }

  /** Whether translated code is found. */
  set enabled(on: boolean) {
    this.#state[STATE.REGIONS >> 2] = this.#area + (on ? AREA.HASH : AREA.EMPTY);
  }

  /**
   * Code at an EIP has been reached often. `branch` is the record that led there, or 0.
   *
   * @returns Whether there is a region now.
   */
  hot(eip: number, branch: number): boolean {
    const place = this.#place(eip);
    if (place === undefined) return false;
    const key = keyOf(place.page.index, place.offset, place.user);
    const restless = this.#options.code.pages.restlessness(place.page.page, place.offset);
    const after = hotAfter(this.#options.after, restless);
    this.#halves[(this.#area + TABLE.COUNTERS + counterOffset(key)) >> 1] = after;
    let known = this.#regions.get(key);
    if (known === undefined && this.#defers(key, restless)) {
      if (branch !== 0) this.#halves[(branch + RECORD.COUNTER) >> 1] = after;
      return false;
    }
    if (known === undefined) {
      this.#queue.set(key, place);
      if (this.#queue.size < BATCH && ++this.#waited < PATIENCE && this.#options.after > 1) {
        if (branch !== 0) this.#halves[(branch + RECORD.COUNTER) >> 1] = this.#options.after;
        return false;
      }
      this.#translate();
      known = this.#regions.get(key);
      if (known === undefined) return false;
    } else this.#enter(known);
    // The branch looks its target up from now on.
    if (branch !== 0) this.#words[(branch + RECORD.IMMEDIATE) >> 2] = 0;
    return true;
  }

  /** Whether code that is hot is too restless: it has yet to be reached more often than quiet code. */
  #defers(key: number, restless: number): boolean {
    if (restless === 0 || this.#options.after <= 1 || this.#deferred.get(key) === restless) return false;
    this.#deferred.set(key, restless);
    this.#deferredCount++;
    return true;
  }

  /** Regions are often left for the instruction at an EIP: it is called from now on. */
  storm(eip: number): void {
    const place = this.#place(eip);
    if (place === undefined) return;
    const { index } = place.page;
    this.#halves[(this.#area + TABLE.SITES + counterOffset(keyOf(index, place.offset, place.user))) >> 1] = SITE_LIMIT;
    let slow = this.#slow.get(index);
    if (!slow) this.#slow.set(index, slow = new Map());
    const form = slow.get(place.offset) ?? 0;
    if (form === SITE.CALLED) return;
    slow.set(place.offset, form + 1);
    if (form + 1 === SITE.CALLED) this.#slowCount++;
    this.#noteSlow(place, form + 1);
    for (const installed of [...this.#byPage.get(index) ?? []]) {
      if (covers(installed, place.offset, place.offset + 1)) this.#remove(installed, "retranslated");
    }
  }

  #noteSlow({ page, offset, linear }: Queued, form: number): void {
    const instruction = this.#watch && this.#options.code.instructionAt(page, offset);
    if (instruction === undefined) return;
    this.#watch!.slow({ instruction }, linear + offset, page.mode, form === SITE.CALLED ? "called" : "alone");
  }

  /** Where an EIP lies, if decoded code of it is mapped. */
  #place(eip: number): Queued | undefined {
    const state = this.#state;
    const linear = (eip + state[(STATE.SEGMENTS + SEG.CS * SEGMENT.SIZE + SEGMENT.BASE) >> 2]!) >>> 0;
    const set = state[STATE.TLB_SET >> 2]!;
    const index = this.#words[(set + TLB.EXECUTE + (linear >>> 12) * 4) >> 2]!;
    const page = index === 0 ? undefined : this.#options.code.pages.at(index);
    if (page === undefined || page.variant !== 0) return undefined;
    return { page, offset: linear & 0xfff, user: set - this.#cpu === TLB.USER, linear: (linear & ~0xfff) >>> 0 };
  }

  #translate(): void {
    const started = performance.now();
    const { memory, layout, table, run, code } = this.#options;
    const queue = [...this.#queue];
    this.#waited = 0;
    this.#queue.clear();
    const module = new ModuleBuilder();
    module.importMemory(ENVIRONMENT, "memory", { min: layout.pages, max: layout.pages, shared: true });
    const regions = module.importTable(ENVIRONMENT, "regions", "funcref", REGION_SLOTS, REGION_SLOTS);
    const loop = module.importFunction(ENVIRONMENT, "run", ["i32", "i32"], ["i32"]);
    const outlines = new Outlines(module);
    const watch = this.#watch?.module(module, ENVIRONMENT);
    const fresh: Fresh[] = [];
    // What leads to the entry of a region of this batch, inside it, goes on in that, unless it proves hot again.
    const leading = new Set<number>();
    for (const [key, place] of queue) {
      if (code.pages.at(place.page.index) !== place.page || this.#regions.has(key) || leading.has(key)) continue;
      const restless = code.pages.restlessness(place.page.page, place.offset);
      // Written while it waited.
      if (this.#options.after > 1 && restless > (this.#deferred.get(key) ?? 0)) continue;
      const region = discover(
        { page: place.page.page, offset: place.offset, mode: place.page.mode, user: place.user },
        this.#source(place, restless),
      );
      if (region === undefined) continue;
      if (this.#options.after > 1) {
        for (const start of leadingToEntry(region)) leading.add(keyOf(place.page.index, start, place.user));
      }
      const slot = this.#slot();
      const cells: ChainCell[] = [];
      const { watched, gauge } = watch?.region(region, place.linear + place.offset) ?? {};
      const emitted = emitRegion({ module, outlines, table: regions, run: loop }, region, {
        cpu: layout.cpu,
        area: this.#area,
        cell: (target) => this.#cell(place, target, cells),
        record: (item) => this.#record(item, place.page.mode),
        ...(gauge ? { gauge } : {}),
      });
      if (watched) watched.emitted = emitted;
      module.elements(regions, slot, [emitted]);
      fresh.push({ key, slot, index: place.page.index, region, cells, ...(watched ? { watched } : {}) });
    }
    // Everything is thrown away together, these regions' pages included.
    if (this.#isFull) return code.reset();
    if (fresh.length === 0) return;
    const bytes = module.build();
    const compiling = performance.now();
    const imports = { memory, regions: table, run, ...watch?.imports };
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { [ENVIRONMENT]: imports });
    this.#compiled += performance.now() - compiling;
    watch?.built(bytes);
    const batch: Batch = { bytes: bytes.length, installed: new Set() };
    this.#batches.add(batch);
    for (const one of fresh) this.#install(one, batch);
    this.#modules++;
    this.#bytes += bytes.length;
    this.#liveBytes += bytes.length;
    this.#emitted += compiling - started;
    const most = this.#options.mostBytes ?? MOST_BYTES;
    while (this.#liveBytes > most) this.#evict();
  }

  /** A slot of the table that is free. */
  #slot(): number {
    if (this.#freeSlots.length === 0 && this.#nextSlot === REGION_SLOTS) this.#evict();
    return this.#freeSlots.pop() ?? this.#nextSlot++;
  }

  /** Throws the oldest module's regions away. */
  #evict(): void {
    const [oldest] = this.#batches;
    this.#evicted += oldest!.installed.size;
    for (const installed of [...oldest!.installed]) this.#remove(installed, "evicted");
  }

  #source({ page, linear, user }: Queued, restless: number): CodeSource {
    const { code, calledOut } = this.#options;
    // What is written more often than the entry goes its own way.
    const most = this.#options.after <= 1 ? Infinity : Math.max(restless, 1);
    const slow = this.#slow.get(page.index);
    const index = page.index >> 2;
    const watched = this.#watch !== undefined, instructions = this.#decoded;
    let used = 0;
    return {
      decode: (offset) => {
        if (code.pages.restlessness(page.page, offset) > most) return undefined;
        const into = watched ? new Instruction() : instructions[used++] ??= new Instruction();
        return code.instructionAt(page, offset, into);
      },
      reached: (offset) => this.#words[index + offset] !== 0,
      translated: (offset) => this.#regions.get(keyOf(page.index, offset, user))?.length ?? 0,
      table: (address) => this.#table(address, linear),
      slow: (offset) => slow?.get(offset) === SITE.CALLED,
      alone: (offset) => slow?.has(offset) ?? false,
      calledOut,
    };
  }

  /** What looks like a table of addresses in a code page, as offsets in it. The guest's memory is only looked at: code checks where it goes. */
  #table(address: number, page: number): number[] {
    const { code } = this.#options;
    const user = this.#state[STATE.CPL >> 2] === 3;
    const offsets: number[] = [];
    for (let at = address; at < address + 4 * TABLE_ENTRIES && (address & 3) === 0; at += 4) {
      const entry = code.peek32(at >>> 0, user);
      if (entry === undefined || Math.abs((entry >>> 12) - (page >>> 12)) > TABLE_DISTANCE) break;
      if (entry >>> 12 === page >>> 12) offsets.push(entry & 0xfff);
    }
    return offsets;
  }

  #record({ instruction, offset }: RegionInstruction, mode: number): number {
    const record = this.#options.code.standalone(instruction, offset, mode);
    if (record === 0) this.#isFull = true;
    return record;
  }

  /** The chain cell of an exit to an offset from the page's start. */
  #cell(place: Queued, target: number, cells: ChainCell[]): number {
    const { nobody } = this.#cells;
    const linear = (place.linear + target) >>> 0;
    const set = this.#cpu + (place.user ? TLB.USER : TLB.SUPERVISOR) + TLB.EXECUTE;
    const index = target >= 0 && target < 4096 ? place.page.index : this.#words[(set + (linear >>> 12) * 4) >> 2]!;
    // A page that is not mapped now, or EIPs that may wrap: looked up each time.
    if (index === 0 || (place.page.mode & MODE.D) === 0 && index !== place.page.index) return nobody;
    const key = keyOf(index, linear & 0xfff, place.user);
    const known = cells.find((one) => one.key === key);
    if (known) return known.cell;
    const cell = this.#cells.take(key, index, this.#regions.get(key)?.slot ?? dispatcher(place.user));
    if (cell === undefined) return nobody;
    cells.push({ cell, key });
    return cell;
  }

  #install({ region, ...rest }: Fresh, batch: Batch): void {
    const { key, slot, index } = rest;
    const stretches = Uint16Array.from(region.blocks.flatMap(({ start, end }) => [start, end]));
    const installed = { ...rest, user: region.place.user, length: region.length, stretches, batch };
    this.#regions.set(key, installed);
    batch.installed.add(installed);
    const { code } = this.#options;
    let onPage = this.#byPage.get(index);
    if (!onPage) this.#byPage.set(index, onPage = new Set());
    onPage.add(installed);
    this.#enter(installed);
    this.#cells.lead(key, slot);
    for (const { start, end } of region.blocks) if (end > start) code.pages.cover(region.place.page, start, end);
    this.#made++;
    this.#instructions += region.length;
    if (installed.watched) this.#watch?.made(installed.watched);
  }

  /** Enters a region into the hash table, in whose place another may stand. */
  #enter({ key, slot }: Installed): void {
    const entry = (this.#area + AREA.HASH + entryOffset(key)) >> 2;
    this.#words[entry + (ENTRY.KEY >> 2)] = key;
    this.#words[entry + (ENTRY.SLOT >> 2)] = slot;
  }

  /** Bytes `from` to `to` of the page with a record index are written: their regions go. */
  drop(index: number, from: number, to: number): void {
    const onPage = this.#byPage.get(index);
    if (!onPage) return;
    for (const installed of [...onPage]) {
      if (!covers(installed, from, to)) continue;
      this.#state[STATE.STALE >> 2] = 1;
      this.#invalidated++;
      this.#remove(installed, "written");
    }
  }

  #remove(installed: Installed, why: RegionEnd): void {
    const { key, slot, cells, index, user, batch } = installed;
    if (installed.watched) this.#watch?.gone(installed.watched, why);
    this.#regions.delete(key);
    this.#byPage.get(index)?.delete(installed);
    batch.installed.delete(installed);
    if (batch.installed.size === 0) {
      this.#batches.delete(batch);
      this.#liveBytes -= batch.bytes;
    }
    const entry = (this.#area + AREA.HASH + entryOffset(key)) >> 2;
    if (this.#words[entry] === key) {
      this.#words[entry + (ENTRY.KEY >> 2)] = 0;
      this.#words[entry + (ENTRY.SLOT >> 2)] = 0;
    }
    this.#cells.lead(key, dispatcher(user));
    this.#cells.giveBack(cells);
    this.#options.table.set(slot, null);
    this.#freeSlots.push(slot);
  }

  /** All decoded code was thrown away, and with it everything here. */
  reset(): void {
    for (const installed of [...this.#regions.values()]) this.#remove(installed, "evicted");
    this.#queue.clear();
    this.#slow.clear();
    this.#cells.reset();
    this.#byPage.clear();
    this.#deferred.clear();
    this.#isFull = false;
    // What was emitted when the arena was found full has taken slots and cells, too.
    this.#freeSlots.length = 0;
    this.#nextSlot = DISPATCH.FIRST_REGION;
    this.#state[STATE.STALE >> 2] = 1;
  }

  /** The hottest regions, where they are counted. */
  reports(most: number): RegionReports | undefined {
    return this.#watch?.reports(most);
  }

  /** Counters. */
  stats(): TranslatorStats {
    return {
      regions: this.#made,
      live: this.#regions.size,
      liveBytes: this.#liveBytes,
      evicted: this.#evicted,
      deferred: this.#deferredCount,
      instructions: this.#instructions,
      bytes: this.#bytes,
      modules: this.#modules,
      invalidated: this.#invalidated,
      slow: this.#slowCount,
      emitted: Math.round(this.#emitted),
      compiled: Math.round(this.#compiled),
    };
  }
}

/** Whether a region's code covers any of the bytes `from` to `to` of its page. */
function covers({ stretches }: Installed, from: number, to: number): boolean {
  for (let i = 0; i < stretches.length; i += 2) if (stretches[i]! < to && stretches[i + 1]! > from) return true;
  return false;
}
