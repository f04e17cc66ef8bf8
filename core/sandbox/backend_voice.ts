/**
 * What a back end says without being asked: calls of its port, and reports. All of it is bounded where it is said, so that one that floods
 * costs its machine neither memory nor time; the near side holds it to bounds of its own.
 *
 * @module
 */
import type { BackendKind } from "../bus/backend_kinds.ts";
import { encodeBackendFrame, FRAME } from "./backend_frames.ts";
import type { Harden } from "./compartment.ts";
import { FloodGate, levelOf } from "./flood_gate.ts";
import { bytesOf, copyPlain, encodePlain, type Plain } from "./plain.ts";

/** Calls of a port that may be under way, and bytes in them. */
const MOST_CALLS = 256, MOST_BYTES = 1 << 20;

/** Calls in a row that are refused before the back end is taken to flood. */
const PATIENCE = 10_000;

/** Metrics of a back end, and characters of a metric's name. */
export const MOST_METRICS = 256;
const LONGEST_NAME = 100;

/** Milliseconds in which counts are told together. */
const TOGETHER = 100;

/** Characters of a record's message, and bytes of its fields. */
const LONGEST_MESSAGE = 4000, LONGEST_FIELDS = 4096;

/** A call of a port: the types of its arguments, then how many bytes it takes, if it takes any. */
interface PortCall {
  readonly args: readonly ("number" | "boolean")[];
  readonly bytes?: readonly [least: number, most: number];
}

/** What each kind may do to its port. */
const PORTS: Readonly<Record<BackendKind, Readonly<Record<string, PortCall>>>> = {
  block: {},
  character: { receive: { args: [], bytes: [0, MOST_BYTES] } },
  network: { receive: { args: [], bytes: [14, 65_549] }, link: { args: ["boolean"] } },
  display: {},
  input: {
    key: { args: ["number", "boolean"] },
    point: { args: ["number", "number", "number"] },
    move: { args: ["number", "number", "number", "number"] },
  },
  audio: { record: { args: [], bytes: [0, MOST_BYTES] } },
  fileShare: {},
};

/** The names of what a kind may do to its port. */
export function portMethods(kind: BackendKind): readonly string[] {
  return Object.keys(PORTS[kind]);
}

/** What is wrong with a call of a port; undefined if nothing is. */
export function portFault(
  kind: BackendKind,
  method: string,
  args: readonly unknown[],
  bytes: Uint8Array | undefined,
): string | undefined {
  const call = Object.hasOwn(PORTS[kind], method) ? PORTS[kind][method] : undefined;
  if (call === undefined) return `the port of a ${kind} back end has no such method`;
  if (call.bytes !== undefined) {
    const [least, most] = call.bytes;
    if (bytes === undefined) return `${method} takes bytes`;
    if (bytes.length < least || bytes.length > most) {
      return `${method} takes ${least} to ${most} bytes, not ${bytes.length}`;
    }
  } else if (bytes !== undefined) return `${method} takes no bytes`;
  const right = args.length === call.args.length &&
    args.every((arg, index) =>
      typeof arg === call.args[index] && (typeof arg !== "number" || Number.isSafeInteger(arg))
    );
  return right ? undefined : `${method} takes ${call.args.join(", ") || "nothing else"}`;
}

/** What a back end says by itself. */
export class BackendVoice {
  readonly #kind: BackendKind;
  readonly #send: (frame: Uint8Array) => boolean | Promise<boolean>;
  readonly #settling = new Map<number, { readonly resolve: (value: Plain) => void; readonly bytes: number }>();
  readonly #counts = new Map<string, number>();
  readonly #flood = new FloodGate(() => this.#fault("it logged without end"));
  /** What calls get that are refused by thousands: one promise, so that they cost nothing. */
  readonly #full: Promise<never>;
  #nextId = 1;
  #bytes = 0;
  #refused = 0;
  #silent = false;
  #told = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param send Sends a frame; false once nobody hears any more. */
  constructor(kind: BackendKind, send: (frame: Uint8Array) => boolean | Promise<boolean>, harden: Harden) {
    this.#kind = kind;
    this.#send = send;
    this.#full = harden(Promise.reject(
      new Error(
        `more than ${MOST_CALLS} calls of the port, or ${MOST_BYTES} bytes, are under way: wait for their promises`,
      ),
    ));
    this.#full.catch(() => {});
  }

  /** The port, as the back end gets it. */
  port(): object {
    return Object.fromEntries(
      portMethods(this.#kind).map((method) => [method, (...args: unknown[]) => this.#call(method, args)]),
    );
  }

  /** The near side has taken a call. */
  settle(id: number, value: Plain): void {
    const call = this.#settling.get(id);
    if (call === undefined) return;
    this.#settling.delete(id);
    this.#bytes -= call.bytes;
    this.#refused = 0;
    call.resolve(value);
  }

  /** Reports something. */
  log(level: unknown, message: unknown, fields: unknown): void {
    if (this.#silent || !this.#flood.admits()) return;
    const plain = fields === undefined ? undefined : copyPlain(fields);
    const kept = plain === undefined || encodePlain(plain).length <= LONGEST_FIELDS ? plain : { fields: "too long" };
    this.#tell(FRAME.LOG, [levelOf(level), String(message).slice(0, LONGEST_MESSAGE), kept]);
  }

  /** Counts something; it is told later. */
  count(metric: unknown, by: unknown): void {
    const name = String(metric).slice(0, LONGEST_NAME), more = Number(by);
    if (!Number.isFinite(more) || (this.#counts.size >= MOST_METRICS && !this.#counts.has(name))) return;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + more);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.tellCounts();
    }, TOGETHER);
  }

  /** Tells what was counted, unless that was told a moment ago. */
  tellCounts(now: number = performance.now()): void {
    if (this.#counts.size === 0 || now - this.#told < TOGETHER) return;
    this.#told = now;
    const counts = [...this.#counts];
    this.#counts.clear();
    this.#tell(FRAME.COUNT, counts);
  }

  /** Nothing is said after this. */
  end(): void {
    this.tellCounts(Infinity);
    clearTimeout(this.#timer);
    this.#silent = true;
  }

  #call(method: string, given: unknown[]): Promise<Plain> {
    if (this.#silent) return this.#full;
    const last = bytesOf(given.at(-1)), args = last === undefined ? given : given.slice(0, -1);
    const fault = portFault(this.#kind, method, args, last);
    const size = last?.length ?? 0;
    if (fault !== undefined || this.#settling.size >= MOST_CALLS || this.#bytes + size > MOST_BYTES) {
      if (++this.#refused >= PATIENCE) this.#fault("it called its port without end");
      return fault === undefined || this.#silent ? this.#full : Promise.reject(new TypeError(fault));
    }
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    const { promise, resolve } = Promise.withResolvers<Plain>();
    this.#settling.set(id, { resolve, bytes: size });
    this.#bytes += size;
    const frame = encodeBackendFrame(FRAME.EVENT, id, [method, args as Plain[], last !== undefined], last);
    if (this.#send(frame) === false) this.#silent = true;
    return promise;
  }

  #tell(kind: number, what: Plain): void {
    if (!this.#silent && this.#send(encodeBackendFrame(kind, 0, what)) === false) this.#silent = true;
  }

  #fault(why: string): void {
    this.#tell(FRAME.FAULT, why);
    this.#silent = true;
  }
}
