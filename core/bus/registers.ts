/**
 * Makes a region's registers, or its handler, into slots: closures that an address space calls without looking anything
 * up and without allocating.
 *
 * @module
 */

import type { Width } from "./claims.ts";
import type { Region, RegionHandler, Register } from "./contract.ts";
import { BulkheadError } from "./error.ts";

/** What a slot is: a kind of register, or a handler. */
export type SlotKind = Register["kind"] | "handler";

/** Reads `size` bytes at a region's offset; the caller truncates the result. */
export type SlotRead = (offset: number, size: Width) => number;
/** Writes `size` bytes at a region's offset. */
export type SlotWrite = (offset: number, size: Width, value: number) => void;

/** A register, or a handler, in its region. */
export class Slot {
  /** Accesses so far. A block counts its items. */
  reads = 0;
  /** Accesses so far. A block counts its items. */
  writes = 0;
  /** Set for a handler. */
  handler: RegionHandler | undefined;

  /** A slot of `region`; `offset` and `width` are the register's, or those of the smallest unit that a handler takes. */
  constructor(
    readonly region: RegionMap,
    readonly name: string,
    readonly kind: SlotKind,
    readonly offset: number,
    readonly width: Width,
    /** Whether a narrower write may be completed by a read. */
    readonly merges: boolean,
    readonly read: SlotRead,
    readonly write: SlotWrite,
  ) {}

  /** Where the unit starts of which the byte at `offset` is a part. */
  unitStart(offset: number): number {
    return this.handler === undefined ? this.offset : offset - offset % this.width;
  }
}

/** A region: where its slots are, relative to its start, and where its start is at present. */
export class RegionMap {
  /** First address; -1 while unmapped. Moved by the address space only. */
  base: number = -1;
  /** All slots, in order of their offsets. */
  readonly slots: Slot[] = [];
  #table: (Slot | null)[] = [];
  #direct = new Uint8Array(0);
  #handler: Slot | null = null;

  /** An empty region of `size` bytes, for {@linkcode RegionMap.fill}. */
  constructor(
    /** The device's name in its machine. */
    readonly device: string,
    /** The region's name in the device. */
    readonly name: string,
    readonly size: number,
    readonly priority: number,
  ) {}

  /** The slot that covers the byte at `offset`. */
  slotAt(offset: number): Slot | null {
    return this.#handler ?? this.#table[offset] ?? null;
  }

  /** Widths, as a mask of 1, 2 and 4, of accesses at `offset` that the slot takes as they are. */
  directAt(offset: number): number {
    if (this.#handler === null) return this.#direct[offset] ?? 0;
    const handler = this.#handler.handler!;
    let mask = 0;
    for (const width of handler.widths) {
      if ((handler.unaligned || offset % width === 0) && offset + width <= this.size) mask |= width;
    }
    return mask;
  }

  /**
   * Gives the region its contents, at wiring. Counters of slots that were there before go on.
   *
   * @throws {BulkheadError} `bad-region`: registers that overlap or do not fit.
   */
  fill(contents: Region, storage: RegisterStorage): void {
    const before = this.slots.splice(0);
    this.#handler = null;
    this.#fill(contents, storage);
    for (const slot of this.slots) {
      const same = before.find(({ name }) => name === slot.name);
      slot.reads = same?.reads ?? 0;
      slot.writes = same?.writes ?? 0;
    }
  }

  #fill(contents: Region, storage: RegisterStorage): void {
    if (isHandler(contents)) {
      this.#handler = this.#handlerSlot(contents);
      this.slots.push(this.#handler);
      return;
    }
    const extent = contents.reduce((end, { at, width }) => Math.max(end, at + width), 0);
    if (extent > this.size) throw this.#bad(`registers within its ${this.size} bytes`, `one that ends at ${extent}`);
    this.#table = Array.from({ length: extent }, () => null);
    this.#direct = new Uint8Array(extent);
    for (const register of contents) {
      const slot = this.#registerSlot(register, storage);
      this.slots.push(slot);
      for (let offset = register.at; offset < register.at + register.width; offset++) {
        const other = this.#table[offset];
        if (other) {
          throw this.#bad("registers that do not overlap", `"${other.name}" and "${register.name}" at ${offset}`);
        }
        this.#table[offset] = slot;
      }
      for (const width of register.access ?? [register.width]) this.#direct[register.at]! |= width;
    }
    this.slots.sort((a, b) => a.offset - b.offset);
  }

  #handlerSlot(handler: RegionHandler): Slot {
    if (handler.widths.length === 0) throw this.#bad("a handler that takes some width", "none");
    const unit = Math.min(...handler.widths) as Width;
    if (this.size % unit !== 0) throw this.#bad(`a size that is a multiple of ${unit}`, `${this.size} bytes`);
    const read = handler.read?.bind(handler) ?? (() => 0xffffffff);
    const write = handler.write?.bind(handler) ?? (() => {});
    const merges = handler.read !== undefined && handler.readEffect !== true;
    const slot = new Slot(this, this.name, "handler", 0, unit, merges, read, write);
    slot.handler = handler;
    return slot;
  }

  #registerSlot(register: Register, storage: RegisterStorage): Slot {
    const make = (merges: boolean, read: SlotRead, write: SlotWrite) =>
      new Slot(this, register.name, register.kind, register.at, register.width, merges, read, write);
    switch (register.kind) {
      case "latch": {
        const { values } = storage;
        const index = storage.indexOf(register.name);
        const mask = (register.writable ?? 0xffffffff) & widthMask(register.width);
        const changed = storage.watched(index);
        const read = () => values[index]!;
        if (changed === undefined) {
          return make(true, read, (_offset, _size, value) => {
            values[index] = (values[index]! & ~mask) | (value & mask);
          });
        }
        return make(true, read, (_offset, _size, value) => {
          values[index] = (values[index]! & ~mask) | (value & mask);
          changed();
        });
      }
      case "status": {
        const { values } = storage;
        const index = storage.indexOf(register.name);
        const changed = storage.watched(index);
        return make(false, () => values[index]!, (_offset, _size, value) => {
          values[index] = values[index]! & ~(value & register.clear);
          changed?.();
        });
      }
      case "posted":
        return make(false, () => 0xffffffff, (_offset, _size, value) => register.write(value));
      case "sync": {
        const read = register.read?.bind(register);
        const write = register.write?.bind(register);
        return make(
          read !== undefined && register.readEffect !== true,
          read ?? (() => 0xffffffff),
          write === undefined ? () => {} : (_offset, _size, value) => write(value),
        );
      }
    }
  }

  #bad(expected: string, found: string): BulkheadError {
    return new BulkheadError({
      code: "bad-region",
      subject: `device "${this.device}"`,
      where: `region "${this.name}"`,
      expected,
      found,
      remedy: "correct the device's wiring",
    });
  }
}

/** Values of a device's latch and status registers, and the lines that follow from them. */
export class RegisterStorage {
  /** By index; 32 bits each. */
  readonly values: Uint32Array;
  /** By name, for the device: `ctx.regs`. Setting a value here drives the lines. */
  readonly regs: Record<string, number> = {};
  readonly #names: readonly string[];
  readonly #watchers: ((() => void) | undefined)[];

  /** Storage for the latches of `device`, with their reset values. */
  constructor(readonly device: string, readonly resets: Readonly<Record<string, number>>) {
    this.#names = Object.keys(resets);
    this.values = new Uint32Array(this.#names.length);
    this.#watchers = this.#names.map(() => undefined);
    this.#names.forEach((name, index) => {
      Object.defineProperty(this.regs, name, {
        enumerable: true,
        get: () => this.values[index],
        set: (value: number) => {
          this.values[index] = value;
          this.#watchers[index]?.();
        },
      });
    });
    Object.preventExtensions(this.regs);
    this.reset();
  }

  /** All values as at reset; lines are left to the caller. */
  reset(): void {
    this.load(this.resets);
  }

  /** Values by name, plain. */
  save(): Record<string, number> {
    return Object.fromEntries(this.#names.map((name, index) => [name, this.values[index]!]));
  }

  /** Takes values over without driving lines. */
  load(saved: Readonly<Record<string, number>>): void {
    this.#names.forEach((name, index) => this.values[index] = saved[name] ?? this.resets[name]!);
  }

  /**
   * The index of a latch.
   *
   * @throws {BulkheadError} `undeclared-latch`.
   */
  indexOf(name: string): number {
    const index = this.#names.indexOf(name);
    if (index >= 0) return index;
    throw new BulkheadError({
      code: "undeclared-latch",
      subject: `device "${this.device}"`,
      expected: this.#names.length === 0 ? "no latches" : `a latch among ${this.#names.join(", ")}`,
      found: `"${name}"`,
      remedy: "declare it, with its reset value, under latches",
    });
  }

  /** What runs when the value at `index` changes. */
  watched(index: number): (() => void) | undefined {
    return this.#watchers[index];
  }

  /** Derives lines from the status registers of these regions. Before {@linkcode RegionMap.fill}. */
  watch(contents: readonly Region[], lineOf: (name: string) => { set(level: boolean): void }): void {
    for (const region of contents) {
      if (isHandler(region)) continue;
      for (const register of region) {
        if (register.kind !== "status" || register.line === undefined) continue;
        const line = lineOf(register.line);
        const status = this.indexOf(register.name);
        const enable = register.enable === undefined ? undefined : this.indexOf(register.enable);
        const { values } = this;
        const drive = () =>
          line.set((values[status]! & (enable === undefined ? register.clear : values[enable]!)) !== 0);
        this.#watchers[status] = drive;
        if (enable !== undefined) this.#watchers[enable] = drive;
      }
    }
  }
}

/** True for a handler, false for a list of registers. */
export function isHandler(contents: Region): contents is RegionHandler {
  return !Array.isArray(contents);
}

/** All ones in `width` bytes, as a signed 32-bit number where it has 4. */
function widthMask(width: Width): number {
  return width === 4 ? -1 : (1 << width * 8) - 1;
}
