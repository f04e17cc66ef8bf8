/**
 * The near side of a device in another compartment: a device value like any other, whose functions cross.
 *
 * Whatever the far side does, every call ends, in time: a device that does not answer, answers nonsense or asks without end is detached, its
 * registers read as ones, and the core is told why.
 *
 * @module
 */
import type { Needs, Width } from "../bus/claims.ts";
import type { Alarm, AnyDevice, ResetKind } from "../bus/contract.ts";
import { BulkheadError } from "../bus/error.ts";
import type { Interface } from "../bus/interface.ts";
import { LIVE_STATE, type LiveState } from "../bus/live_state.ts";
import { thrownBy } from "./compartment.ts";
import { Conversation, ConversationError, OPERATION, POSTED_BYTES, VIRTIO_EVENTS } from "./conversation.ts";
import type { DeviceManifest } from "./description.ts";
import { plainToThrown, stateWords, type WireRequest } from "./device_runtime.ts";
import { FloodGate } from "./flood_gate.ts";
import { revived } from "./known_interfaces.ts";
import { FLOAT, HEADER_BYTES, type Port, WORD } from "./mailbox.ts";
import { decodePlain, encodePlain, type Plain } from "./plain.ts";
import { PLUGIN_LIMITS } from "./plugin_limits.ts";
import { plainState } from "./plain_state.ts";
import { printable } from "./printable.ts";
import { type Answer, RemoteQuestions, UNCONNECTED, type Wired } from "./remote_questions.ts";
import { buildWiring, checkDescription } from "./wiring.ts";

/** How a device in another compartment is held. */
export interface RemoteDeviceOptions {
  /** The device, for sentences: `device "tally" (acme/tally)`. */
  readonly subject: string;
  /** What it declares. */
  readonly manifest: DeviceManifest;
  /** The near side of its mailbox. */
  readonly port: Port;
  /** Milliseconds that one access may take, and everything the device asks for meanwhile. */
  readonly limit?: number;
  /** Milliseconds in which its state is made and it is wired. */
  readonly wireLimit?: number;
  /** Posted writes are sent in batches, at safe points at the latest; otherwise each is waited for. */
  readonly batched?: boolean;
  /** Told once, when the device is detached. */
  readonly detached: (error: BulkheadError) => void;
}

/** Milliseconds that one access may take on the host. */
const ACCESS_LIMIT = PLUGIN_LIMITS.access;

/** Milliseconds that creating the state and wiring may take. */
const WIRE_LIMIT = PLUGIN_LIMITS.wire;

/** Questions that a device may ask during one access. */
const MOST_QUESTIONS = 20_000;

/** How deeply device and core may enter each other. */
const DEEPEST = 16;

/** Posted writes in a batch, and their bytes, at most. */
const MOST_POSTED = 64, MOST_POSTED_BYTES = 1 << 16;

const ONES = 0xffffffff;

const unconnected = () => () => UNCONNECTED;

/** A device in another compartment. */
export class RemoteDevice {
  /** The device, to be attached. */
  readonly device: AnyDevice;
  readonly #options: RemoteDeviceOptions;
  readonly #talk: Conversation;
  readonly #latchNames: readonly string[];
  readonly #questions: RemoteQuestions;
  readonly #answer: Answer = (result, bytes, what = OPERATION.ANSWER) =>
    this.#say(what, 0, 0, 0, result, undefined, bytes, 0);
  #failed: BulkheadError | undefined;
  #wired: Wired | undefined;
  #nextId = 1;
  #depth = 0;
  /** Posted writes that wait. */
  readonly #posted: Uint8Array;
  readonly #postedView: DataView;
  readonly #postedBytes: number;
  readonly #mostPosted: number;
  #postedCount = 0;
  /** A batch that was sent without waiting: since when. */
  #inFlight = -1;

  /** Holds the device behind a mailbox. */
  constructor(options: RemoteDeviceOptions) {
    this.#options = options;
    const { manifest } = options;
    this.#talk = new Conversation(options.port, stateWords(manifest));
    this.#latchNames = Object.keys(manifest.latches);
    const flood = new FloodGate(() => this.#detach("it logged without end"));
    this.#questions = new RemoteQuestions(manifest, () => flood.admits());
    this.#postedBytes = (POSTED_BYTES + 4 * this.#latchNames.length + 7) & ~7;
    this.#mostPosted = Math.max(1, Math.min(MOST_POSTED, Math.floor(MOST_POSTED_BYTES / this.#postedBytes)));
    this.#posted = new Uint8Array(this.#mostPosted * this.#postedBytes);
    this.#postedView = new DataView(this.#posted.buffer);
    this.device = this.#define();
  }

  /** Why it is detached, once it is. */
  get failed(): BulkheadError | undefined {
    return this.#failed;
  }

  /** At a safe point of the virtual CPU: sends posted writes on their way, and takes what came of earlier ones. */
  safePoint(): void {
    if (this.#failed !== undefined || this.#depth > 0) return;
    if (this.#inFlight >= 0) {
      try {
        while (this.#inFlight >= 0 && this.#talk.poll(this.#limit)) this.#hear();
        if (this.#inFlight >= 0 && performance.now() - this.#inFlight > this.#limit) this.#detach(this.#lateness());
      } catch (error) {
        this.#fail(error);
      }
    }
    if (this.#inFlight < 0 && this.#postedCount > 0 && this.#failed === undefined) this.#sendPosted();
  }

  /** Detaches the device, as when its compartment has ended. */
  detach(why: string): void {
    this.#detach(why);
  }

  get #limit(): number {
    return this.#options.limit ?? ACCESS_LIMIT;
  }

  #define(): AnyDevice {
    const { manifest } = this.#options;
    const { id, version, config, needs, latches, migrates } = manifest;
    return {
      id,
      api: 1,
      version,
      config,
      latches,
      needs: {
        ...needs,
        ...(needs.uses === undefined ? {} : { uses: revived(needs.uses, unconnected) }),
        ...(needs.provides === undefined ? {} : { provides: revived(needs.provides, unconnected) }),
      } as Needs,
      state: (given: unknown) => this.#state(OPERATION.STATE, 0, given),
      migrate: Object.fromEntries(
        migrates.map((from) => [from, (old: unknown) => this.#state(OPERATION.MIGRATE, from, old)]),
      ),
      wire: (ctx: never) => this.#wire(ctx),
    } as unknown as AnyDevice;
  }

  // deno-lint-ignore no-explicit-any
  #wire(ctx: any): object {
    const { needs } = this.#options.manifest;
    const id = this.#nextId++;
    const queues = Object.keys(needs.virtio?.queues ?? {});
    const alarms = (needs.alarms ?? []).map((name, index) =>
      ctx.alarm(name, (due: number) => this.#enter(OPERATION.RING, index, 0, 0, due, undefined, name))
    ) as Alarm[];
    const wired = this.#wired = {
      id,
      alarms,
      lines: Object.keys(needs.lines ?? {}).map((name) => ctx.irq(name)),
      dma: Object.keys(needs.dma ?? {}).map((name) => ctx.dma(name)),
      uses: Object.keys(needs.uses ?? {}).map((name) => ctx.use(name)),
      regs: ctx.regs,
      virtio: ctx.virtio,
      queues: queues.map((name) => ctx.virtio.queue(name)),
      now: ctx.now,
      log: ctx.log,
      count: ctx.count,
    } satisfies Wired;
    const request: WireRequest = {
      state: ctx.state,
      config: ctx.config,
      dues: alarms.map(({ due }) => due),
    };
    const description = checkDescription(this.#plain(OPERATION.WIRE, 0, request));
    Object.defineProperty(ctx.state, LIVE_STATE, {
      configurable: true,
      value: (() => {
        if (wired !== this.#wired) return ctx.state;
        return this.#state(OPERATION.SAVE, 0, undefined);
      }) satisfies LiveState,
    });
    return buildWiring(description, {
      slot: (index, name) => ({
        read: (offset, width) => this.#read(index, offset, width, name),
        write: (offset, width, value) => this.#write(index, offset, width, value, name),
        readBlock: (offset, width, into) => this.#readBlock(index, offset, width, into, name),
        writeBlock: (offset, width, from) => {
          const items = this.#enter(OPERATION.WRITE_BLOCK, index, offset, width, 0, from, name);
          return this.#items(items, from.length / width);
        },
        ...(this.#options.batched ? { post: (value: number) => this.#post(index, value) } : {}),
      }),
      input: (index, name) => (level) => void this.#enter(OPERATION.INPUT, index, level ? 1 : 0, 0, 0, undefined, name),
      provided: (index, name) => this.#provided(index, name),
      reset: (kind: ResetKind) =>
        void this.#enter(OPERATION.RESET, kind === "hard" ? 1 : 0, 0, 0, 0, undefined, "its reset"),
      queues,
      queue: (index, name, { tag, readable, writable }) =>
        void this.#enter(OPERATION.QUEUE, index, 0, writable, tag, readable, `queue ${name}`),
      offers: (feature) => this.#enter(OPERATION.OFFERS, feature, 0, 0, 0, undefined, "its features") === 1,
      event: (what, queue) =>
        void this.#enter(OPERATION.VIRTIO_EVENT, VIRTIO_EVENTS.indexOf(what), queue, 0, 0, undefined, what),
    });
  }

  #provided(index: number, name: string): object {
    const kind = this.#options.manifest.needs.provides![name];
    const peer: Record<string, unknown> = {};
    Object.entries(kind?.members ?? {}).forEach(([member, what], at) => {
      const fallback = () => (this.device.needs.provides as Record<string, Interface<object>>)[name]!.unconnected;
      const open = () => (fallback() as Record<string, unknown>)[member];
      if ("method" in what) {
        peer[member] = (...args: unknown[]) => {
          const answered = this.#enter(OPERATION.CALL, index, at, 0, 0, encodePlain(args), `${name}.${member}`);
          const value = answered === undefined ? (open() as (...all: unknown[]) => unknown)(...args) : this.#decoded();
          return value === UNCONNECTED ? undefined : value;
        };
      } else {
        Object.defineProperty(peer, member, {
          enumerable: true,
          get: () => {
            const answered = this.#enter(OPERATION.GET, index, at, 0, 0, undefined, `${name}.${member}`);
            return answered === undefined ? open() : this.#decoded();
          },
        });
      }
    });
    return peer;
  }

  #decoded(): Plain {
    try {
      return decodePlain(this.#talk.body);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #read(slot: number, offset: number, width: Width, name: string): number {
    const value = this.#enter(OPERATION.READ, slot, offset, width, 0, undefined, name);
    if (value === undefined) return ONES;
    if (Number.isNaN(value)) {
      this.#detach(`it returned NaN when the guest read ${name}`);
      return ONES;
    }
    return value;
  }

  #write(slot: number, offset: number, width: Width, value: number, name: string): void {
    this.#enter(OPERATION.WRITE, slot, offset, width, value, undefined, name);
  }

  #readBlock(slot: number, offset: number, width: Width, into: Uint8Array, name: string): number {
    const value = this.#enter(OPERATION.READ_BLOCK, slot, offset, width, into.length, undefined, name);
    const items = into.length / width;
    if (value === undefined) {
      into.fill(0xff);
      return items;
    }
    const { body } = this.#talk;
    into.set(body.subarray(0, into.length));
    return this.#items(value, items);
  }

  #items(value: number | undefined, most: number): number {
    if (value === undefined) return most;
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    this.#detach(`it said that it moved ${value} of ${most} items`);
    return most;
  }

  #post(slot: number, value: number): void {
    if (this.#failed !== undefined) return;
    if (this.#postedCount === this.#mostPosted) {
      this.#settle();
      this.#sendPosted();
      if (this.#failed !== undefined) return;
    }
    const view = this.#postedView, at = this.#postedCount++ * this.#postedBytes;
    const { regs, now } = this.#wired!;
    view.setUint32(at, slot, true);
    view.setUint32(at + 4, 0, true);
    view.setUint32(at + 8, 4, true);
    view.setUint32(at + 12, value, true);
    view.setFloat64(at + 16, now(), true);
    this.#latchNames.forEach((name, index) => view.setUint32(at + POSTED_BYTES + 4 * index, regs[name]!, true));
  }

  #takePosted(): Uint8Array | undefined {
    if (this.#postedCount === 0) return undefined;
    const records = this.#posted.subarray(0, this.#postedCount * this.#postedBytes);
    this.#postedCount = 0;
    return records;
  }

  #sendPosted(): void {
    const records = this.#takePosted();
    if (records === undefined || this.#failed !== undefined) return;
    try {
      this.#inFlight = performance.now();
      this.#say(OPERATION.POSTED, 0, 0, 0, 0, records, undefined, 1);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Waits until a batch that is on its way has been dealt with. */
  #settle(): void {
    while (this.#inFlight >= 0 && this.#failed === undefined) {
      try {
        this.#talk.receive(Math.max(1, this.#inFlight + this.#limit - performance.now()));
        this.#hear();
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  /** Takes one message that belongs to a batch. */
  #hear(): void {
    this.#questions.apply(this.#talk, this.#wired);
    if (this.#talk.operation === OPERATION.RETURN) {
      this.#inFlight = -1;
    } else if (this.#talk.operation === OPERATION.THROWN) {
      this.#inFlight = -1;
      this.#threw("a posted write");
    } else {
      this.#depth++;
      try {
        this.#questions.serve(this.#talk, this.#wired, this.#answer);
      } finally {
        this.#depth--;
      }
    }
  }

  /** Enters the device; undefined if it is detached. What it returned besides a number is in the conversation's body. */
  #enter(
    operation: number,
    a: number,
    b: number,
    c: number,
    value: number,
    body: Uint8Array | undefined,
    name: string,
  ): number | undefined {
    if (this.#failed !== undefined) return undefined;
    if (this.#inFlight >= 0 && this.#depth === 0) this.#settle();
    if (this.#failed !== undefined) return undefined;
    if (this.#depth >= DEEPEST) {
      this.#detach("it and the machine entered each other without end");
      return undefined;
    }
    this.#depth++;
    try {
      this.#say(operation, a, b, c, value, this.#takePosted(), body, 0);
      let limit = operation < OPERATION.READ ? this.#options.wireLimit ?? WIRE_LIMIT : this.#limit;
      const talk = this.#talk;
      talk.receive(limit);
      if (talk.operation === OPERATION.RETURN && talk.records.length === 0) return talk.value;
      const began = performance.now();
      for (let questions = 0;; questions++) {
        this.#questions.apply(this.#talk, this.#wired);
        if (talk.operation === OPERATION.RETURN) return talk.value;
        if (talk.operation === OPERATION.THROWN) {
          if (operation <= OPERATION.MIGRATE) {
            const doing = operation === OPERATION.WIRE ? "it was wired" : "its state was made, migrated or told";
            throw thrownBy(this.#options.subject, doing, plainToThrown(decodePlain(talk.body)).message);
          }
          this.#threw(name);
          return undefined;
        }
        if (questions > MOST_QUESTIONS) {
          this.#detach(`it asked the machine for something ${MOST_QUESTIONS} times during one access to ${name}`);
          return undefined;
        }
        this.#questions.serve(this.#talk, this.#wired, this.#answer);
        limit = this.#limit - (performance.now() - began);
        if (limit <= 0) throw new ConversationError("late", "questions without an end");
        talk.receive(limit);
      }
    } catch (error) {
      if (operation <= OPERATION.MIGRATE && !(error instanceof ConversationError)) throw error;
      this.#fail(error, name);
      return undefined;
    } finally {
      this.#depth--;
    }
  }

  #say(
    operation: number,
    a: number,
    b: number,
    c: number,
    value: number,
    records: Uint8Array | undefined,
    body: Uint8Array | undefined,
    wake: number,
  ): void {
    const { out } = this.#talk.port, { words, floats } = out;
    words[WORD.A] = a;
    words[WORD.B] = b;
    words[WORD.C] = c;
    words[WORD.WAKE] = wake;
    floats[FLOAT.VALUE] = value;
    const wired = this.#wired;
    if (wired !== undefined) {
      words[WORD.INSTANCE] = wired.id;
      floats[FLOAT.NOW] = wired.now();
      let at = HEADER_BYTES / 4;
      for (const name of this.#latchNames) words[at++] = wired.regs[name]!;
      const { lines } = wired;
      for (let index = 0; index < lines.length; index += 32, at++) {
        let mask = 0;
        for (let bit = 0; bit < 32 && index + bit < lines.length; bit++) {
          if (lines[index + bit]!.level) mask |= 1 << bit;
        }
        words[at] = mask;
      }
    }
    this.#talk.send(operation, records, body, this.#limit);
  }

  /** A request whose answer is a state. */
  #state(operation: number, a: number, given: unknown): object {
    return plainState(this.#options.subject, this.#plain(operation, a, given));
  }

  /** A request whose answer is plain data, when the machine is put together, saved or restored. */
  #plain(operation: number, a: number, given: unknown): Plain {
    if (this.#failed !== undefined) throw this.#failed;
    const answered = this.#enter(operation, a, 0, 0, 0, encodePlain(given), "its state");
    if (answered === undefined) throw this.#failed!;
    return decodePlain(this.#talk.body);
  }

  #threw(name: string): void {
    let error: Error;
    try {
      error = plainToThrown(decodePlain(this.#talk.body));
    } catch {
      error = new Error("something that cannot be told");
    }
    this.#detach(`it threw at ${name}: ${printable(error.message)}`);
  }

  #lateness(): string {
    return `it did not answer within ${this.#limit / 1000} s`;
  }

  #fail(error: unknown, name?: string): void {
    if (error instanceof ConversationError) {
      const at = name === undefined ? "" : ` at ${name}`;
      if (error.reason === "late") this.#detach(`${this.#lateness()}${at}`);
      else if (error.reason === "stopped") this.#detach("its compartment has ended");
      else this.#detach(`it broke the rules of its mailbox${at}: ${error.message}`);
    } else {
      this.#detach(`it sent what makes no sense: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #detach(why: string): void {
    if (this.#failed !== undefined) return;
    const { subject, detached } = this.#options;
    this.#inFlight = -1;
    this.#postedCount = 0;
    this.#failed = new BulkheadError({ code: "plugin-detached", subject, sentence: `${subject} was detached: ${why}` });
    detached(this.#failed);
  }
}
