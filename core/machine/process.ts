/**
 * The machine process: owns one machine on behalf of whoever started it, and relays between its owner and the virtual CPU's thread.
 *
 * It speaks `OwnerSpeech` and `MachineSpeech` over its standard input and output, and ends when its input ends.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { BulkheadError } from "../bus/error.ts";
import type { CpuStart } from "../engine/cpu_start.ts";
import { Channel, type Payload } from "../sandbox/channel.ts";
import { reclaim } from "../sandbox/reclaim.ts";
import { renounceRead } from "../sandbox/rights.ts";
import { GdbServer } from "./debug/gdb_server.ts";
import type { ResolvedDefinition } from "./definition.ts";
import { changed, type LoadedPiece, loadIntoRam } from "./pieces.ts";
import {
  type MachineSpeech,
  type OwnerSpeech,
  RELOAD_LIMIT,
  type ThreadEvents,
  type VcpuEvents,
  type VcpuInit,
} from "./protocol.ts";
import { memorySource } from "./snapshot/container_reader.ts";
import { refusal, Snapshot } from "./snapshot/restore.ts";
import { writeSnapshot } from "./snapshot/save.ts";
import { sha256 } from "./snapshot/saved_machine.ts";
import { VcpuThread } from "./vcpu_thread.ts";

/** Most bytes of a snapshot in one message. */
const SNAPSHOT_PART = 4 << 20;

/** The guest while it is being sent. */
type Assembling = OwnerSpeech["requests"]["assemble"]["ask"] & { bytes: SharedArrayBuffer[] };

/** A piece of RAM while it is being sent again: how much of it has come, and what it was. */
interface Reloading {
  received: number;
  readonly hash: Hash;
}

/** The machine, once it is being built. */
interface Machine {
  readonly thread: VcpuThread;
  readonly definition: ResolvedDefinition;
  readonly cpu: CpuStart;
  readonly pieces: readonly LoadedPiece[];
}

let assembling: Assembling | undefined;
/** The guest while a reset has it sent again, by piece. */
let reloading: Map<number, Reloading> | undefined;
/** A snapshot while it is being sent. */
let receiving: Uint8Array<ArrayBuffer> | undefined;
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
    },
    requests: {
      assemble: (ask) => {
        assembling = { ...ask, bytes: ask.pieces.map(({ size }) => new SharedArrayBuffer(size)) };
        return {};
      },
      start: async () => {
        if (assembling === undefined) throw unexpected("start");
        await power(assembling, () => assembling = undefined);
        await renounceRead();
        reclaim();
        return {};
      },
      restore: async ({ definition, subject, file, digest }) => {
        try {
          const bytes = file === null ? receiving : await Deno.readFile(file);
          receiving = undefined;
          if (bytes === undefined) throw unexpected("restore");
          const snapshot = await Snapshot.open(memorySource(subject, bytes), digest);
          const { image } = snapshot;
          const { pieces } = snapshot;
          const thread = build({ definition, cpu: snapshot.machine.identity.start, pieces, image });
          thread.ready.catch(() => {});
          // While the thread loads and compiles, this one checks and fills the memory.
          const { ram, ramBytes } = thread.layout;
          await snapshot.fill(new Uint8Array(thread.memory.buffer, ram, ramBytes));
          await thread.ready;
        } catch (error) {
          throw refusal(subject, error);
        }
        await renounceRead();
        reclaim();
        return {};
      },
      save: async () => {
        const { thread, definition, cpu, pieces } = built();
        const { image } = await thread.request("checkpoint", {});
        try {
          const { memory, layout } = thread;
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
      pause: () => running().request("pause", {}),
      resume: () => running().request("resume", {}),
      reset: () => running().request("reset", {}),
      state: (ask) => running().request("state", ask),
      statistics: () => running().request("statistics", {}),
      step: (ask) => running().request("step", ask),
      unstep: (ask) => running().request("unstep", ask),
      stop: () => running().request("stop", {}),
    },
  },
});

function build(parts: Omit<Machine, "thread"> & Pick<VcpuInit, "image">): VcpuThread {
  if (machine !== undefined) throw unexpected("a second machine");
  const thread = new VcpuThread(parts, hear);
  machine = { ...parts, thread };
  return thread;
}

/** Builds the machine and puts the guest into its RAM; the guest's bytes are not needed after that. */
async function power({ definition, cpu, pieces, bytes }: Assembling, done: () => void): Promise<void> {
  const views = bytes.map((buffer) => new Uint8Array(buffer));
  const loaded = pieces.map((piece, index) => ({
    ...piece,
    bytes: piece.rom ? bytes[index]! : new SharedArrayBuffer(0),
    sha256: sha256(views[index]!.slice()),
  }));
  const thread = build({ definition, cpu, pieces: loaded, image: null });
  thread.ready.catch(() => {});
  for (const [index, { rom, address }] of pieces.entries()) {
    if (!rom) loadIntoRam(thread.memory, thread.layout, address, views[index]!);
  }
  done();
  await thread.ready;
}

/** Has the guest sent again, for a reset. */
async function reload({ thread, pieces }: Machine): Promise<void> {
  let error: BulkheadError | undefined;
  try {
    const known = pieces.map(({ address, size, rom, name }) => ({ address, size, rom, name }));
    reloading = new Map(
      pieces.flatMap(({ rom }, index) => rom ? [] : [[index, { received: 0, hash: createHash("sha256") }] as const]),
    );
    await channel.request("reload", { pieces: known }, { limit: RELOAD_LIMIT });
    for (const [index, { received, hash }] of reloading) {
      const { name, size, sha256 } = pieces[index]!;
      if (received !== size || hash.digest("hex") !== sha256) throw changed(name);
    }
  } catch (reason) {
    error = BulkheadError.from(reason, "reading the guest again");
  } finally {
    reloading = undefined;
  }
  thread.reloaded(error);
}

/** A part of a piece that is sent again, in order. */
function loadAgain(all: Map<number, Reloading>, index: number, offset: number, payload: Payload): void {
  const piece = all.get(index);
  if (piece === undefined || offset !== piece.received) throw misplaced(index, offset);
  const { thread, pieces } = built();
  piece.received += payload.length;
  if (piece.received > pieces[index]!.size) throw misplaced(index, offset);
  piece.hash.update(payload);
  loadIntoRam(thread.memory, thread.layout, pieces[index]!.address + offset, payload);
}

/** Passes what the virtual CPU tells to whom it concerns. */
async function hear<K extends keyof ThreadEvents>(name: K, body: ThreadEvents[K], payload: Payload): Promise<void> {
  if (name === "debugStop") return gdb?.stopped((body as ThreadEvents["debugStop"]).stop);
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
