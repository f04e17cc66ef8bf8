/**
 * A machine as its owner holds it: a process of its own, started with exactly the rights it needs.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { LogRecord } from "../bus/log.ts";
import type { CpuStart } from "../engine/cpu_start.ts";
import type { RegionReports } from "../engine/translator/region_watch.ts";
import type { Channel, Payload } from "../sandbox/channel.ts";
import type { BoundPlugin } from "../sandbox/bound_plugin.ts";
import { grantedRights } from "../sandbox/grants.ts";
import { type Compartment, launch } from "../sandbox/launcher.ts";
import type { HostUse } from "../sandbox/host_uses.ts";
import { release } from "../sandbox/reclaim.ts";
import { ownSources } from "../sandbox/describe.ts";
import type { Rights } from "../sandbox/rights.ts";
import { sesText } from "../sandbox/ses.ts";
import type { GdbAddress } from "./debug/gdb_server.ts";
import type { ResolvedDefinition, ResolvedStep } from "./definition.ts";
import { changed, type Piece } from "./pieces.ts";
import { type AbsentPlugin, type PluginParts, pluginParts } from "./plugin_parts.ts";
import { PluginProcesses } from "./plugin_processes.ts";
import { type MachineSpeech, type MachineState, NO_LIMIT, type OwnedRequests, type OwnerSpeech } from "./protocol.ts";
import type { ExitReport } from "./report.ts";
import type { ScriptMatch } from "./script.ts";
import type { ByteSink } from "./snapshot/container_writer.ts";
import type { SaveResult } from "./snapshot/save.ts";
import type { MachineStatistics } from "./statistics.ts";

/** Bytes of one message while the guest is sent. */
const LOAD_CHUNK = 1 << 16;

/** Milliseconds in which the machine process answers: longer than a virtual CPU may take, so that its own report comes first. */
const ANSWER_LIMIT = 40_000;

/** Milliseconds in which a snapshot is written or read: gigabytes, on a slow disk. */
const SAVE_LIMIT = 3_600_000;

/** Milliseconds that a machine has to stop by itself. */
const STOP_LIMIT = 3000;

/** Milliseconds in which a machine ends in order: longer than its back ends may take to close. */
const CLOSE_LIMIT = 6000;

/** A guest, ready to be put into a machine, as a boot protocol prepares it. */
export interface Guest {
  /** What to write into RAM before the processor starts. */
  readonly pieces: readonly GuestPiece[];
  /** What to map read-only, over RAM where the two meet. */
  readonly roms: readonly GuestPiece[];
  /** How the processor starts. */
  readonly cpu: CpuStart;
  /** Prepares the same guest again: a reset starts it anew, and nobody holds its bytes until then. */
  again(): Promise<Guest>;
}

/** Bytes at a guest-physical address. */
export interface GuestPiece {
  /** Guest-physical address of the first byte. */
  readonly address: number;
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** What it is, for sentences. */
  readonly name: string;
}

/** Who is told what the machine does. While a returned promise is pending, the guest is held back. */
export interface MachineListener {
  /** The guest wrote to its first serial port. */
  output(bytes: Payload): void | Promise<void>;
  /** The guest wrote to its debug console. */
  debug?(bytes: Payload): void | Promise<void>;
  /** Something was logged. */
  log?(record: LogRecord): void;
  /** A step met its expectation. */
  matched?(id: number, match: ScriptMatch): void;
  /** A plugin, by its name in the machine, used something of the host. */
  used?(plugin: string, use: HostUse): void;
}

/** A listener for gdb in the machine process. */
export interface GdbListener extends GdbAddress {
  /** Whether the machine stands still until gdb lets it run. */
  readonly hold: boolean;
}

/** A snapshot that a machine is to take over. */
export interface SnapshotSource {
  /** What it is, for sentences: `snapshot "F"`. */
  readonly subject: string;
  /** The file, by its absolute real path; the machine process reads it itself, and may read no other. Or its bytes. */
  readonly file: string | null;
  readonly bytes?: Uint8Array;
  /** The checksum of the whole. */
  readonly digest: string;
  /** Prepares the machine's guest, which a reset starts again. A machine without it cannot be reset. */
  readonly again?: Guest["again"];
}

/** A machine process that runs. */
interface Started {
  readonly process: Compartment<OwnerSpeech, MachineSpeech>;
  readonly exit: Promise<ExitReport>;
  readonly saving: Saving;
  readonly closes: boolean;
}

/** Where the parts of a snapshot go; saves wait for one another. */
interface Saving {
  sink: ByteSink | undefined;
  last: Promise<void>;
}

/** A machine in a process of its own. */
export class Machine implements AsyncDisposable {
  /** How the run ended. Never rejects. */
  readonly exit: Promise<ExitReport>;
  /** Where the machine listens for gdb, if it does. */
  readonly gdb: GdbAddress | undefined;
  readonly #process: Compartment<OwnerSpeech, MachineSpeech>;
  readonly #saving: Saving;
  /** It has back ends. */
  readonly #closes: boolean;

  private constructor({ process, exit, saving, closes }: Started, gdb: GdbAddress | undefined) {
    this.gdb = gdb;
    this.#process = process;
    this.exit = exit;
    this.#saving = saving;
    this.#closes = closes;
  }

  /**
   * Starts a machine process, gives it the guest and powers the machine on, held before its first instruction.
   *
   * @param plugins The definition's plugins, as they were agreed to.
   * @param absent Those that it goes on without.
   * @param gdb Where to listen for gdb: the machine process gets the right to that address and no other.
   * @throws {BulkheadError} Why the process or the machine could not be started. Nothing is left behind then.
   */
  static async start(
    definition: ResolvedDefinition,
    guest: Guest,
    listener: MachineListener,
    gdb?: GdbListener,
    plugins: readonly BoundPlugin[] = [],
    absent: readonly AbsentPlugin[] = [],
  ): Promise<Machine> {
    const parts = await partsOf(definition, plugins, absent);
    const started = start(await machineRights(plugins, gdb), listener, guest.again, parts);
    return await Machine.#ready(started, send(started.process, definition, parts, guest), gdb);
  }

  /**
   * Starts a machine process that takes over a saved machine's state, held before its next instruction.
   *
   * @param definition The machine, checked to be the one that was saved.
   * @throws {BulkheadError} Why it could not; nothing is left behind then.
   */
  static async restore(
    definition: ResolvedDefinition,
    snapshot: SnapshotSource,
    listener: MachineListener,
    gdb?: GdbListener,
    plugins: readonly BoundPlugin[] = [],
    absent: readonly AbsentPlugin[] = [],
  ): Promise<Machine> {
    const parts = await partsOf(definition, plugins, absent);
    const rights = await machineRights(plugins, gdb);
    const { file } = snapshot;
    const readable = file === null ? rights : { ...rights, read: [...rights.read, file] };
    const started = start(readable, listener, snapshot.again, parts);
    return await Machine.#ready(started, sendSnapshot(started.process, definition, parts, snapshot), gdb);
  }

  static async #ready(started: Started, sent: Promise<void>, gdb: GdbListener | undefined): Promise<Machine> {
    try {
      await sent;
      const address = gdb === undefined ? undefined : await started.process.channel.request("listenForGdb", gdb);
      return new Machine(started, address);
    } catch (error) {
      await started.process.end();
      // The process's own end says more than that the connection to it was lost.
      throw await started.process.ended ?? error;
    }
  }

  /** Id of the machine process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Stops the guest before its next instruction. */
  async pause(): Promise<void> {
    await this.#ask("pause", {});
  }

  /** Lets the guest run. */
  async resume(): Promise<void> {
    await this.#ask("resume", {});
  }

  /** Resets the machine and starts the guest again. */
  async reset(): Promise<void> {
    await this.#ask("reset", {});
  }

  /** The machine at an instruction boundary; with `hash` also a hash of its processor and memory. */
  state(hash = false): Promise<MachineState> {
    return this.#ask("state", { hash });
  }

  /**
   * Saves the machine as it stands at an instruction boundary, and lets it go on. One save at a time.
   *
   * @param sink Takes the parts of the snapshot in their order.
   * @throws {BulkheadError} `not-resumable`: a run that has ended for good. What the sink throws.
   */
  async save(sink: ByteSink): Promise<SaveResult> {
    const before = this.#saving.last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#saving.last = promise;
    await before;
    let failure: unknown;
    this.#saving.sink = async (bytes) => {
      // What comes after a failure is still read, and dropped.
      if (failure === undefined) await sink(bytes).catch((error) => failure = error ?? new Error("the sink failed"));
    };
    try {
      const result = await this.#process.channel.request("save", {}, { limit: SAVE_LIMIT });
      if (failure !== undefined) throw failure;
      return result;
    } finally {
      this.#saving.sink = undefined;
      resolve();
    }
  }

  /** What was counted since power-on. */
  statistics(): Promise<MachineStatistics> {
    return this.#ask("statistics", {});
  }

  /** The hottest regions of translated code, at most so many; undefined where `countRegions` is not set. */
  async regions(most: number): Promise<RegionReports | undefined> {
    return (await this.#ask("regions", { most })).reports ?? undefined;
  }

  /** Adds a step to the serial script: see `VcpuRequests.step`. */
  async step(id: number, step: ResolvedStep, hold: boolean): Promise<void> {
    await this.#ask("step", { id, step, hold });
  }

  /** Takes back a step that has not acted. */
  async unstep(id: number): Promise<void> {
    await this.#ask("unstep", { id });
  }

  /** Types bytes at the first serial port. Settles when they are taken: send the next ones then. */
  async type(bytes: Uint8Array): Promise<void> {
    await this.#process.channel.request("input", {}, { payload: bytes, limit: NO_LIMIT });
  }

  /** Stops the machine for good; what it counted can still be asked for. A machine that does not stop in time is killed. */
  async stop(): Promise<ExitReport> {
    try {
      await this.#process.channel.request("stop", {}, { limit: STOP_LIMIT });
    } catch {
      await this.#process.end();
    }
    return await this.exit;
  }

  /** Lets back ends close, then ends the machine process, whatever it does. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closes) await this.#process.channel.request("close", {}, { limit: CLOSE_LIMIT }).catch(() => {});
    await this.#process.end();
    await this.#process.ended;
  }

  async #ask<K extends keyof OwnedRequests>(
    name: K,
    ask: OwnedRequests[K]["ask"],
  ): Promise<OwnedRequests[K]["answer"]> {
    return await this.#process.channel.request(name, ask as never, {
      limit: ANSWER_LIMIT,
    }) as OwnedRequests[K]["answer"];
  }
}

/** What crosses of the plugins. */
async function partsOf(
  definition: ResolvedDefinition,
  plugins: readonly BoundPlugin[],
  absent: readonly AbsentPlugin[],
): Promise<PluginParts> {
  const confined = plugins.some(({ placement }) => placement !== "inline");
  return pluginParts(definition, plugins, absent, confined ? await sesText() : "");
}

/**
 * What the process may do: read our own modules, which it gives up once they are loaded, and what the plugins in its threads may. Plugins that
 * have a process of their own add nothing.
 */
async function machineRights(plugins: readonly BoundPlugin[], gdb: GdbListener | undefined): Promise<Rights> {
  const own = await ownSources();
  const inside = plugins.filter(({ placement }) => placement === "worker");
  const granted = inside.map(({ rights, grant }) => grantedRights(rights, grant));
  const net = gdb === undefined ? [] : [`${gdb.hostname}:${gdb.port}`];
  const union = (key: "read" | "write" | "net", more: readonly string[]) => [
    ...new Set([...more, ...granted.flatMap((rights) => rights[key])]),
  ];
  return { ...own, read: union("read", own.read), write: union("write", []), net: union("net", net) };
}

function start(
  rights: Rights,
  listener: MachineListener,
  again: Guest["again"] | undefined,
  parts: PluginParts,
): Started {
  const exit = Promise.withResolvers<ExitReport>();
  const saving: Saving = { sink: undefined, last: Promise.resolve() };
  const process: Compartment<OwnerSpeech, MachineSpeech> = launch<OwnerSpeech, MachineSpeech>({
    name: "the machine process",
    entry: new URL(import.meta.resolve("./process.ts")),
    rights,
    handlers: {
      requests: {
        reload: async ({ pieces }) => {
          if (again === undefined) throw noGuest();
          await sendAgain(process.channel, pieces, await again());
          return {};
        },
        toPlugin: async ({ index }, bytes) => {
          await processes.send(index, bytes);
          return {};
        },
      },
      events: {
        ready: () => {},
        output: (_body, bytes) => listener.output(bytes),
        debug: (_body, bytes) => listener.debug?.(bytes),
        matched: ({ id, match }) => listener.matched?.(id, match),
        exit: ({ report }) => exit.resolve(report),
        log: ({ record }) => listener.log?.(record),
        used: ({ plugin, use }) => listener.used?.(plugin, use),
        saved: (_body, bytes) => saving.sink?.(bytes),
        killPlugin: ({ index }) => processes.kill(index),
      },
    },
  });
  const processes = new PluginProcesses(parts, {
    said: async (index, payload) => {
      await process.channel.request("fromPlugin", { index }, { payload, limit: NO_LIMIT });
    },
    ready: (index, opened, error) =>
      process.channel.send("pluginReady", {
        index,
        opened: opened ?? null,
        ...(error === undefined ? {} : { error: error.toJSON() }),
      }),
    used: (plugin, use) => listener.used?.(plugin, use),
    ended: (index, words) => process.channel.send("pluginEnded", { index, words }),
  });
  process.ended.then((error) => {
    processes.end();
    exit.resolve(endedWithoutReport(error));
  });
  const closes = parts.plugins.some(({ manifest }) => manifest.kind === "backend");
  return { process, exit: exit.promise, saving, closes };
}

async function sendSnapshot(
  { channel }: Compartment<OwnerSpeech, MachineSpeech>,
  definition: ResolvedDefinition,
  plugins: PluginParts,
  { subject, file, bytes, digest }: SnapshotSource,
): Promise<void> {
  for (let offset = 0; bytes !== undefined && offset < bytes.length; offset += LOAD_CHUNK) {
    const payload = bytes.subarray(offset, offset + LOAD_CHUNK);
    await channel.send("snapshot", { offset, length: bytes.length }, payload);
  }
  await channel.request("restore", { definition, plugins, subject, file, digest }, { limit: SAVE_LIMIT });
}

async function send(
  { channel }: Compartment<OwnerSpeech, MachineSpeech>,
  definition: ResolvedDefinition,
  plugins: PluginParts,
  guest: Guest,
): Promise<void> {
  await sendGuest(channel, definition, plugins, guest);
  await channel.request("start", {}, { limit: ANSWER_LIMIT });
}

async function sendGuest(
  channel: Channel<OwnerSpeech, MachineSpeech>,
  definition: ResolvedDefinition,
  plugins: PluginParts,
  { pieces, roms, cpu }: Guest,
): Promise<void> {
  const all = [...pieces.map((piece) => ({ ...piece, rom: false })), ...roms.map((piece) => ({ ...piece, rom: true }))];
  const announced = all.map(({ address, bytes, rom, name }) => ({ address, size: bytes.length, rom, name }));
  await channel.request("assemble", { definition, plugins, cpu, pieces: announced });
  for (const [piece, { bytes }] of all.entries()) await sendPiece(channel, piece, bytes);
}

/** Sends the pieces of RAM of a guest that has been sent before. @throws {BulkheadError} `guest-changed`. */
async function sendAgain(
  channel: Channel<OwnerSpeech, MachineSpeech>,
  known: readonly Piece[],
  guest: Guest,
): Promise<void> {
  try {
    for (const [index, { name, size, rom }] of known.entries()) {
      if (rom) continue;
      const { bytes } = guest.pieces[index] ?? {};
      if (bytes?.length !== size) throw changed(name);
      await sendPiece(channel, index, bytes);
    }
  } finally {
    for (const { bytes } of [...guest.pieces, ...guest.roms]) release(bytes);
  }
}

async function sendPiece(
  channel: Channel<OwnerSpeech, MachineSpeech>,
  piece: number,
  bytes: Uint8Array,
): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += LOAD_CHUNK) {
    await channel.send("load", { piece, offset }, bytes.subarray(offset, offset + LOAD_CHUNK));
  }
}

function noGuest(): BulkheadError {
  return new BulkheadError({
    code: "guest-not-given",
    subject: "the machine",
    sentence:
      "the guest reset the machine, which has nothing to start again: a snapshot does not hold the guest's files; " +
      "give them when you restore it, as for a new machine",
  });
}

function endedWithoutReport(error: BulkheadError | undefined): ExitReport {
  if (error === undefined) return { reason: "stopped", retired: 0, time: 0 };
  return { reason: "failed", error: error.toJSON(), retired: 0, time: 0 };
}
