/**
 * A bench for back ends: files and peers that exist in memory only, and no machine.
 *
 * @module
 */
import type { Backend, BackendContext } from "./backend_contract.ts";
import type { BackendKind, BackendKinds } from "./backend_kinds.ts";
import { type ConfigOf, type ConfigSchema, resolveConfig } from "./config.ts";
import { BulkheadError } from "./error.ts";
import type { Connection, FileHandle, HostRight, HostRights, Listener, RightsOf } from "./host_rights.ts";
import type { LogRecord } from "./log.ts";

/** How a bench is set up. */
export interface BackendBenchOptions<
  K extends BackendKind = BackendKind,
  C extends ConfigSchema = ConfigSchema,
  H extends HostRights = HostRights,
> {
  /** Configuration of the back end; fields left out have their defaults. */
  readonly config?: Partial<ConfigOf<C>>;
  /** Contents by the placeholders of its files. A file that is left out is not there. */
  readonly files?: { readonly [Name in RightsOf<H, "file">]?: Uint8Array };
  /** What answers the calls of its port; what is left out does nothing, and takes everything. */
  readonly port?: Partial<BackendKinds[K]["port"]>;
}

/** The far end of a connection, as a test holds it. */
export interface BenchPeer {
  /** What the back end sent and nobody has taken yet. */
  take(): Uint8Array;
  /** Sends bytes to the back end. */
  send(bytes: Uint8Array): void;
  /** Sends no more. */
  close(): void;
  /** Whether the back end ended the connection. */
  readonly closed: boolean;
}

/** A back end on its bench. */
export interface BackendBench<K extends BackendKind = BackendKind, H extends HostRights = HostRights> {
  /** What it opened. */
  readonly backend: BackendKinds[K]["backend"];
  /** The present contents of a file. */
  file(name: RightsOf<H, "file">): Uint8Array;
  /** The far end of the latest connection to a peer. @throws {BulkheadError} `no-peer`: it has not connected. */
  peer(name: RightsOf<H, "connect">): BenchPeer;
  /** A peer arrives where it listens. @throws {BulkheadError} `no-peer`: it does not listen. */
  arrive(name: RightsOf<H, "listen">): BenchPeer;
  /** How often it had its file's data put on stable storage, over all files. */
  readonly flushes: number;
  /** What it reported. */
  readonly logs: readonly LogRecord[];
  /** Its counters. */
  readonly counts: ReadonlyMap<string, number>;
}

/**
 * Opens a back end on a bench.
 *
 * @param backend The back end.
 * @param options Its configuration, files and port.
 * @throws What its `open` throws, or {@linkcode BulkheadError} for a wrong configuration.
 *
 * @example
 * ```ts
 * import { backend } from "./backend_contract.ts";
 * import { backendBench } from "./backend_bench.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const log = backend({
 *   id: "acme/log",
 *   api: 1,
 *   version: 1,
 *   provides: "character",
 *   host: { log: { kind: "file", access: "write", why: "it gets what the guest sends" } },
 *   open: ({ file }) => {
 *     const log = file("log");
 *     return { write: (bytes) => log.write(log.size(), bytes) };
 *   },
 * });
 *
 * const table = await backendBench(log);
 * await table.backend.write(new TextEncoder().encode("hello"));
 * assertEquals(table.file("log").length, 5);
 * ```
 */
export async function backendBench<K extends BackendKind, C extends ConfigSchema, H extends HostRights>(
  backend: Backend<K, C, H>,
  options: BackendBenchOptions<K, C, H> = {},
): Promise<BackendBench<K, H>> {
  const table = new Table(backend.id, backend.host ?? {}, options.files as Record<string, Uint8Array> ?? {});
  const config = resolveConfig(`back end ${backend.id}`, backend.config ?? {}, options.config ?? {}) as ConfigOf<C>;
  const context = {
    config,
    port: portOf(backend.provides, options.port ?? {}),
    file: (name: string) => table.open(name),
    connect: (name: string) => Promise.resolve().then(() => table.connect(name)),
    listen: (name: string) => Promise.resolve().then(() => table.listen(name)),
    log: (level: LogRecord["level"], message: string, fields?: LogRecord["fields"]) =>
      void table.logs.push({ level, source: backend.id, message, ...(fields === undefined ? {} : { fields }) }),
    count: (metric: string, by = 1) => void table.counts.set(metric, (table.counts.get(metric) ?? 0) + by),
  };
  const opened = await backend.open(context as unknown as BackendContext<C, H, K>);
  return {
    backend: opened,
    file: (name) => table.contents(name),
    peer: (name) => table.peerOf(name),
    arrive: (name) => table.arrive(name),
    get flushes() {
      return table.flushes;
    },
    logs: table.logs,
    counts: table.counts,
  };
}

/** What ports take where a test does not answer. */
function portOf(kind: BackendKind, given: object): object {
  const all: Partial<Record<BackendKind, object>> = {
    character: { receive: () => Promise.resolve() },
    network: { receive: () => Promise.resolve(true), link: () => {} },
    input: { key: () => {}, point: () => {}, move: () => {} },
    audio: { record: () => Promise.resolve() },
  };
  return Object.freeze({ ...all[kind], ...given });
}

/** The host, as far as there is one on a bench. */
class Table {
  readonly logs: LogRecord[] = [];
  readonly counts = new Map<string, number>();
  flushes = 0;
  readonly #files = new Map<string, Uint8Array>();
  readonly #peers = new Map<string, Peer>();
  readonly #doors = new Map<string, Door>();

  constructor(readonly id: string, readonly host: HostRights, files: Readonly<Record<string, Uint8Array>>) {
    for (const [name, bytes] of Object.entries(files)) this.#files.set(name, bytes.slice());
  }

  #right<Kind extends HostRight["kind"]>(kind: Kind, name: string): HostRight & { kind: Kind } {
    const right = Object.hasOwn(this.host, name) ? this.host[name]! : undefined;
    if (right?.kind === kind) return right as HostRight & { kind: Kind };
    const declared = Object.entries(this.host).flatMap(([known, { kind: its }]) => its === kind ? [known] : []);
    throw new BulkheadError({
      code: "right-not-granted",
      subject: `back end ${this.id}`,
      where: `the right "${name}"`,
      expected: declared.length === 0 ? `no right to ${kind}, as it declares none` : declared.join(", "),
      found: `"${name}"`,
      remedy: "declare it under host, with its reason",
    });
  }

  contents(name: string): Uint8Array {
    return this.#files.get(name) ?? new Uint8Array();
  }

  open(name: string): FileHandle {
    const { access } = this.#right("file", name);
    const refuse = (expected: string, found: string): never => {
      throw new BulkheadError({ code: "host-io", subject: `the file "${name}"`, expected, found });
    };
    if (access === "write") this.#files.set(name, new Uint8Array());
    else if (!this.#files.has(name)) refuse("a file that is there", "none: give the bench its contents");
    const resize = (size: number) => {
      const bytes = new Uint8Array(size);
      bytes.set(this.contents(name).subarray(0, size));
      this.#files.set(name, bytes);
    };
    const writable = () => access === "read" ? refuse("access for reading only", "a write") : undefined;
    return {
      size: () => this.contents(name).length,
      read: (offset, into) => {
        if (access === "write") refuse("access for writing only", "a read");
        const bytes = this.contents(name).subarray(offset, offset + into.length);
        into.set(bytes);
        return bytes.length;
      },
      write: (offset, from) => {
        writable();
        const end = offset + from.length;
        if (end > this.contents(name).length) resize(end);
        this.contents(name).set(from, offset);
      },
      truncate: (size) => {
        writable();
        resize(size);
      },
      flush: () => void this.flushes++,
      stamp: () => `${this.contents(name).length}`,
    };
  }

  connect(name: string): Connection {
    this.#right("connect", name);
    const peer = new Peer();
    this.#peers.set(name, peer);
    return peer.near;
  }

  peerOf(name: string): BenchPeer {
    return this.#peers.get(name) ?? this.#nobody(name, "has not connected");
  }

  listen(name: string): Listener {
    this.#right("listen", name);
    const door = new Door();
    this.#doors.set(name, door);
    return door.listener;
  }

  arrive(name: string): BenchPeer {
    return this.#doors.get(name)?.arrive() ?? this.#nobody(name, "does not listen");
  }

  #nobody(name: string, found: string): never {
    throw new BulkheadError({
      code: "no-peer",
      subject: `back end ${this.id}`,
      where: `the right "${name}"`,
      expected: "a connection",
      found: `that it ${found}`,
    });
  }
}

/** A connection's two ends. */
class Peer implements BenchPeer {
  closed = false;
  readonly near: Connection;
  #out: Uint8Array[] = [];
  #in: (Uint8Array | undefined)[] = [];
  #waiting: ((bytes: Uint8Array | undefined) => void) | undefined;

  constructor() {
    this.near = {
      read: () => {
        if (this.#in.length > 0) return Promise.resolve(this.#in[0] === undefined ? undefined : this.#in.shift());
        return new Promise((resolve) => this.#waiting = resolve);
      },
      write: (bytes) => Promise.resolve(void this.#out.push(bytes.slice())),
      close: () => {
        this.closed = true;
        this.close();
      },
    };
  }

  take(): Uint8Array {
    const all = Uint8Array.from(this.#out.flatMap((bytes) => [...bytes]));
    this.#out = [];
    return all;
  }

  send(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#give(bytes.slice());
  }

  close(): void {
    this.#give(undefined);
  }

  #give(bytes: Uint8Array | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined || bytes === undefined) this.#in.push(bytes);
    waiting?.(bytes);
  }
}

/** Where a back end listens. */
class Door {
  readonly listener: Listener;
  readonly #arrived: Peer[] = [];
  #waiting: ((connection: Connection | undefined) => void) | undefined;
  #open = true;

  constructor() {
    this.listener = {
      accept: () => {
        if (!this.#open) return Promise.resolve(undefined);
        const peer = this.#arrived.shift();
        return peer ? Promise.resolve(peer.near) : new Promise((resolve) => this.#waiting = resolve);
      },
      address: "the bench",
      close: () => {
        this.#open = false;
        this.#waiting?.(undefined);
      },
    };
  }

  arrive(): Peer {
    const peer = new Peer(), waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#arrived.push(peer);
    else waiting(peer.near);
    return peer;
  }
}
