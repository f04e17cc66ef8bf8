/**
 * A disk between the chip in front of it and the store behind it: order, time and state.
 *
 * @module
 */
import type { BlockDisk, BlockFrontEnd, BlockRequest, BlockStatus } from "../bus/backend.ts";
import type { ClockAlarm, VirtualClock } from "../bus/clock.ts";
import { printable } from "../sandbox/printable.ts";
import { BulkheadError } from "../bus/error.ts";
import type { LogLevel } from "../bus/log.ts";
import { type BlockAction, type BlockOutcome, type BlockStore, NOTHING } from "./block_store.ts";
import { checkState, type DiskState, type SavedFlight } from "./disk_state.ts";
import { carryOut, generationOf, waitUntil } from "./waiting.ts";

/** Virtual nanoseconds that a request takes in a deterministic machine, and those of each byte: half a gigabyte a second. */
const LATENCY = { REQUEST: 80_000, BYTE: 2 } as const;

/** Requests in flight at most: more than any chip's queues hold. */
const MOST_FLIGHTS = 4096;

/** Failures that are told one by one; the others are only counted. */
const TOLD_FAILURES = 8;

/** What a disk needs of its machine. */
export interface DiskSurroundings {
  /** Virtual time. */
  readonly clock: VirtualClock;
  /** Answers come at virtual instants that are fixed by the requests; otherwise as soon as they are there. */
  readonly deterministic: boolean;
  /** Where sentences go. */
  log(level: LogLevel, message: string): void;
}

/** What a disk did. */
export interface DiskStatistics {
  /** Requests by kind. */
  readonly requests: Readonly<Record<BlockRequest, number>>;
  /** Bytes that the guest read. */
  readonly read: number;
  /** Bytes that the guest wrote. */
  readonly written: number;
  /** Requests that failed. */
  readonly failures: number;
  /** Milliseconds that the virtual CPU waited for the host. */
  readonly waited: number;
}

interface Flight {
  readonly tag: number;
  readonly request: BlockRequest;
  readonly offset: number;
  readonly length: number;
  readonly data: Uint8Array;
  /** The virtual instant of the answer; 0 where answers come when they are there. */
  readonly due: number;
  begun: boolean;
  /** Operations of the store that are not done. */
  left: number;
  failure: BlockOutcome | undefined;
  outcome: BlockOutcome | undefined;
  /** Nobody waits for the answer any more. */
  cancelled: boolean;
}

/** A disk. */
export class Disk implements BlockDisk {
  readonly bytes: number;
  readonly sectorBytes: number;
  readonly readOnly: boolean;
  readonly #store: BlockStore;
  readonly #around: DiskSurroundings;
  readonly #alarm: ClockAlarm;
  readonly #counts: Record<BlockRequest, number> = { read: 0, write: 0, flush: 0, discard: 0, "write-zeroes": 0 };
  #front: BlockFrontEnd | undefined;
  /** In the order of submission. */
  #flights: Flight[] = [];
  #lastDue = 0;
  #read = 0;
  #written = 0;
  #failures = 0;
  #waited = 0;

  /**
   * A disk with nothing in front of it yet.
   *
   * @param name Its name in the machine.
   * @param id What the guest may know it by: at most 20 printable ASCII characters.
   */
  constructor(
    readonly name: string,
    readonly id: string,
    store: BlockStore,
    around: DiskSurroundings,
    readOnly = false,
  ) {
    this.#store = store;
    this.#around = around;
    this.bytes = store.bytes;
    this.sectorBytes = store.sectorBytes;
    this.readOnly = readOnly || store.readOnly;
    this.#alarm = around.clock.alarm(`disk/${name}`, () => this.#answer());
  }

  /** Puts a chip in front. */
  connect(front: BlockFrontEnd): void {
    this.#front = front;
  }

  /** See {@linkcode BlockDisk.submit}. */
  submit(tag: number, request: BlockRequest, offset: number, length: number, data: Uint8Array): void {
    const { clock, deterministic } = this.#around;
    const refused = this.#refusal(tag, request, offset, length, data);
    let due = 0;
    if (deterministic) {
      due = Math.max(clock.now() + LATENCY.REQUEST + (refused ? 0 : length) * LATENCY.BYTE, this.#lastDue);
      this.#lastDue = due;
    }
    const outcome = refused === undefined ? undefined : { status: "error" as const, data: NOTHING, error: refused };
    const flight: Flight = {
      tag,
      request,
      offset,
      length,
      data: request === "write" ? data : NOTHING,
      due,
      begun: outcome !== undefined,
      left: 0,
      failure: undefined,
      outcome,
      cancelled: false,
    };
    this.#flights.push(flight);
    if (Object.hasOwn(this.#counts, request)) this.#counts[request]++;
    if (outcome !== undefined) this.#ended(flight);
    else this.#pump();
    if (deterministic) this.#armNext();
  }

  /** See {@linkcode BlockDisk.cancel}. */
  cancel(): void {
    // What the store has begun goes on, and what is submitted next keeps behind it.
    this.#flights = this.#flights.filter(({ begun, outcome }) => begun && outcome === undefined);
    for (const flight of this.#flights) flight.cancelled = true;
    this.#around.clock.arm(this.#alarm, Infinity);
  }

  /** Takes what the store has done. At an instruction boundary, when somebody called for attention. */
  poll(): void {
    if (this.#flights.length > 0) this.#store.poll();
  }

  /** What it did. */
  statistics(): DiskStatistics {
    return {
      requests: { ...this.#counts },
      read: this.#read,
      written: this.#written,
      failures: this.#failures,
      waited: this.#waited,
    };
  }

  /**
   * Brings everything that was written to stable storage, once what is under way is done.
   *
   * @throws {BulkheadError} `disk-late`, or `disk-failed`.
   */
  flush(): void {
    this.#drain();
    carryOut(this.#store, "flush");
  }

  /**
   * The disk as plain data, with the generation of its contents, which are on stable storage then.
   *
   * @throws {BulkheadError} `disk-cannot-rewind`: a store that cannot tell its contents from others.
   */
  save(): DiskState {
    this.flush();
    const generation = generationOf(this.#store);
    if (generation === undefined) {
      throw new BulkheadError({
        code: "disk-cannot-rewind",
        subject: this.#store.subject,
        sentence:
          `${this.#store.subject} cannot be part of a snapshot: its back end cannot tell its contents from later ones, ` +
          "so that a restored machine might find another disk than the one it was saved with",
      });
    }
    return {
      version: 1,
      name: this.name,
      bytes: this.bytes,
      sectorBytes: this.sectorBytes,
      readOnly: this.readOnly,
      generation,
      lastDue: this.#lastDue,
      flights: this.#flights.filter(({ cancelled }) => !cancelled).map(savedFlight),
    };
  }

  /**
   * Takes over a saved state. Requests that had no answer yet are asked again.
   *
   * @throws {BulkheadError} `disk-mismatch`: another disk, or another generation of its contents.
   */
  restore(state: DiskState): void {
    checkState(state);
    const { subject } = this.#store;
    const refuse = (where: string, expected: string, found: string, remedy: string) => {
      throw new BulkheadError({ code: "disk-mismatch", subject, where, expected, found, remedy });
    };
    if (state.bytes !== this.bytes || state.sectorBytes !== this.sectorBytes) {
      const size = (of: { bytes: number; sectorBytes: number }) => `${of.bytes} bytes in sectors of ${of.sectorBytes}`;
      refuse(
        "size",
        `${size(state)}, as in the snapshot`,
        size(this),
        "give the machine the disk that it was saved with",
      );
    }
    if (state.readOnly !== this.readOnly) {
      const how = (readOnly: boolean) => readOnly ? "a disk that cannot be written" : "a disk that can be written";
      refuse("mode", `${how(state.readOnly)}, as in the snapshot`, how(this.readOnly), "give it as it was given then");
    }
    const generation = generationOf(this.#store) ?? "none";
    if (generation !== state.generation) {
      const remedy = "the disk was written after the snapshot was taken: restore a copy of it from then";
      refuse("generation of its contents", printable(state.generation), printable(generation), remedy);
    }
    this.#lastDue = state.lastDue;
    this.#flights = state.flights.map((saved): Flight => ({
      ...saved,
      begun: saved.status !== null,
      left: 0,
      failure: undefined,
      outcome: saved.status === null ? undefined : { status: saved.status, data: saved.answer },
      cancelled: false,
    }));
    this.#pump();
    // A deterministic machine's alarm is part of its clock's state.
    if (!this.#around.deterministic) this.#around.clock.arm(this.#alarm, this.#around.clock.now());
  }

  /** Why a request is not carried out. */
  #refusal(
    tag: number,
    request: BlockRequest,
    offset: number,
    length: number,
    data: Uint8Array,
  ): string | undefined {
    const sector = this.sectorBytes;
    if (!Object.hasOwn(this.#counts, request)) return "a request of no known kind";
    if (!Number.isInteger(tag) || tag < 0 || tag > 0xffffffff) return `a tag that is none: ${tag}`;
    if (this.#flights.length >= MOST_FLIGHTS) return `more than ${MOST_FLIGHTS} requests in flight`;
    if (this.#flights.some((other) => other.tag === tag && !other.cancelled)) return `two requests with the tag ${tag}`;
    if (request === "flush") return undefined;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      return "a range that is none";
    }
    if (offset % sector !== 0 || length % sector !== 0) {
      return `${length} bytes at ${offset}, which are no whole sectors`;
    }
    if (offset + length > this.bytes) return `${length} bytes at ${offset} of a disk of ${this.bytes}`;
    if (request !== "read" && this.readOnly) return "a change of a disk that cannot be written";
    if (request === "write" && data.length !== length) {
      return `${data.length} bytes of data where ${length} are to be written`;
    }
    return undefined;
  }

  /** Begins what need not wait for anything before it. */
  #pump(): void {
    // What is done at once is taken out of the list meanwhile.
    const flights = this.#flights;
    for (const [index, flight] of flights.entries()) {
      if (flight.begun || this.#blocked(flight, flights.slice(0, index))) continue;
      flight.begun = true;
      this.#begin(flight);
    }
  }

  #blocked(flight: Flight, before: readonly Flight[]): boolean {
    for (const other of before) {
      if (other.outcome !== undefined) continue;
      if (flight.request === "flush" || other.request === "flush") return true;
      if (flight.request === "read" && other.request === "read") continue;
      const { granule } = this.#store;
      const from = Math.floor(flight.offset / granule), to = Math.ceil((flight.offset + flight.length) / granule);
      if (Math.floor(other.offset / granule) < to && Math.ceil((other.offset + other.length) / granule) > from) {
        return true;
      }
    }
    return false;
  }

  #begin(flight: Flight): void {
    const { request, offset, length, data } = flight;
    const store = this.#store;
    if (request === "flush") {
      flight.left = 1;
      store.begin("flush", 0, 0, NOTHING, (outcome) => this.#done(flight, 0, outcome, undefined));
      return;
    }
    const action: BlockAction = request === "write-zeroes" ? "write" : request;
    const pieces = piecesOf(offset, length, store);
    flight.left = Math.max(1, pieces.length);
    const whole = request === "read" && pieces.length > 1 ? new Uint8Array(length) : undefined;
    const zeroes = request === "write-zeroes" ? new Uint8Array(Math.min(length, store.longest)) : undefined;
    if (length === 0) return this.#done(flight, 0, { status: "ok", data: NOTHING }, undefined);
    for (const { at, size } of pieces) {
      const piece = zeroes?.subarray(0, size) ?? (request === "write" ? data.subarray(at, at + size) : NOTHING);
      store.begin(action, offset + at, size, piece, (outcome) => this.#done(flight, at, outcome, whole));
    }
  }

  #done(flight: Flight, at: number, outcome: BlockOutcome, whole: Uint8Array | undefined): void {
    if (outcome.status !== "ok") flight.failure ??= outcome;
    else if (flight.request === "read") whole?.set(outcome.data, at);
    if (--flight.left > 0) return;
    const ok = whole === undefined ? outcome : { status: "ok" as const, data: whole };
    flight.outcome = flight.failure ?? ok;
    this.#ended(flight);
    this.#pump();
  }

  #ended(flight: Flight): void {
    const { outcome, request, length } = flight;
    if (flight.cancelled) {
      this.#flights = this.#flights.filter((other) => other !== flight);
      return;
    }
    if (outcome!.status === "error" && ++this.#failures <= TOLD_FAILURES) {
      const { offset } = flight;
      const what = request === "flush" ? "a flush" : `${request} of ${length} bytes at ${offset}`;
      this.#around.log("warning", `${what} failed: ${outcome!.error ?? "the host's system failed"}`);
    }
    const { clock, deterministic } = this.#around;
    if (!deterministic) clock.arm(this.#alarm, clock.now());
  }

  /** Gives the front end what is due. */
  #answer(): void {
    const { clock, deterministic } = this.#around;
    const now = clock.now();
    const due = this.#flights.filter((flight) =>
      !flight.cancelled && (deterministic ? flight.due <= now : flight.outcome)
    );
    for (const flight of due) {
      // The front end may cancel in the middle.
      if (!this.#flights.includes(flight) || flight.cancelled) continue;
      if (flight.outcome === undefined) this.#await(() => flight.outcome !== undefined);
      this.#flights = this.#flights.filter((other) => other !== flight);
      const { status, data } = flight.outcome!;
      if (status === "ok" && flight.request === "read") this.#read += flight.length;
      if (status === "ok" && flight.request === "write") this.#written += flight.length;
      this.#front?.complete(flight.tag, status, flight.request === "read" ? data : NOTHING);
    }
    if (deterministic) this.#armNext();
  }

  #armNext(): void {
    let next = Infinity;
    for (const { due, cancelled } of this.#flights) if (!cancelled && due < next) next = due;
    if (next !== this.#alarm.due) this.#around.clock.arm(this.#alarm, next);
  }

  #drain(): void {
    this.#await(() => this.#flights.every(({ outcome }) => outcome !== undefined));
  }

  #await(met: () => boolean): void {
    this.#waited += waitUntil(this.#store, met);
  }
}

/** A range in pieces that a store takes and that share no granule. */
function piecesOf(offset: number, length: number, { longest, granule }: BlockStore): { at: number; size: number }[] {
  const pieces: { at: number; size: number }[] = [];
  for (let at = 0; at < length;) {
    const end = Math.floor((offset + at + longest) / granule) * granule;
    const size = Math.min(end - offset, length) - at;
    pieces.push({ at, size });
    at += size;
  }
  return pieces;
}

function savedFlight({ tag, request, offset, length, data, due, outcome }: Flight): SavedFlight {
  const status: BlockStatus | null = outcome?.status ?? null;
  return {
    tag,
    request,
    offset,
    length,
    data: status === null ? data : NOTHING,
    due,
    status,
    answer: outcome?.data ?? NOTHING,
  };
}
