/**
 * The interpreter as it runs: the emitted module, instantiated on a machine's memory, and the functions that join it later.
 *
 * @module
 */
import type { MemoryLayout } from "../../memory/layout.ts";
import { inlineShapes } from "./inline_shapes.ts";
import {
  CALLOUT_SLOT,
  emitInterpreter,
  emitOutOfLine,
  FIRST_ENDING_SLOT,
  type InterpreterImports,
  TABLE_SLOTS,
} from "./module.ts";
import { CONTROL_CASE } from "./record.ts";
import { type Shape, shapeKey } from "./shape.ts";

/** Emitted modules by size of memory, negative with translated code: the same bytes are compiled, and optimised, once a process. */
const EMITTED = new Map<number, { module: WebAssembly.Module; cases: ReadonlyMap<string, number> }>();

/** The shapes behind the inline cases, in case order. */
const ENDS: boolean[] = [];
const BRANCHES: boolean[] = [];

/** Whether a case goes on with the record that its IMMEDIATE names. */
export function goesOn(number: number): boolean {
  return BRANCHES[number] === true;
}

function emitted(pages: number, regionSlots: number) {
  const key = regionSlots === 0 ? pages : -pages;
  let known = EMITTED.get(key);
  if (!known) {
    const shapes = inlineShapes();
    const { bytes, cases } = emitInterpreter(shapes, pages, regionSlots);
    for (const shape of shapes) {
      const number = cases.get(shapeKey(shape))!;
      ENDS[number] = shape.ends;
      BRANCHES[number] = shape.near;
    }
    known = { module: new WebAssembly.Module(bytes), cases };
    EMITTED.set(key, known);
  }
  return known;
}

/** The interpreter of one virtual CPU. */
export class Interpreter {
  readonly #cpu: number;
  readonly #pages: number;
  readonly #imports: WebAssembly.Imports;
  readonly #table: WebAssembly.Table;
  readonly #run: (cpu: number, record: number) => number;
  readonly #cases: Map<string, number>;
  #nextSlot = CALLOUT_SLOT + 1;
  #nextEndingSlot = FIRST_ENDING_SLOT + 1;
  /** How the last `run` ended: an EXIT code. */
  lastExit = 0;

  /** @param regions The table of translated code, if there is any: its length is `REGION_SLOTS`. */
  constructor(
    memory: WebAssembly.Memory,
    layout: MemoryLayout,
    imports: InterpreterImports,
    regions?: WebAssembly.Table,
  ) {
    this.#cpu = layout.cpu;
    this.#pages = layout.pages;
    this.#imports = { bulkhead: { memory, ...imports, ...(regions ? { regions } : {}) } };
    const { module, cases } = emitted(layout.pages, regions?.length ?? 0);
    const instance = new WebAssembly.Instance(module, this.#imports);
    this.#table = instance.exports.table as WebAssembly.Table;
    this.#run = instance.exports.run as (cpu: number, record: number) => number;
    this.#cases = new Map(cases);
  }

  /** The loop itself, for translated code to call: (CPU block, record) to an EXIT code. */
  get loop(): (cpu: number, record: number) => number {
    return this.#run;
  }

  /** Runs from a record (RIP if 0) until emitted code leaves; returns an EXIT code. */
  run(record: number): number {
    return this.lastExit = this.#run(this.#cpu, record);
  }

  /** The case of a shape; emits a function for one that is met for the first time. */
  caseOf(shape: Shape): number {
    const key = shapeKey(shape);
    const known = this.#cases.get(key);
    if (known !== undefined) return known;
    const slot = shape.ends ? this.#nextEndingSlot++ : this.#nextSlot++;
    if (slot === FIRST_ENDING_SLOT || slot === TABLE_SLOTS) throw new Error("the interpreter's function table is full");
    const instance = new WebAssembly.Instance(
      new WebAssembly.Module(emitOutOfLine(shape, this.#pages)),
      this.#imports,
    );
    this.#table.set(slot, instance.exports.run as () => void);
    this.#cases.set(key, slot);
    return slot;
  }

  /** Whether a case or slot ends its block. */
  ends(number: number): boolean {
    return number >= FIRST_ENDING_SLOT || (number >= CONTROL_CASE.COUNT && ENDS[number] === true);
  }
}
