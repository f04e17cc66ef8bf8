/**
 * The far side of a back end: opens it with its handles, carries out requests one after the other, and passes on what it does to its port.
 *
 * @module
 */
import { resolveConfig } from "../bus/config.ts";
import { BulkheadError } from "../bus/error.ts";
import { BackendFrameReader, encodeBackendFrame, FRAME } from "./backend_frames.ts";
import type { BackendFrame } from "./backend_frames.ts";
import { type Harden, whatThrown } from "./compartment.ts";
import type { BackendManifest } from "./description.ts";
import { thrownToPlain } from "./device_runtime.ts";
import type { HostHandles } from "./host_handles.ts";
import { BackendVoice, portMethods } from "./backend_voice.ts";
import { copyPlain, type Plain } from "./plain.ts";

/** A stream each way to the link. */
export interface BackendPipe {
  /** Bytes that are there; blocks for at most so many milliseconds. Undefined at the end. */
  readNow(limit: number): Uint8Array | undefined;
  /** Bytes that are there, once there are some. Undefined at the end. */
  readSoon(): Promise<Uint8Array | undefined>;
  /** Writes; false once nobody reads any more. */
  write(bytes: Uint8Array): boolean | Promise<boolean>;
}

/** What a back end is run with. */
export interface BackendRuntimeOptions {
  readonly manifest: BackendManifest;
  readonly subject: string;
  readonly config: Readonly<Record<string, number | string | boolean>>;
  readonly handles: HostHandles;
  readonly pipe: BackendPipe;
  readonly harden: Harden;
  /** Told what the back end says of itself, once it is open. */
  readonly opened: (opened: BackendOpened) => void;
}

/** What a back end said of itself. */
export type BackendOpened = {
  readonly properties: { readonly [name: string]: number | string | boolean };
  readonly methods: readonly string[];
};

/** What the runtime uses of a back end's definition. */
export interface DefinedBackend {
  open(ctx: object): unknown;
}

/** Milliseconds of one blocking wait for requests. */
const PARK = 1000;

/** Characters of a text that a back end says of itself. */
const LONGEST_PROPERTY = 1000;

type Method = (...args: unknown[]) => unknown;

/** Opens a back end and serves it until its link ends. @throws What opening it threw. */
export async function serveBackend(plugin: DefinedBackend, options: BackendRuntimeOptions): Promise<void> {
  const runtime = new BackendRuntime(options);
  await runtime.open(plugin);
  await runtime.serve();
}

class BackendRuntime {
  readonly #options: BackendRuntimeOptions;
  readonly #frames = new BackendFrameReader();
  readonly #voice: BackendVoice;
  #backend: Record<string, unknown> = {};
  #working: Promise<void> = Promise.resolve();

  constructor(options: BackendRuntimeOptions) {
    this.#options = options;
    const { manifest, pipe, harden } = options;
    this.#voice = new BackendVoice(manifest.provides, (frame) => pipe.write(frame), harden);
  }

  async open(plugin: DefinedBackend): Promise<void> {
    const { manifest, subject, config, handles, harden, opened } = this.#options;
    const values = resolveConfig(subject, manifest.config, config);
    const context = harden({
      config: values,
      port: this.#voice.port(),
      file: (name: unknown) => handles.file(String(name)),
      connect: (name: unknown) => handles.connect(String(name)),
      listen: (name: unknown) => handles.listen(String(name)),
      log: (level: unknown, message: unknown, fields?: unknown) => this.#voice.log(level, message, fields),
      count: (metric: unknown, by: unknown = 1) => this.#voice.count(metric, by),
    });
    const backend = await plugin.open(context);
    if (typeof backend !== "object" || backend === null) {
      throw new BulkheadError({
        code: "bad-back-end",
        subject,
        expected: `open() to return a ${manifest.provides} back end`,
        found: `a ${typeof backend}`,
      });
    }
    this.#backend = backend as Record<string, unknown>;
    const properties: Record<string, number | string | boolean> = {}, methods: string[] = [];
    for (const name of MEMBERS[manifest.provides] ?? []) {
      const value = this.#backend[name];
      if (typeof value === "function") methods.push(name);
      else if (typeof value === "number" || typeof value === "boolean") properties[name] = value;
      else if (typeof value === "string") properties[name] = value.slice(0, LONGEST_PROPERTY);
    }
    opened({ properties, methods });
  }

  async serve(): Promise<void> {
    const { manifest, pipe, handles } = this.#options;
    // What has only files and no port has nothing to do but what it is asked for: its thread sleeps in between, which wakes fastest.
    const parks = portMethods(manifest.provides).length === 0 &&
      Object.values(manifest.host).every(({ kind }) => kind === "file");
    try {
      for (;;) {
        const bytes = parks ? pipe.readNow(PARK) : await pipe.readSoon();
        if (bytes === undefined) break;
        if (bytes.length === 0) {
          this.#voice.tellCounts();
          await new Promise((resolve) => setTimeout(resolve));
          continue;
        }
        this.#frames.room(bytes.length).set(bytes);
        const frames = this.#frames.push(bytes.length);
        if (parks) { for (const frame of frames) await this.#carryOut(frame); }
        else for (const { bytes, ...frame } of frames) this.#enqueue({ ...frame, bytes: bytes.slice() });
      }
      await this.#working;
      await this.#close();
    } finally {
      handles.close();
    }
  }

  /** What it throws here is the last thing that anybody hears of it. */
  async #close(): Promise<void> {
    try {
      await (this.#backend.close as Method | undefined)?.call(this.#backend);
    } catch (error) {
      this.#voice.log("error", `it could not be closed in order: ${whatThrown(error)}`, undefined);
    }
    this.#voice.end();
  }

  #enqueue(frame: BackendFrame): void {
    if (frame.kind === FRAME.SETTLE) {
      return this.#voice.settle(frame.id, frame.plain);
    }
    this.#working = this.#working.then(() => this.#carryOut(frame));
  }

  /** Carries out one request; waits only where the back end does. */
  #carryOut({ kind, id, plain, bytes }: BackendFrame): void | Promise<void> {
    if (kind !== FRAME.REQUEST) return;
    const [method, args, room] = plain as [string, Plain[], number];
    const answer = (value: unknown): void | Promise<void> => {
      try {
        this.#voice.tellCounts();
        return this.#send(encodeBackendFrame(FRAME.ANSWER, id, copyPlain(value), filled));
      } catch (error) {
        return refuse(error);
      }
    };
    const refuse = (error: unknown) => this.#send(encodeBackendFrame(FRAME.REFUSAL, id, thrownToPlain(error)));
    let filled: Uint8Array | undefined;
    try {
      const member = this.#backend[method];
      if (typeof member !== "function") return answer(member);
      const all: unknown[] = [...args];
      if (room >= 0) all.push(filled = new Uint8Array(room));
      else if (bytes.length > 0 || room === WITH_BYTES) all.push(bytes.slice());
      const value = (member as Method).apply(this.#backend, all);
      if (typeof value !== "object" || value === null || typeof (value as { then?: unknown }).then !== "function") {
        return answer(value);
      }
      return Promise.resolve(value).then(answer, refuse);
    } catch (error) {
      return refuse(error);
    }
  }

  #send(frame: Uint8Array): void | Promise<void> {
    const { pipe } = this.#options;
    const written = pipe.write(frame);
    if (typeof written === "boolean") return;
    return written.then(() => {});
  }
}

/** In place of a room: the bytes are an argument even if there are none. */
export const WITH_BYTES = -2;

/** Members of each kind: properties, and methods that may be asked for. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  block: ["bytes", "sectorBytes", "readOnly", "generation", "read", "write", "flush", "discard"],
  character: ["write"],
  network: ["send"],
  display: ["resize", "update"],
  input: [],
  audio: ["format", "play"],
  fileShare: ["readOnly", "stat", "list", "read", "write", "create", "remove", "rename", "truncate"],
};

/** What a back end threw while it was opened, as a sentence that names it. */
export function openingError(subject: string, error: unknown): BulkheadError {
  const why = error instanceof BulkheadError ? error.message : whatThrown(error);
  const code = error instanceof BulkheadError ? error.code : "plugin-failed";
  return new BulkheadError({ code, subject, sentence: `${subject} was stopped while it was starting: ${why}` });
}
