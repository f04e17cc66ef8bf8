/**
 * A link to a back end over rings in shared memory.
 *
 * @module
 */
import type { BackendKind } from "../bus/backend_kinds.ts";
import { BulkheadError } from "../bus/error.ts";
import type { LogLevel } from "../bus/log.ts";
import { BackendFrameReader, encodeBackendFrame, FRAME } from "./backend_frames.ts";
import type { BackendFrame } from "./backend_frames.ts";
import type { BackendAnswer, BackendEvent, BackendLink, BackendProperties, BackendRequest } from "./backend_link.ts";
import { type BackendOpened, WITH_BYTES } from "./backend_runtime.ts";
import { plainToThrown } from "./device_runtime.ts";
import { MOST_METRICS, portFault } from "./backend_voice.ts";
import { FloodGate, levelOf } from "./flood_gate.ts";
import type { Plain } from "./plain.ts";
import { PLUGIN_LIMITS } from "./plugin_limits.ts";
import { ByteRing } from "./ring.ts";

/** What a link is made of. */
export interface SharedBackendLinkOptions {
  /** Its name in the machine, and the plugin for sentences. */
  readonly name: string;
  readonly subject: string;
  readonly id: string;
  readonly kind: BackendKind;
  /** What it said of itself. */
  readonly opened: BackendOpened;
  readonly requests: SharedArrayBuffer;
  readonly answers: SharedArrayBuffer;
  /** Milliseconds in which the oldest request is answered. */
  readonly limit?: number;
  /** Told once, when the back end is gone. */
  readonly detached: (error: BulkheadError) => void;
  /** What it reports. */
  readonly log: (
    level: LogLevel,
    message: string,
    fields?: Readonly<Record<string, number | string | boolean>>,
  ) => void;
}

/** Events that wait for a listener, or for being settled, at most, and come between two looks; and bytes in them. */
const MOST_EVENTS = 1024, MOST_EVENT_BYTES = 4 << 20;

/** Characters of what it says is wrong with it. */
const LONGEST_FAULT = 200;

interface Pending {
  readonly id: number;
  readonly done: (answer: BackendAnswer) => void;
}

/** What was asked of a back end since power-on, and what it counted itself. */
export interface BackendCounters {
  /** Requests, by method. */
  readonly requests: Readonly<Record<string, number>>;
  /** Requests that ended with an error. */
  readonly failures: number;
  /** What it gave to the machine: bytes at a port, keys. */
  readonly events: number;
  /** Its own counters. */
  readonly counts: Readonly<Record<string, number>>;
}

/** See {@linkcode BackendLink}. */
export class SharedBackendLink implements BackendLink {
  readonly name: string;
  readonly id: string;
  readonly kind: BackendKind;
  readonly properties: BackendProperties;
  readonly methods: ReadonlySet<string>;
  /** Counters of the back end. */
  readonly counts = new Map<string, number>();
  readonly #options: SharedBackendLinkOptions;
  readonly #requests: ByteRing;
  readonly #answers: ByteRing;
  readonly #frames = new BackendFrameReader();
  readonly #flood: FloodGate;
  /** Frames that are not in the ring yet, and how much of the first one is. */
  #queue: Uint8Array[] = [];
  #sent = 0;
  /** In the order of submission, which is that of the answers. */
  #pending: Pending[] = [];
  #since = 0;
  #nextId = 1;
  #failed: BulkheadError | undefined;
  #listener: ((event: BackendEvent) => void) | undefined;
  #events: BackendEvent[] = [];
  #unsettled = 0;
  #unsettledBytes = 0;
  /** Events since the last look at its ring. */
  #fresh = 0;
  #closing = false;
  readonly #requested: Record<string, number> = {};
  #failures = 0;
  #eventCount = 0;

  /** A link to a back end that has been opened. */
  constructor(options: SharedBackendLinkOptions) {
    this.#options = options;
    this.name = options.name;
    this.id = options.id;
    this.kind = options.kind;
    this.properties = options.opened.properties;
    this.methods = new Set(options.opened.methods);
    this.#requests = new ByteRing(options.requests);
    this.#answers = new ByteRing(options.answers);
    this.#flood = new FloodGate(() => this.#fail("it logged, or counted, without end"));
  }

  /** The back end, for sentences. */
  get subject(): string {
    return this.#options.subject;
  }

  /** See {@linkcode BackendLink.failed}. */
  get failed(): BulkheadError | undefined {
    return this.#failed;
  }

  /** See {@linkcode BackendLink.pending}. */
  get pending(): number {
    return this.#pending.length;
  }

  /** See {@linkcode BackendLink.submit}. */
  submit({ method, args, bytes, room }: BackendRequest, done: (answer: BackendAnswer) => void): void {
    const id = this.#nextId;
    this.#nextId = (this.#nextId + 1) >>> 0;
    if (this.#pending.length === 0) this.#since = performance.now();
    this.#pending.push({ id, done });
    this.#requested[method] = (this.#requested[method] ?? 0) + 1;
    if (this.#failed !== undefined) return;
    const space = room ?? (bytes === undefined ? -1 : WITH_BYTES);
    this.#queue.push(encodeBackendFrame(FRAME.REQUEST, id, [method, args, space], bytes));
    // The first of several wakes the back end, which finds the others when it comes back for more.
    this.kick();
  }

  /** See {@linkcode BackendLink.kick}. */
  kick(): void {
    try {
      while (this.#queue.length > 0) {
        const frame = this.#queue[0]!;
        const written = this.#requests.write(this.#sent === 0 ? frame : frame.subarray(this.#sent));
        this.#sent += written;
        if (this.#sent < frame.length) return;
        this.#queue.shift();
        this.#sent = 0;
      }
    } catch (error) {
      this.#broken(error);
    }
  }

  /** See {@linkcode BackendLink.poll}. */
  poll(): void {
    this.kick();
    try {
      // Once round the ring at most: who writes faster than it is read is taken up again at the next safe point.
      const readable = this.#answers.readable;
      this.#fresh = 0;
      if (readable > 0) {
        const count = this.#answers.read(this.#frames.room(readable));
        for (const frame of this.#frames.push(count)) this.#hear(frame);
      }
    } catch (error) {
      this.#broken(error);
    }
    if (this.#failed !== undefined) return this.#refuseAll();
    if (this.#answers.stopped && this.#answers.readable === 0) {
      if (this.#closing && this.#pending.length === 0) return;
      return this.#fail("its compartment has ended");
    }
    const { limit = PLUGIN_LIMITS.request } = this.#options;
    if (this.#pending.length > 0 && performance.now() - this.#since > limit) {
      this.#fail(`it did not answer a request within ${limit / 1000} s`);
    }
  }

  /** See {@linkcode BackendLink.wait}. */
  wait(limit: number): boolean {
    const end = performance.now() + limit;
    const before = this.#pending.length;
    for (;;) {
      this.poll();
      if (this.#pending.length < before || this.#pending.length === 0) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      this.#answers.waitReadable(Math.min(left, 1000));
    }
  }

  /** What was asked of it, and what it counted. */
  statistics(): BackendCounters {
    return {
      requests: { ...this.#requested },
      failures: this.#failures,
      events: this.#eventCount,
      counts: Object.fromEntries(this.counts),
    };
  }

  /** See {@linkcode BackendLink.listen}. */
  listen(listener: (event: BackendEvent) => void): void {
    this.#listener = listener;
    for (const event of this.#events.splice(0)) listener(event);
  }

  /** The machine has ended, in order: what was submitted is carried out, and the back end closes. `finish` waits for that. */
  close(): void {
    this.#closing = true;
    this.kick();
    if (this.#queue.length === 0) this.#requests.stop();
  }

  /**
   * Blocks until the back end has closed.
   *
   * @param limit Milliseconds.
   * @returns False after the limit.
   */
  finish(limit: number): boolean {
    const end = performance.now() + limit;
    for (;;) {
      this.poll();
      if (this.#queue.length === 0) this.#requests.stop();
      if (this.#failed !== undefined || (this.#answers.stopped && this.#answers.readable === 0)) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      // While requests wait for room in the ring, nobody calls when there is some.
      this.#answers.waitReadable(Math.min(left, this.#queue.length > 0 ? 1 : 100));
    }
  }

  #hear({ kind, id, plain, bytes }: BackendFrame): void {
    if (this.#failed !== undefined) return;
    switch (kind) {
      case FRAME.ANSWER:
      case FRAME.REFUSAL: {
        const pending = this.#pending[0];
        if (pending?.id !== id) throw new RangeError("an answer to what was not asked");
        this.#pending.shift();
        this.#since = performance.now();
        if (kind === FRAME.ANSWER) return pending.done({ value: plain, bytes });
        this.#failures++;
        const thrown = plainToThrown(plain);
        const { subject } = this.#options;
        const error = new BulkheadError({
          code: thrown instanceof BulkheadError ? thrown.code : "plugin-threw",
          subject,
          sentence: `${subject}: ${thrown.message}`,
        });
        return pending.done({ error });
      }
      case FRAME.EVENT:
        return this.#event(id, plain, bytes);
      case FRAME.LOG: {
        const [level, message, fields] = plain as [LogLevel, string, Record<string, number>];
        if (this.#flood.admits()) this.#options.log(levelOf(level), String(message), Object(fields));
        return;
      }
      case FRAME.COUNT: {
        if (!this.#flood.admits()) return;
        if (!Array.isArray(plain) || plain.length > MOST_METRICS) throw new RangeError("counts that are none");
        for (const [metric, by] of plain as [string, number][]) {
          if (this.counts.size >= MOST_METRICS && !this.counts.has(String(metric))) continue;
          this.counts.set(String(metric), (this.counts.get(String(metric)) ?? 0) + Number(by));
        }
        return;
      }
      case FRAME.FAULT:
        return this.#fail(String(plain).slice(0, LONGEST_FAULT));
      default:
        throw new RangeError(`a message of the unknown kind ${kind}`);
    }
  }

  #event(id: number, plain: Plain, bytes: Uint8Array): void {
    const [method, args, withBytes] = plain as [string, Plain[], boolean];
    if (typeof method !== "string" || !Array.isArray(args)) throw new RangeError("an event that is none");
    const size = withBytes ? bytes.length : 0;
    const fault = portFault(this.kind, method, args, withBytes ? bytes : undefined);
    if (fault !== undefined) throw new RangeError(fault);
    this.#eventCount++;
    this.#unsettled++;
    this.#unsettledBytes += size;
    if (++this.#fresh > MOST_EVENTS || this.#unsettled > MOST_EVENTS || this.#unsettledBytes > MOST_EVENT_BYTES) {
      throw new RangeError("events without end");
    }
    let settled = false;
    const event: BackendEvent = {
      method,
      args,
      ...(withBytes ? { bytes: bytes.slice() } : {}),
      settle: (value) => {
        if (settled) return;
        settled = true;
        this.#unsettled--;
        this.#unsettledBytes -= size;
        if (this.#failed === undefined) this.#queue.push(encodeBackendFrame(FRAME.SETTLE, id, value));
      },
    };
    if (this.#listener === undefined) this.#events.push(event);
    else this.#listener(event);
  }

  #broken(error: unknown): void {
    this.#fail(`it broke the rules of its rings: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** It is gone, for this reason. */
  refuse(error: BulkheadError): void {
    if (this.#failed !== undefined) return;
    this.#queue = [];
    this.#failed = error;
    // What waits for room, or for more to do, ends.
    this.#requests.stop();
    this.#answers.stop();
    this.#options.detached(error);
    this.#refuseAll();
  }

  #fail(why: string): void {
    const { subject } = this.#options;
    this.refuse(new BulkheadError({ code: "plugin-detached", subject, sentence: `${subject} was detached: ${why}` }));
  }

  #refuseAll(): void {
    this.#failures += this.#pending.length;
    for (const { done } of this.#pending.splice(0)) done({ error: this.#failed! });
  }
}
