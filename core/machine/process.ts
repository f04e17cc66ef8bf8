/**
 * The machine process: owns one machine on behalf of whoever started it, and relays between its owner and the virtual CPU's thread.
 *
 * It speaks `OwnerSpeech` and `MachineSpeech` over its standard input and output, and ends when its input ends.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { Channel, type Payload } from "../sandbox/channel.ts";
import { reclaim, release } from "../sandbox/reclaim.ts";
import { renounceRead } from "../sandbox/rights.ts";
import { GdbServer } from "./debug/gdb_server.ts";
import type { ResolvedDefinition } from "./definition.ts";
import { changed, loadIntoRam } from "./pieces.ts";
import { PluginHost } from "./plugin_host.ts";
import type { PluginParts, ThreadPlugins } from "./plugin_parts.ts";
import {
  type MachineSpeech,
  NO_LIMIT,
  type OwnerSpeech,
  RELOAD_LIMIT,
  type ThreadEvents,
  type VcpuEvents,
  type VcpuInit,
} from "./protocol.ts";
import { type ByteSource, memorySource } from "./snapshot/container_reader.ts";
import { fileSource } from "./snapshot/file_source.ts";
import { refusal, Snapshot } from "./snapshot/restore.ts";
import { writeSnapshot } from "./snapshot/save.ts";
import { sha256Hex } from "./snapshot/sha256.ts";
import { type MachineMemory, VcpuThread } from "./vcpu_thread.ts";

/** Most bytes of a snapshot in one message. */
const SNAPSHOT_PART = 4 << 20;

/** Milliseconds from the start of a machine until memory is given back. */
const RECLAIM_DELAY = 1000;

/** Milliseconds in which what back ends did last is told, when they have closed. */
const USES_LIMIT = 500;

/** Milliseconds that the owner has to end this process when it cannot start. */
const FAREWELL = 1000;

/** The guest while it is being sent. */
type Assembling = OwnerSpeech["requests"]["assemble"]["ask"] & { bytes: SharedArrayBuffer[] };

/** A piece of RAM while it is being sent again, and how much of it has come. */
interface Reloading {
  received: number;
  readonly bytes: Uint8Array;
}

/** What a machine is assembled of. */
type Parts = Pick<VcpuInit, "definition" | "cpu" | "pieces" | "image">;

/** The machine, once it is being assembled. */
interface Machine extends Omit<Parts, "image">, MachineMemory {
  readonly thread: VcpuThread;
}

let assembling: Assembling | undefined;
/** The guest while a reset has it sent again, by piece. */
let reloading: readonly Reloading[] | undefined;
/** A snapshot while it is being sent. */
let receiving: Uint8Array<ArrayBuffer> | undefined;
/** The virtual CPU's thread, which loads while the rest is read and sent. */
let loading: VcpuThread | undefined;
/** The machine's plugins, which start at the same time. */
let plugins: PluginHost | undefined;
let machine: Machine | undefined;
let gdb: GdbServer | undefined;

const channel: Channel<MachineSpeech, OwnerSpeech> = new Channel<MachineSpeech, OwnerSpeech>({
  peer: "the owner of the machine",
  readable: Deno.stdin.readable,
  writable: Deno.stdout.writable,
  handlers: {
    events: {
      load: ({ piece, offset }, payload) => {
        if (reloading !== undefined) return loadAgain(reloading, piece, offset, payload);
        const bytes = assembling?.bytes[piece];
        if (bytes === undefined || offset + payload.length > bytes.byteLength) throw misplaced(piece, offset);
        new Uint8Array(bytes).set(payload, offset);
      },
      snapshot: ({ offset, length }, payload) => {
        receiving ??= new Uint8Array(length);
        if (offset + payload.length > receiving.length) throw misplaced(0, offset);
        receiving.set(payload, offset);
      },
      pluginReady: ({ index, opened, error }) =>
        plugins?.processReady(
          index,
          opened ?? undefined,
          error === undefined ? undefined : BulkheadError.fromJSON(error),
        ),
      pluginEnded: ({ index, words }) => plugins?.processEnded(index, words),
    },
    requests: {
      assemble: (ask) => {
        load(ask.definition, ask.plugins);
        assembling = { ...ask, bytes: ask.pieces.map(({ size }) => new SharedArrayBuffer(size)) };
        return {};
      },
      start: async () => {
        if (assembling === undefined) throw unexpected("start");
        await power(assembling);
        await renounceRead();
        reclaimSoon();
        return {};
      },
      restore: async ({ definition, plugins, subject, file, digest }) => {
        try {
          const started = load(definition, plugins).ready();
          using opened = file === null ? undefined : await Deno.open(file);
          const snapshot = await Snapshot.open(await source(subject, opened), digest);
          const { image } = snapshot;
          const { thread, memory, layout } = build({
            definition,
            cpu: snapshot.machine.identity.start,
            pieces: snapshot.pieces,
            image,
          }, await started);
          // While the thread loads and compiles, this one checks and fills the memory.
          await snapshot.fill(new Uint8Array(memory.buffer, layout.ram, layout.ramBytes));
          await thread.ready;
        } catch (error) {
          throw refusal(subject, error);
        }
        await renounceRead();
        reclaimSoon();
        return {};
      },
      save: async () => {
        const { thread, definition, cpu, pieces, memory, layout } = built();
        const { image } = await thread.request("checkpoint", {});
        try {
          return await writeSnapshot({ definition, start: cpu, pieces, memory, layout, image }, send);
        } finally {
          await thread.request("release", {});
        }
      },
      listenForGdb: async ({ hostname, port, hold }) => {
        const thread = running();
        if (gdb !== undefined) throw unexpected("a second listener for gdb");
        if (hold) await thread.request("debug", { kind: "attach" });
        gdb = new GdbServer({ hostname, port }, {
          debug: (command) => thread.request("debug", command),
          stop: async () => void await thread.request("stop", {}),
        });
        return gdb.address;
      },
      input: async (_ask, payload) => {
        await running().type(payload);
        return {};
      },
      fromPlugin: async ({ index }, payload) => {
        await plugins?.fromProcess(index, payload);
        return {};
      },
      pause: () => running().request("pause", {}),
      resume: () => running().request("resume", {}),
      reset: () => running().request("reset", {}),
      state: (ask) => running().request("state", ask),
      statistics: () => running().request("statistics", {}),
      regions: (ask) => running().request("regions", ask),
      step: (ask) => running().request("step", ask),
      unstep: (ask) => running().request("unstep", ask),
      stop: () => running().request("stop", {}),
      close: async () => {
        await running().request("close", {});
        await plugins?.closed(USES_LIMIT);
        return {};
      },
    },
  },
});

/** Starts the virtual CPU's thread and the plugins' own ones, once. */
function load(definition: ResolvedDefinition, parts: PluginParts): PluginHost {
  if (plugins !== undefined) return plugins;
  const thread = loading = new VcpuThread(definition, hear);
  return plugins = new PluginHost(parts, {
    memory: definition.memory,
    attention: thread.attention,
    wake: () => thread.wake(),
    toProcess: async (index, message) => {
      await channel.request("toPlugin", { index }, { payload: message, limit: NO_LIMIT });
    },
    kill: (index) => void channel.send("killPlugin", { index }).catch(() => {}),
    used: (plugin, use) => void channel.send("used", { plugin, use }).catch(() => {}),
    fatal: async (error) => {
      if (loading!.abandon(error)) {
        // The refusal is on its way to the owner, who ends this process.
        setTimeout(() => Deno.exit(1), FAREWELL);
        return;
      }
      // A machine that had stopped already is told of in the log only.
      await channel.send("log", { record: { level: "error", source: "machine", message: error.message } });
      await channel.send("exit", { report: { reason: "failed", error: error.toJSON(), retired: 0, time: 0 } });
      Deno.exit(1);
    },
  });
}

function build({ definition, cpu, pieces, image }: Parts, started: ThreadPlugins): Machine {
  if (machine !== undefined) throw unexpected("a second machine");
  const thread = loading!;
  return machine = { definition, cpu, pieces, thread, ...thread.assemble({ cpu, pieces, image }, started) };
}

/** Gives back what only the start needed, when the guest has had time for its first answer. */
function reclaimSoon(): void {
  setTimeout(reclaim, RECLAIM_DELAY);
}

/** Builds the machine and puts the guest into its RAM; the guest's bytes are not needed after that. */
async function power({ definition, plugins: parts, cpu, pieces, bytes }: Assembling): Promise<void> {
  assembling = undefined;
  const started = load(definition, parts).ready();
  const loaded = await Promise.all(pieces.map(async (piece, index) => (
    piece.rom
      ? { ...piece, bytes: bytes[index]! }
      : { ...piece, bytes: new SharedArrayBuffer(0), sha256: await sha256Hex(new Uint8Array(bytes[index]!)) }
  )));
  const { thread, memory, layout } = build({ definition, cpu, pieces: loaded, image: null }, await started);
  for (const [index, { rom, address }] of pieces.entries()) {
    if (!rom) loadIntoRam(memory, layout, address, new Uint8Array(bytes[index]!));
  }
  await thread.ready;
}

/** Has the guest sent again and puts it into RAM, for a reset. */
async function reload({ thread, memory, layout, pieces }: Machine): Promise<void> {
  let error: BulkheadError | undefined;
  try {
    reloading = pieces.map(({ rom, size }) => ({ received: 0, bytes: new Uint8Array(rom ? 0 : size) }));
    const known = pieces.map(({ address, size, rom, name }) => ({ address, size, rom, name }));
    await channel.request("reload", { pieces: known }, { limit: RELOAD_LIMIT });
    for (const [index, { received, bytes }] of reloading.entries()) {
      const { address, rom, name, sha256 } = pieces[index]!;
      if (received !== bytes.length || (!rom && await sha256Hex(bytes) !== sha256)) throw changed(name);
      loadIntoRam(memory, layout, address, bytes);
      release(bytes);
    }
  } catch (reason) {
    error = BulkheadError.from(reason, "reading the guest again");
  }
  reloading = undefined;
  thread.reloaded(error);
  reclaimSoon();
}

/** A part of a piece that is sent again, in order. */
function loadAgain(all: readonly Reloading[], index: number, offset: number, payload: Payload): void {
  const piece = all[index];
  if (piece === undefined || offset !== piece.received || offset + payload.length > piece.bytes.length) {
    throw misplaced(index, offset);
  }
  piece.bytes.set(payload, offset);
  piece.received += payload.length;
}

/** Passes what the virtual CPU tells to whom it concerns. */
async function hear<K extends keyof ThreadEvents>(name: K, body: ThreadEvents[K], payload: Payload): Promise<void> {
  if (name === "debugStop") return gdb?.stopped((body as ThreadEvents["debugStop"]).stop);
  if (name === "detached") return plugins?.detached((body as ThreadEvents["detached"]).plugin);
  if (name === "reload") return void reload(built());
  if (name === "exit") gdb?.exited(0);
  await channel.send(name as keyof VcpuEvents, body as never, payload);
}

function built(): Machine {
  if (machine === undefined) throw unexpected("a request to the virtual CPU");
  return machine;
}

function running(): VcpuThread {
  return built().thread;
}

/** The snapshot, which is a file or was sent. */
async function source(subject: string, file: Deno.FsFile | undefined): Promise<ByteSource> {
  if (file !== undefined) return fileSource(subject, file, (await file.stat()).size);
  const bytes = receiving;
  receiving = undefined;
  if (bytes === undefined) throw unexpected("restore");
  return memorySource(subject, bytes);
}

/** Sends a part of a snapshot, in pieces that a message can carry. */
async function send(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += SNAPSHOT_PART) {
    await channel.send("saved", {}, bytes.subarray(at, at + SNAPSHOT_PART));
  }
}

function unexpected(what: string): BulkheadError {
  return new BulkheadError({
    code: "out-of-order",
    subject: "the owner of the machine",
    expected: "assemble, load and start, or snapshot and restore, in this order",
    found: what,
  });
}

function misplaced(piece: number, offset: number): BulkheadError {
  return new BulkheadError({
    code: "out-of-order",
    subject: "the owner of the machine",
    expected: "bytes of a piece that was announced",
    found: `bytes of piece ${piece} at offset ${offset}`,
  });
}

const broken = await channel.closed;
if (broken !== undefined) console.error(broken.message);
// The virtual CPU may be busy or asleep: only the end of the process surely ends it.
Deno.exit(broken === undefined ? 0 : 1);
