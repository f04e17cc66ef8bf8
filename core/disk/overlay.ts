/**
 * A disk whose changes go elsewhere: to an overlay file, which outlives the run, or to memory, which does not.
 *
 * @module
 */
import { printable } from "../sandbox/printable.ts";
import { BulkheadError } from "../bus/error.ts";
import {
  type BlockAction,
  type BlockDone,
  type BlockOutcome,
  type BlockStore,
  DONE,
  failed,
  NOTHING,
} from "./block_store.ts";
import {
  BLOCK,
  BLOCKS,
  checkPlaces,
  CLUSTER,
  damaged,
  decodeHeader,
  decodeTableSector,
  emptyTable,
  encodeHeader,
  encodeTableSector,
  overlayGeneration,
  type OverlayHeader,
  type OverlayLayout,
  overlayLayout,
  type OverlayTable,
  TABLE_SECTOR,
  tableSectorOf,
  tableSectorOffset,
} from "./overlay_format.ts";
import { carryOut, generationOf } from "./waiting.ts";

/** Where the changes are. */
export interface OverlayFile {
  /** The file, of as many bytes as `overlayLayout` says; one that begins with zeros is new. */
  readonly store: BlockStore;
  /** False: it is gone at the end of the run, so that no snapshot can name it. */
  readonly lasting: boolean;
}

/** Blocks of one read that lie in one piece: in the overlay, or in the disk. */
interface Run {
  readonly store: BlockStore;
  readonly from: number;
  length: number;
}

/** A disk with an overlay over it. */
export class Overlay implements BlockStore {
  readonly subject: string;
  readonly bytes: number;
  readonly sectorBytes: number;
  readonly granule = BLOCK;
  readonly longest: number;
  readonly readOnly = false;
  readonly #base: BlockStore;
  readonly #file: BlockStore;
  readonly #lasting: boolean;
  readonly #layout: OverlayLayout;
  readonly #table: OverlayTable;
  /** Sectors of the table that differ from the file's. */
  readonly #changed = new Set<number>();
  #header: OverlayHeader;
  #places: number;
  /** Whether the header tells already that something changes; until it does, writes wait. */
  #marked: "no" | "soon" | "yes" = "no";
  #waiting: (() => void)[] = [];
  /** Operations under way. */
  readonly #busy: Map<BlockStore, number>;

  private constructor(
    base: BlockStore,
    { store, lasting }: OverlayFile,
    header: OverlayHeader,
    table: OverlayTable,
    places: number,
  ) {
    this.subject = base.subject;
    this.bytes = base.bytes;
    this.sectorBytes = base.sectorBytes;
    this.longest = Math.min(base.longest, store.longest);
    this.#base = base;
    this.#file = store;
    this.#busy = new Map([[base, 0], [store, 0]]);
    this.#lasting = lasting;
    this.#layout = overlayLayout(store.subject, base.bytes);
    this.#header = header;
    this.#table = table;
    this.#places = places;
  }

  /**
   * Opens an overlay, or makes one where the file is new.
   *
   * @throws {BulkheadError} `overlay-damaged`, `overlay-version`; `overlay-mismatch`: that of another disk, or of other contents;
   * `disk-cannot-rewind`: a disk that cannot tell its contents from others, for which no overlay can last.
   */
  static open(base: BlockStore, file: OverlayFile): Overlay {
    const { store, lasting } = file, { subject } = store;
    const generation = generationOf(base);
    if (generation === undefined && lasting) {
      const sentence =
        `${base.subject} cannot have an overlay that lasts: its back end cannot tell its contents from others, ` +
        "so that the overlay might meet another disk than the one it was made for";
      throw new BulkheadError({ code: "disk-cannot-rewind", subject: base.subject, sentence });
    }
    const layout = overlayLayout(subject, base.bytes);
    const header = decodeHeader(subject, carryOut(store, "read", 0, TABLE_SECTOR).data);
    if (header === undefined) return Overlay.#create(base, file, generation ?? "", layout);
    checkBase(subject, header, base, generation ?? "");
    const table = emptyTable(layout);
    for (let first = 0; first < layout.tableSectors;) {
      const count = Math.min(layout.tableSectors - first, Math.floor(store.longest / TABLE_SECTOR));
      const { data } = carryOut(store, "read", tableSectorOffset(first), count * TABLE_SECTOR);
      for (let index = 0; index < count; index++) {
        const sector = data.subarray(index * TABLE_SECTOR, (index + 1) * TABLE_SECTOR);
        decodeTableSector(subject, header, table, first + index, sector);
      }
      first += count;
    }
    const places = checkPlaces(subject, table);
    checkEnd(store, layout, table, places);
    return new Overlay(base, file, header, table, places);
  }

  /** Makes an overlay: the header, which makes it one, comes last. */
  static #create(base: BlockStore, file: OverlayFile, generation: string, layout: OverlayLayout): Overlay {
    const { store } = file, { bytes, sectorBytes } = base;
    const id = crypto.getRandomValues(new Uint8Array(16));
    const header = { bytes, sectorBytes, id, generation: 0, base: generation, committing: false };
    const table = emptyTable(layout);
    const first = encodeHeader(store.subject, header);
    const sectors = Math.floor(store.longest / TABLE_SECTOR);
    for (let index = 0; index < layout.tableSectors; index += sectors) {
      const some = tableSectors(header, table, index, Math.min(sectors, layout.tableSectors - index));
      carryOut(store, "write", tableSectorOffset(index), some.length, some);
    }
    carryOut(store, "flush");
    carryOut(store, "write", 0, TABLE_SECTOR, first);
    carryOut(store, "flush");
    return new Overlay(base, file, header, table, 0);
  }

  /** Bytes that the changes take. */
  get taken(): number {
    return this.#places * CLUSTER;
  }

  /** See {@linkcode BlockStore.begin}. */
  begin(action: BlockAction, offset: number, length: number, data: Uint8Array, done: BlockDone): void {
    switch (action) {
      case "read":
        return this.#read(offset, length, done);
      case "write":
        return this.#afterMark(done, () => this.#write(offset, data, done));
      case "flush":
        return this.#flush(done);
      case "identify":
        return this.#identify(done);
      case "discard":
        // What was there may stay there: taking it out would need a change of the table for nothing that the guest could see.
        return done(DONE);
    }
  }

  /** See {@linkcode BlockStore.poll}. */
  poll(): void {
    this.#base.poll();
    this.#file.poll();
  }

  /** See {@linkcode BlockStore.wait}. */
  wait(milliseconds: number): void {
    const base = this.#busy.get(this.#base)! > 0, file = this.#busy.get(this.#file)! > 0;
    // Where either may be the next, neither is waited for in vain for long.
    const limit = base && file ? Math.min(1, milliseconds) : milliseconds;
    if (base) this.#base.wait(limit);
    if (file) this.#file.wait(limit);
  }

  /** Begins an operation of one of the two stores. */
  #ask(
    store: BlockStore,
    action: BlockAction,
    offset: number,
    length: number,
    data: Uint8Array,
    done: BlockDone,
  ): void {
    this.#busy.set(store, this.#busy.get(store)! + 1);
    store.begin(action, offset, length, data, (outcome) => {
      this.#busy.set(store, this.#busy.get(store)! - 1);
      done(outcome);
    });
  }

  #read(offset: number, length: number, done: BlockDone): void {
    const runs = this.#runs(offset, length);
    if (runs.length === 1) return this.#ask(runs[0]!.store, "read", runs[0]!.from, length, NOTHING, done);
    const whole = new Uint8Array(length);
    const all = gather(runs.length, () => done({ status: "ok", data: whole }), done);
    let at = 0;
    for (const { store, from, length } of runs) {
      const place = at;
      at += length;
      this.#ask(store, "read", from, length, NOTHING, (outcome) => {
        if (outcome.status === "ok") whole.set(outcome.data, place);
        all(outcome);
      });
    }
  }

  /** Where the bytes of a range are. */
  #runs(offset: number, length: number): Run[] {
    const runs: Run[] = [];
    for (let at = offset; at < offset + length;) {
      const size = Math.min(BLOCK - at % BLOCK, offset + length - at);
      const there = this.#has(at);
      const store = there ? this.#file : this.#base, from = there ? this.#placeOf(at) : at;
      const last = runs.at(-1);
      if (last?.store === store && last.from + last.length === from) last.length += size;
      else runs.push({ store, from, length: size });
      at += size;
    }
    return runs;
  }

  #write(offset: number, data: Uint8Array, done: BlockDone): void {
    const end = offset + data.length;
    const first = Math.floor(offset / BLOCK) * BLOCK, last = Math.floor((end - 1) / BLOCK) * BLOCK;
    // A block that is not here yet comes whole: what is not written of it is the disk's.
    const stop = Math.min(last + BLOCK, this.bytes);
    const head = offset > first && !this.#has(offset);
    const tail = end < stop && !this.#has(end - 1);
    if (!head && !tail) return this.#store(offset, data, done);
    const from = head ? first : offset, to = tail ? stop : end;
    const whole = new Uint8Array(to - from);
    const all = gather(1 + Number(head) + Number(tail), () => {
      whole.set(data, offset - from);
      this.#store(from, whole, done);
    }, done);
    const fill = (block: number) => {
      const length = Math.min(BLOCK, this.bytes - block);
      this.#ask(this.#base, "read", block, length, NOTHING, (outcome) => {
        if (outcome.status === "ok") {
          const skipped = Math.max(0, from - block);
          whole.set(outcome.data.subarray(skipped, skipped + to - Math.max(from, block)), Math.max(0, block - from));
        }
        all(outcome);
      });
    };
    if (head) fill(first);
    if (tail) fill(last);
    all(DONE);
  }

  /** Stores what is whole blocks, or inside blocks that are here. */
  #store(offset: number, data: Uint8Array, done: BlockDone): void {
    const pieces: { at: number; length: number }[] = [];
    for (let at = 0; at < data.length;) {
      const length = Math.min(CLUSTER - (offset + at) % CLUSTER, data.length - at);
      pieces.push({ at, length });
      at += length;
    }
    const all = gather(pieces.length, () => done(DONE), done);
    for (const { at, length } of pieces) {
      const from = offset + at, cluster = Math.floor(from / CLUSTER);
      const { places, blocks } = this.#table;
      if (places[cluster] === 0) places[cluster] = ++this.#places;
      this.#ask(this.#file, "write", this.#placeOf(from), length, data.subarray(at, at + length), (outcome) => {
        if (outcome.status === "ok") {
          const low = Math.floor(from % CLUSTER / BLOCK), high = Math.ceil((from % CLUSTER + length) / BLOCK);
          const mask = (1 << high) - (1 << low);
          if ((blocks[cluster]! & mask) !== mask) {
            blocks[cluster]! |= mask;
            this.#changed.add(tableSectorOf(cluster));
          }
        }
        all(outcome);
      });
    }
  }

  /** What was written becomes stable, then what tells of it. Nothing else is under way: a flush waits, and is waited for. */
  #flush(done: BlockDone): void {
    const sectors = [...this.#changed].sort((a, b) => a - b);
    if (sectors.length === 0) return this.#ask(this.#file, "flush", 0, 0, NOTHING, done);
    this.#changed.clear();
    const failedThen: BlockDone = (outcome) => {
      for (const sector of sectors) this.#changed.add(sector);
      done(outcome);
    };
    const next = (then: () => void): BlockDone => (outcome) => outcome.status === "ok" ? then() : failedThen(outcome);
    const pieces = stretches(sectors, Math.floor(this.longest / TABLE_SECTOR));
    const stable = pieces.map(({ first, count }) => tableSectors(this.#header, this.#table, first, count));
    this.#ask(
      this.#file,
      "flush",
      0,
      0,
      NOTHING,
      next(() => {
        const all = gather(
          pieces.length,
          () => this.#ask(this.#file, "flush", 0, 0, NOTHING, next(() => done(DONE))),
          failedThen,
        );
        for (const [index, { first }] of pieces.entries()) {
          const bytes = stable[index]!;
          this.#ask(this.#file, "write", tableSectorOffset(first), bytes.length, bytes, all);
        }
      }),
    );
  }

  /** The contents' name; what is changed from here on has another. */
  #identify(done: BlockDone): void {
    if (!this.#lasting) {
      if (this.#places === 0) return this.#ask(this.#base, "identify", 0, 0, NOTHING, done);
      const reason =
        "is nonpersistent: what the guest wrote is gone at the end of the run, and no snapshot could find it again; " +
        "give the disk an overlay that lasts, with the mode undoable";
      return done(failed(reason));
    }
    this.#marked = "no";
    done({ status: "ok", data: new TextEncoder().encode(overlayGeneration(this.#header)) });
  }

  /** Has the header count up, once, before anything is changed. */
  #afterMark(done: BlockDone, then: () => void): void {
    if (this.#marked === "yes" || !this.#lasting) return then();
    this.#waiting.push(then);
    if (this.#marked === "soon") return;
    this.#marked = "soon";
    const header = { ...this.#header, generation: this.#header.generation + 1 };
    const refuse: BlockDone = (outcome) => {
      this.#marked = "no";
      this.#waiting = this.#waiting.filter((waiting) => waiting !== then);
      done(outcome);
      // The others try for themselves.
      const others = this.#waiting.splice(0);
      for (const other of others) this.#afterMark(done, other);
    };
    this.#ask(this.#file, "write", 0, TABLE_SECTOR, encodeHeader(this.#file.subject, header), (outcome) => {
      if (outcome.status !== "ok") return refuse(outcome);
      this.#ask(this.#file, "flush", 0, 0, NOTHING, (outcome) => {
        if (outcome.status !== "ok") return refuse(outcome);
        this.#header = header;
        this.#marked = "yes";
        for (const waiting of this.#waiting.splice(0)) waiting();
      });
    });
  }

  #has(offset: number): boolean {
    return (this.#table.blocks[Math.floor(offset / CLUSTER)]! >> Math.floor(offset % CLUSTER / BLOCK) & 1) === 1;
  }

  #placeOf(offset: number): number {
    return this.#layout.data + (this.#table.places[Math.floor(offset / CLUSTER)]! - 1) * CLUSTER + offset % CLUSTER;
  }
}

/** Sectors of the table, as they are in the file. */
function tableSectors(header: OverlayHeader, table: OverlayTable, first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count * TABLE_SECTOR);
  for (let index = 0; index < count; index++) {
    bytes.set(encodeTableSector(header, table, first + index), index * TABLE_SECTOR);
  }
  return bytes;
}

/** Neighbours together, at most so many. */
function stretches(sectors: readonly number[], most: number): { first: number; count: number }[] {
  const all: { first: number; count: number }[] = [];
  for (const sector of sectors) {
    const last = all.at(-1);
    if (last !== undefined && last.first + last.count === sector && last.count < most) last.count++;
    else all.push({ first: sector, count: 1 });
  }
  return all;
}

/** Calls `good` when so many are done, or `bad` with the first failure when they are. */
function gather(count: number, good: () => void, bad: BlockDone): BlockDone {
  let failure: BlockOutcome | undefined;
  return (outcome) => {
    if (outcome.status !== "ok") failure ??= outcome;
    if (--count > 0) return;
    if (failure === undefined) good();
    else bad(failure);
  };
}

function checkBase(subject: string, header: OverlayHeader, base: BlockStore, generation: string): void {
  const refuse = (where: string, expected: string, found: string, remedy: string) => {
    throw new BulkheadError({ code: "overlay-mismatch", subject, where, expected, found, remedy });
  };
  if (header.committing) {
    const remedy = "finish it with `bulkhead disk commit`";
    refuse(
      "header",
      "an overlay of the disk",
      "one that was being written into the disk when that was interrupted",
      remedy,
    );
  }
  const size = (of: { bytes: number; sectorBytes: number }) => `${of.bytes} bytes in sectors of ${of.sectorBytes}`;
  if (header.bytes !== base.bytes || header.sectorBytes !== base.sectorBytes) {
    refuse(
      "header",
      `a disk of ${size(header)}`,
      `${base.subject} of ${size(base)}`,
      "name the disk that it was made for",
    );
  }
  if (header.base !== generation) {
    const remedy =
      "the disk was changed after the overlay was made, or is another one: name the disk as it was, or discard the overlay";
    refuse("the disk's generation", printable(header.base), printable(generation), remedy);
  }
}

/** A file that was cut off lacks the last block that the table tells of. */
function checkEnd(store: BlockStore, { data }: OverlayLayout, { places, blocks }: OverlayTable, last: number): void {
  if (last === 0) return;
  const block = BLOCKS - 1 - Math.clz32(blocks[places.indexOf(last)]! << 16);
  const offset = data + (last - 1) * CLUSTER + block * BLOCK;
  try {
    carryOut(store, "read", offset, TABLE_SECTOR);
  } catch (error) {
    throw damaged(
      store.subject,
      `offset ${offset}`,
      "a block that its table tells of",
      "none",
      (error as Error).message,
    );
  }
}
