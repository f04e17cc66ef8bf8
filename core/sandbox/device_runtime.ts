/**
 * The far side of a device in another compartment: holds the device's state, runs its functions, and says in their order what they did.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { Harden } from "./compartment.ts";
import { describeGiven, whatThrown } from "./compartment.ts";
import { Conversation, ConversationError, EFFECT, OPERATION, POSTED_BYTES, VIRTIO_EVENTS } from "./conversation.ts";
import type { DeviceManifest } from "./description.ts";
import { FLOAT, HEADER_BYTES, type Port, WORD } from "./mailbox.ts";
import { bytesOf, copyPlain, decodePlain, encodePlain, type Plain } from "./plain.ts";
import { readWiring, type WiringAnswers, type WiringDescription } from "./wiring.ts";

/** Wirings that are kept: a device is wired anew with each restore, and a bench may go back to an earlier one. */
const MOST_INSTANCES = 32;

/** Milliseconds of one wait for a message; it begins anew until the mailbox is stopped. */
const PATIENCE = 1000;

/** Bytes of a chain that are filled in at once. */
const FILL_BYTES = 1 << 14;

type AnyFunction = (...args: unknown[]) => unknown;

/** What the runtime uses of a device's definition. */
export interface DefinedDevice {
  state: AnyFunction;
  wire: AnyFunction;
  readonly migrate?: Readonly<Record<string, AnyFunction>>;
}

/** Runs one device's text for a machine. */
export class DeviceRuntime {
  readonly #talk: Conversation;
  readonly #instances = new Map<number, Instance>();
  /** What the device did and the core has not been told. */
  readonly #effects = new Uint8Array(1 << 16);
  readonly #view = new DataView(this.#effects.buffer);
  #effectBytes = 0;
  now = 0;

  constructor(
    readonly device: DefinedDevice,
    readonly manifest: DeviceManifest,
    readonly harden: Harden,
    port: Port,
    /** Raises the attention word of a virtual CPU that does not wait. */
    readonly wake: () => void = () => {},
  ) {
    this.#talk = new Conversation(port, stateWords(manifest));
  }

  /** Serves until the mailbox is stopped. */
  serve(): void {
    try {
      for (;;) {
        this.#next();
        this.#enter();
      }
    } catch (error) {
      if (error instanceof ConversationError && error.reason === "stopped") return;
      throw error;
    }
  }

  #next(): void {
    for (;;) {
      try {
        return this.#talk.receive(PATIENCE);
      } catch (error) {
        if (!(error instanceof ConversationError) || error.reason !== "late") throw error;
      }
    }
  }

  /** Carries out the request that has arrived. */
  #enter(): void {
    const { operation, a, b, c, instance: id, value, body, wake } = this.#talk;
    this.now = this.#talk.now;
    try {
      const instance = this.#instances.get(id);
      if (instance !== undefined) this.#takeState(instance);
      if (this.#talk.records.length > 0) this.#posted(instance!, this.#talk.records);
      switch (operation) {
        case OPERATION.READ:
          this.#returnNumber(instance!.answers.slots[a]!.read!(b, c), wake);
          return;
        case OPERATION.WRITE:
          instance!.answers.slots[a]!.write!(b, c, value);
          return this.#return(wake);
        case OPERATION.POSTED:
          return this.#return(wake);
        case OPERATION.RING:
          instance!.alarms[a]!.due = Infinity;
          instance!.alarms[a]!.ring?.(value);
          return this.#return(wake);
        case OPERATION.INPUT:
          instance!.answers.inputs[a]!(b !== 0);
          return this.#return(wake);
        case OPERATION.READ_BLOCK: {
          const into = new Uint8Array(value);
          const items = instance!.answers.slots[a]!.readBlock!(b, c, into);
          return this.#returnNumber(items, wake, into);
        }
        case OPERATION.WRITE_BLOCK:
          return this.#returnNumber(instance!.answers.slots[a]!.writeBlock!(b, c, body), wake);
        case OPERATION.RESET:
          instance!.answers.reset?.(a === 0 ? "power-on" : "hard");
          return this.#return(wake);
        case OPERATION.QUEUE:
          instance!.answers.queues[a]!({ tag: value, readable: body, writable: c >>> 0 });
          return this.#return(wake);
        case OPERATION.OFFERS:
          return this.#returnNumber(instance!.answers.offers?.(a) ? 1 : 0, wake);
        case OPERATION.VIRTIO_EVENT: {
          const event = VIRTIO_EVENTS[a]!;
          instance!.answers[event]?.(Object.keys(this.manifest.needs.virtio!.queues)[b]!);
          return this.#return(wake);
        }
        case OPERATION.CALL: {
          const member = this.#member(this.manifest.needs.provides, a, b);
          const method = instance!.answers.provides[a]![member] as AnyFunction;
          return this.#returnPlain(method(...decodePlain(body) as Plain[]));
        }
        case OPERATION.GET:
          return this.#returnPlain(instance!.answers.provides[a]![this.#member(this.manifest.needs.provides, a, b)]);
        case OPERATION.STATE:
          return this.#returnPlain(this.device.state(this.harden(decodePlain(body))));
        case OPERATION.MIGRATE:
          return this.#returnPlain(this.device.migrate![a]!(decodePlain(body)));
        case OPERATION.SAVE:
          return this.#returnPlain(instance!.state);
        case OPERATION.WIRE:
          return this.#returnPlain(this.#wire(id, decodePlain(body) as unknown as WireRequest) as unknown as Plain);
        default:
          throw new Error(`unknown request ${operation}`);
      }
    } catch (error) {
      if (ended(error)) throw error;
      this.#send(OPERATION.THROWN, encodePlain(thrownToPlain(error)));
      if (wake !== 0) this.wake();
    }
  }

  #member(
    all: Readonly<Record<string, { readonly members: object }>> | undefined,
    index: number,
    member: number,
  ): string {
    return Object.keys(Object.values(all ?? {})[index]!.members)[member]!;
  }

  #posted(instance: Instance, records: Uint8Array): void {
    const view = new DataView(records.buffer, records.byteOffset, records.length);
    const { latches, answers } = instance;
    const bytes = (POSTED_BYTES + 4 * latches.length + 7) & ~7;
    const present = latches.slice(), { now } = this;
    for (let at = 0; at < records.length; at += bytes) {
      this.now = view.getFloat64(at + 16, true);
      for (let index = 0; index < latches.length; index++) {
        latches[index] = view.getUint32(at + POSTED_BYTES + 4 * index, true);
      }
      const slot = view.getUint32(at, true), width = view.getUint32(at + 8, true);
      answers.slots[slot]!.write!(view.getUint32(at + 4, true), width, view.getUint32(at + 12, true));
    }
    this.now = now;
    latches.set(present);
  }

  #wire(id: number, { state, config, dues }: WireRequest): WiringDescription {
    const { needs, latches } = this.manifest;
    const instance: Instance = {
      state: state as object,
      latches: new Uint32Array(Object.keys(latches).length),
      lines: new Uint8Array(Object.keys(needs.lines ?? {}).length),
      alarms: (needs.alarms ?? []).map((_name, index) => ({ due: dues[index]!, ring: undefined })),
      answers: { slots: [], inputs: [], provides: [], queues: [] },
      status: [],
    };
    this.#takeState(instance);
    const wiring = this.device.wire(this.#context(instance, config as object));
    const { description, answers } = readWiring(wiring, needs);
    instance.answers = answers;
    instance.status = statusOf(description, Object.keys(latches), Object.keys(needs.lines ?? {}));
    this.#instances.set(id, instance);
    for (const old of this.#instances.keys()) {
      if (this.#instances.size <= MOST_INSTANCES) break;
      this.#instances.delete(old);
    }
    return description;
  }

  /** The present latches and lines, which come with every message. */
  #takeState({ latches, lines }: Instance): void {
    const { words } = this.#talk.port.in;
    let at = HEADER_BYTES / 4;
    for (let index = 0; index < latches.length; index++) latches[index] = words[at++]!;
    for (let index = 0; index < lines.length; index++) lines[index] = (words[at + (index >> 5)]! >>> (index & 31)) & 1;
  }

  #context(instance: Instance, config: object): object {
    const { needs, latches } = this.manifest;
    const lines = Object.keys(needs.lines ?? {}), alarms = needs.alarms ?? [];
    const { lines: levels } = instance;
    const regs = {};
    Object.keys(latches).forEach((name, index) =>
      Object.defineProperty(regs, name, {
        enumerable: true,
        get: () => instance.latches[index],
        set: (value: number) => {
          instance.latches[index] = value;
          this.#effect(EFFECT.LATCH, index, instance.latches[index]!);
          for (const { status, enable, clear, line } of instance.status) {
            if (index !== status && index !== enable) continue;
            const enabled = enable < 0 ? clear : instance.latches[enable]!;
            levels[line] = (instance.latches[status]! & enabled) !== 0 ? 1 : 0;
          }
        },
      })
    );
    const set = (index: number, level: boolean) => {
      if ((levels[index] !== 0) === level) return;
      levels[index] = level ? 1 : 0;
      this.#effect(EFFECT.LINE, index, level ? 1 : 0);
    };
    const context = {
      config,
      regs: Object.preventExtensions(regs),
      irq: (name: string) => {
        const index = this.#declared("line", lines, name);
        return this.harden({
          set: (level: boolean) => set(index, !!level),
          pulse: () => {
            set(index, true);
            set(index, false);
          },
          get level() {
            return levels[index] !== 0;
          },
        });
      },
      alarm: (name: string, ring: (due: number) => unknown) => {
        const index = this.#declared("alarm", alarms, name);
        const alarm = instance.alarms[index]!;
        alarm.ring = ring;
        const arm = (due: number) => {
          if (typeof due !== "number" || Number.isNaN(due)) throw new TypeError("an alarm is armed for a number");
          alarm.due = Math.ceil(due);
          this.#effect(EFFECT.ALARM, index, due);
        };
        return this.harden({
          at: (due: number) => arm(due),
          after: (nanoseconds: number) => arm(typeof nanoseconds === "number" ? this.now + nanoseconds : NaN),
          cancel: () => arm(Infinity),
          get armed() {
            return alarm.due !== Infinity;
          },
          get due() {
            return alarm.due;
          },
        });
      },
      dma: (name: string) => {
        const index = this.#declared("dma", Object.keys(needs.dma ?? {}), name);
        return this.harden({
          read: (address: number, into: Uint8Array) => {
            const bytes = this.#bytes(into);
            const { value, body } = this.#ask(OPERATION.DMA_READ, index, bytes.length, 0, address);
            bytes.set(body);
            return value;
          },
          write: (address: number, from: Uint8Array) =>
            this.#ask(OPERATION.DMA_WRITE, index, 0, 0, address, this.#bytes(from)).value,
        });
      },
      use: (name: string) => {
        const kinds = needs.uses ?? {};
        const index = this.#declared("interface", Object.keys(kinds), name);
        return this.harden(this.#used(index, kinds[name]!.members, this.#unconnected(name)));
      },
      virtio: this.#virtio(),
      now: () => this.now,
      log: (level: string, message: string, fields?: unknown) =>
        this.#text(EFFECT.LOG, [String(level), String(message), fields === undefined ? undefined : fields]),
      count: (metric: string, by = 1) => this.#text(EFFECT.COUNT, [String(metric), Number(by)]),
    };
    // The state alone is not frozen: it is the device's own, and changes.
    for (const part of Object.values(context)) this.harden(part);
    return Object.freeze({ ...context, state: instance.state });
  }

  #virtio(): object {
    const queues = Object.keys(this.manifest.needs.virtio?.queues ?? {});
    const tell = (...what: unknown[]) => this.#text(EFFECT.VIRTIO, what);
    return {
      queue: (name: string) => {
        const index = this.#declared("queue", queues, name);
        return this.harden({
          fill: (tag: number, offset: number, given: Uint8Array) => {
            const bytes = this.#bytes(given);
            for (let at = 0; at < bytes.length; at += FILL_BYTES) {
              tell("fill", index, tag, offset + at, bytes.subarray(at, at + FILL_BYTES));
            }
          },
          complete: (tag: number, written: number) => tell("complete", index, tag, written),
        });
      },
      accepted: (feature: number) => this.#ask(OPERATION.ACCEPTED, feature, 0, 0, 0).value !== 0,
      configurationChanged: () => tell("configurationChanged"),
      fail: (reason: unknown) => tell("fail", String(reason).slice(0, 1000)),
    };
  }

  /** What the plugin itself says that an open connector does. */
  #unconnected(name: string): Record<string, unknown> {
    const { needs } = this.device as unknown as {
      needs: { uses: Record<string, { unconnected: Record<string, unknown> }> };
    };
    return needs.uses[name]!.unconnected;
  }

  #used(index: number, members: object, unconnected: Record<string, unknown>): object {
    const port = {};
    Object.entries(members).forEach(([name, kind], member) => {
      if (!("method" in kind)) {
        Object.defineProperty(port, name, {
          enumerable: true,
          get: () => {
            const { operation, body } = this.#ask(OPERATION.USE_GET, index, member, 0, 0);
            return operation === OPERATION.ANSWER_UNCONNECTED ? unconnected[name] : decodePlain(body);
          },
        });
        return;
      }
      const call = (...args: unknown[]) => {
        const { operation, body } = this.#ask(OPERATION.USE, index, member, 0, 0, encodePlain(args));
        if (operation === OPERATION.ANSWER_UNCONNECTED) return (unconnected[name] as AnyFunction)(...args);
        const [value, filled] = decodePlain(body) as [Plain, Plain[]];
        // Arrays that the other end filled in.
        filled.forEach((bytes, at) => bytes instanceof Uint8Array && bytesOf(args[at])?.set(bytes));
        return value;
      };
      Object.defineProperty(port, name, { enumerable: true, value: call });
    });
    return port;
  }

  #declared(what: string, declared: readonly string[], name: string): number {
    const index = declared.indexOf(name);
    if (index >= 0) return index;
    throw new BulkheadError({
      code: `undeclared-${what}`,
      subject: `device ${this.manifest.id}`,
      expected: declared.length === 0
        ? `no ${what}, as its needs declare none`
        : `a declared ${what}: ${declared.join(", ")}`,
      found: `"${name}"`,
      remedy: `declare it in the needs of ${this.manifest.id}`,
    });
  }

  #bytes(given: unknown): Uint8Array {
    const bytes = bytesOf(given);
    if (bytes === undefined) throw new TypeError("a DMA window moves a Uint8Array");
    return bytes;
  }

  /** Asks the core for something, and carries out what it asks meanwhile. */
  #ask(
    operation: number,
    a: number,
    b: number,
    c: number,
    value: number,
    body?: Uint8Array,
  ): { operation: number; value: number; body: Uint8Array } {
    const { words, floats } = this.#talk.port.out;
    words[WORD.A] = a;
    words[WORD.B] = b;
    words[WORD.C] = c;
    floats[FLOAT.VALUE] = value;
    const { now } = this;
    this.#send(operation, body);
    for (;;) {
      this.#next();
      const { operation: answer } = this.#talk;
      if (answer === OPERATION.ANSWER || answer === OPERATION.ANSWER_UNCONNECTED) {
        const instance = this.#instances.get(this.#talk.instance);
        if (instance !== undefined) this.#takeState(instance);
        this.now = now;
        return { operation: answer, value: this.#talk.value, body: this.#talk.body };
      }
      if (answer === OPERATION.ANSWER_THROWN) throw plainToThrown(decodePlain(this.#talk.body));
      this.#enter();
    }
  }

  #return(wake: number): void {
    this.#send(OPERATION.RETURN);
    if (wake !== 0) this.wake();
  }

  #returnNumber(value: unknown, wake: number, body?: Uint8Array): void {
    if (typeof value !== "number") {
      throw new TypeError(`it returned ${describeGiven(value)} where a number was expected`);
    }
    this.#talk.port.out.floats[FLOAT.VALUE] = value;
    this.#send(OPERATION.RETURN, body);
    if (wake !== 0) this.wake();
  }

  #returnPlain(value: unknown): void {
    this.#send(OPERATION.RETURN, encodePlain(value));
  }

  #send(operation: number, body?: Uint8Array): void {
    const records = this.#effectBytes === 0 ? undefined : this.#effects.subarray(0, this.#effectBytes);
    this.#effectBytes = 0;
    this.#talk.send(operation, records, body);
  }

  #effect(kind: number, index: number, value: number, extra = 0): void {
    // What the core cannot be told with the answer it is told before.
    if (this.#effectBytes + 16 + extra > this.#effects.length) this.#ask(OPERATION.EFFECTS, 0, 0, 0, 0);
    const at = this.#effectBytes;
    this.#view.setUint32(at, kind, true);
    this.#view.setUint32(at + 4, index, true);
    this.#view.setFloat64(at + 8, value, true);
    this.#effectBytes = at + 16;
  }

  #text(kind: number, what: readonly unknown[]): void {
    const bytes = encodePlain(what);
    const padded = (bytes.length + 7) & ~7;
    if (padded > this.#effects.length / 2) throw new RangeError("a record that is too long");
    this.#effect(kind, bytes.length, 0, padded);
    this.#effects.set(bytes, this.#effectBytes);
    this.#effectBytes += padded;
  }
}

/** What a WIRE request says. */
export interface WireRequest {
  readonly state: Plain;
  readonly config: Plain;
  /** When alarms are due, in the order of the needs. */
  readonly dues: readonly number[];
}

interface Instance {
  readonly state: object;
  readonly latches: Uint32Array;
  readonly lines: Uint8Array;
  readonly alarms: { due: number; ring: ((due: number) => unknown) | undefined }[];
  answers: WiringAnswers;
  status: readonly { status: number; enable: number; clear: number; line: number }[];
}

/** 32-bit words of latches and lines that go with each message to the far side. */
export function stateWords({ latches, needs }: DeviceManifest): number {
  return Object.keys(latches).length + Math.ceil(Object.keys(needs.lines ?? {}).length / 32);
}

/** What was thrown, as plain data. */
export function thrownToPlain(error: unknown): Plain {
  try {
    // Not the error's own toJSON, nor anything else that is not plain: a plugin may have made it.
    if (error instanceof BulkheadError) return { bulkhead: copyPlain(BulkheadError.prototype.toJSON.call(error)) };
  } catch {
    // It is told as anything else is.
  }
  return { thrown: whatThrown(error) };
}

/** The error again. */
export function plainToThrown(value: Plain): Error {
  const { bulkhead, thrown } = Object(value) as { bulkhead?: unknown; thrown?: unknown };
  if (bulkhead !== undefined) return BulkheadError.fromJSON(bulkhead);
  return new Error(typeof thrown === "string" ? thrown : "something went wrong");
}

/** Whether it is the conversation that has ended. What a plugin throws may be a trap for whoever asks. */
function ended(error: unknown): boolean {
  try {
    return error instanceof ConversationError;
  } catch {
    return false;
  }
}

function statusOf(
  { regions }: WiringDescription,
  latches: readonly string[],
  lines: readonly string[],
): { status: number; enable: number; clear: number; line: number }[] {
  return Object.values(regions).flatMap((region) =>
    "handler" in region
      ? []
      : region.registers.flatMap(({ kind, name, line, enable, clear }) =>
        kind !== "status" || line === undefined ? [] : [{
          status: latches.indexOf(name),
          enable: enable === undefined ? -1 : latches.indexOf(enable),
          clear: clear ?? 0,
          line: lines.indexOf(line),
        }]
      )
  );
}
