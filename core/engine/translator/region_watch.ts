/**
 * Looking at regions: what happens to them, and, where it was asked for, how much each does and what its code is. A translator that nobody
 * watches has none of this, and regions that are not counted hold no code for it.
 *
 * @module
 */
import { type FunctionRef, i64, type ModuleBuilder } from "../../wasm/mod.ts";
import { functionText } from "../../wasm/text.ts";
import { formatInstruction } from "../../x86/disassemble.ts";
import { MODE } from "../../x86/registers.ts";
import type { Value } from "../../x86/semantics/mod.ts";
import type { Region, RegionInstruction } from "./region.ts";
import type { RegionGauge } from "./region_emitter.ts";

/** What a region is, in numbers. */
export interface RegionSummary {
  /** Linear address of its entry, where it was when the region was made. */
  readonly linear: number;
  /** Guest-physical address of its entry. */
  readonly physical: number;
  /** Width of its code. */
  readonly bits: 16 | 32;
  /** The code relies on flat segments. */
  readonly flat: boolean;
  /** It runs at CPL 3. */
  readonly user: boolean;
  /** Guest instructions. */
  readonly instructions: number;
  /** Basic blocks. */
  readonly blocks: number;
  /** Bytes of WebAssembly. */
  readonly bytes: number;
}

/** Why a region went: its code was written, one of its instructions is translated in another form, or there was no room. */
export type RegionEnd = "written" | "retranslated" | "evicted";

/** What happens to regions. */
export type RegionEvent =
  | { readonly kind: "made"; readonly region: RegionSummary }
  | { readonly kind: "gone"; readonly region: RegionSummary; readonly why: RegionEnd }
  /** Regions were often left for an instruction: from now on its accesses are checked alone, or the interpreter is called for it. */
  | {
    readonly kind: "slow";
    readonly linear: number;
    readonly instruction: string;
    readonly form: "alone" | "called";
  };

/** A region with what it did and what it is. */
export interface RegionReport extends RegionSummary {
  /** Times that it was entered. */
  readonly entries: number;
  /** Guest instructions that it retired. */
  readonly retired: number;
  /** The guest's instructions, each before the WebAssembly that was made of it. */
  readonly text: string;
}

/** All that was counted of regions. */
export interface RegionReports {
  /** The hottest, in order. */
  readonly regions: readonly RegionReport[];
  /** Instructions that all existing regions retired. */
  readonly retired: number;
  /** Instructions that regions retired that have gone. */
  readonly retiredByGone: number;
}

/** What is to be watched. */
export interface RegionWatchOptions {
  /** Told what happens. */
  readonly observe?: (event: RegionEvent) => void;
  /** Regions count their entries and instructions, which costs each of them time. */
  readonly count?: boolean;
}

/** A global of 64 bits that a region counts in. */
type Counter = WebAssembly.Global;

function counter(): Counter {
  return new WebAssembly.Global({ value: "i64", mutable: true }, 0n);
}

/** A region that is watched. */
export class WatchedRegion {
  /** Its function, once it is emitted. */
  emitted: FunctionRef | undefined;
  /** Its module's code, where regions are counted. */
  module: Uint8Array | undefined;
  bytes = 0;
  /** Where it counts, if it does. */
  counters: { readonly entries: Counter; readonly retired: Counter } | undefined;
  /** Instructions by where their code begins in the function. */
  readonly marks: { readonly at: number; readonly item: RegionInstruction }[] = [];

  constructor(readonly region: Region, readonly linear: number) {}

  /** Instructions that it retired. */
  get retired(): number {
    return Number(this.counters?.retired.value ?? 0);
  }

  get summary(): RegionSummary {
    const { place, length, blocks } = this.region;
    return {
      linear: this.linear,
      physical: place.page * 4096 + place.offset,
      bits: (place.mode & MODE.D) !== 0 ? 32 : 16,
      flat: (place.mode & MODE.FLAT) !== 0,
      user: place.user,
      instructions: length,
      blocks: blocks.length,
      bytes: this.bytes,
    };
  }

  get report(): RegionReport {
    const { module, emitted, linear, region } = this;
    const page = linear - region.place.offset, starts = new Set(region.blocks.map(({ start }) => start));
    const notes = new Map<number, string[]>();
    for (const { at, item } of this.marks) {
      const lines = starts.has(item.offset) ? [`block ${address(page + item.offset)}`] : [];
      lines.push(instructionText(item, page + item.offset, region.place.mode));
      notes.set(at, [...notes.get(at) ?? [], ...lines]);
    }
    return {
      ...this.summary,
      entries: Number(this.counters?.entries.value ?? 0),
      retired: this.retired,
      text: module && emitted ? functionText(module, emitted.index, notes) : "",
    };
  }
}

/** The regions of one module, while it is made. */
export class WatchedModule {
  /** What the module imports for them. */
  readonly imports: Record<string, Counter> = {};
  readonly #module: ModuleBuilder;
  readonly #from: string;
  readonly #count: boolean;
  readonly #regions: WatchedRegion[] = [];

  /** @param from The name that it imports from. @param count Whether its regions count. */
  constructor(module: ModuleBuilder, from: string, count: boolean) {
    this.#module = module;
    this.#from = from;
    this.#count = count;
  }

  /** Begins a region. `linear`: of its entry. */
  region(region: Region, linear: number): { readonly watched: WatchedRegion; readonly gauge?: RegionGauge } {
    const watched = new WatchedRegion(region, linear);
    const number = this.#regions.push(watched);
    if (!this.#count) return { watched };
    const global = (name: string, value: Counter) => {
      this.imports[name] = value;
      return this.#module.importGlobal(this.#from, name, "i64", true);
    };
    const counters = watched.counters = { entries: counter(), retired: counter() };
    const entries = global(`entries ${number}`, counters.entries);
    const retired = global(`retired ${number}`, counters.retired);
    const wide = (budget: Value) => i64.extend_i32_s(budget);
    return {
      watched,
      gauge: {
        entered: (body, budget) => {
          body.emit(entries.set(i64.add(entries.get(), i64.const(1n))));
          body.emit(retired.set(i64.add(retired.get(), wide(budget))));
        },
        left: (body, budget) => body.emit(retired.set(i64.sub(retired.get(), wide(budget)))),
        mark: (body, item) => void watched.marks.push({ at: body.length, item }),
      },
    };
  }

  /** The module is complete. */
  built(bytes: Uint8Array): void {
    for (const watched of this.#regions) {
      watched.bytes = watched.emitted ? this.#module.bodySize(watched.emitted) : 0;
      if (this.#count) watched.module = bytes;
    }
  }
}

/** The watch over a translator's regions. */
export class RegionWatch {
  readonly #options: RegionWatchOptions;
  readonly #regions = new Set<WatchedRegion>();
  #retiredByGone = 0;

  constructor(options: RegionWatchOptions) {
    this.#options = options;
  }

  /** Begins a module, which imports from `from`. */
  module(module: ModuleBuilder, from: string): WatchedModule {
    return new WatchedModule(module, from, this.#options.count === true);
  }

  made(watched: WatchedRegion): void {
    this.#regions.add(watched);
    this.#options.observe?.({ kind: "made", region: watched.summary });
  }

  gone(watched: WatchedRegion, why: RegionEnd): void {
    if (!this.#regions.delete(watched)) return;
    this.#retiredByGone += watched.retired;
    this.#options.observe?.({ kind: "gone", region: watched.summary, why });
  }

  slow(item: Pick<RegionInstruction, "instruction">, linear: number, mode: number, form: "alone" | "called"): void {
    const { observe } = this.#options;
    if (observe === undefined) return;
    const instruction = formatInstruction(item.instruction, linear, (mode & MODE.D) !== 0);
    observe({ kind: "slow", linear, instruction, form });
  }

  /** What was counted, with the hottest regions. */
  reports(most: number): RegionReports {
    const all = [...this.#regions].map((watched) => ({ watched, retired: watched.retired }));
    all.sort((x, y) => y.retired - x.retired);
    return {
      regions: all.slice(0, most).filter(({ retired }) => retired > 0).map(({ watched }) => watched.report),
      retired: all.reduce((sum, { retired }) => sum + retired, 0),
      retiredByGone: this.#retiredByGone,
    };
  }
}

function address(linear: number): string {
  return (linear >>> 0).toString(16).padStart(8, "0");
}

function instructionText({ instruction, how }: RegionInstruction, linear: number, mode: number): string {
  const text = formatInstruction(instruction, linear, (mode & MODE.D) !== 0);
  return `${address(linear)}  ${text}${how === "called" ? "  (by the interpreter)" : ""}`;
}
