/**
 * The machine process: owns one machine on behalf of whoever started it, and relays between its owner and the virtual CPU's thread.
 *
 * It speaks `OwnerSpeech` and `MachineSpeech` over its standard input and output, and ends when its input ends.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { Channel, type Payload } from "../sandbox/channel.ts";
import { reclaim } from "../sandbox/reclaim.ts";
import { renounceRead } from "../sandbox/rights.ts";
import { GdbServer } from "./debug/gdb_server.ts";
import type { MachineSpeech, OwnerSpeech, ThreadEvents, VcpuEvents } from "./protocol.ts";
import { VcpuThread } from "./vcpu_thread.ts";

/** The guest while it is being sent. */
type Assembling = OwnerSpeech["requests"]["assemble"]["ask"] & { bytes: SharedArrayBuffer[] };

let assembling: Assembling | undefined;
let thread: VcpuThread | undefined;
let gdb: GdbServer | undefined;

const channel: Channel<MachineSpeech, OwnerSpeech> = new Channel<MachineSpeech, OwnerSpeech>({
  peer: "the owner of the machine",
  readable: Deno.stdin.readable,
  writable: Deno.stdout.writable,
  handlers: {
    events: {
      load: ({ piece, offset }, payload) => {
        const bytes = assembling?.bytes[piece];
        if (bytes === undefined || offset + payload.length > bytes.byteLength) throw misplaced(piece, offset);
        new Uint8Array(bytes).set(payload, offset);
      },
    },
    requests: {
      assemble: (ask) => {
        assembling = { ...ask, bytes: ask.pieces.map(({ size }) => new SharedArrayBuffer(size)) };
        return {};
      },
      start: async () => {
        if (assembling === undefined || thread !== undefined) throw unexpected("start");
        const { definition, cpu, pieces, bytes } = assembling;
        assembling = undefined;
        const guest = pieces.map((piece, index) => ({ ...piece, bytes: bytes[index]! }));
        thread = new VcpuThread(definition, cpu, guest, hear);
        await thread.ready;
        await renounceRead();
        reclaim();
        return {};
      },
      listenForGdb: async ({ hostname, port, hold }) => {
        const vcpu = running();
        if (gdb !== undefined) throw unexpected("a second listener for gdb");
        if (hold) await vcpu.request("debug", { kind: "attach" });
        gdb = new GdbServer({ hostname, port }, {
          debug: (command) => vcpu.request("debug", command),
          stop: async () => void await vcpu.request("stop", {}),
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

/** Passes what the virtual CPU tells to whom it concerns. */
async function hear<K extends keyof ThreadEvents>(name: K, body: ThreadEvents[K], payload: Payload): Promise<void> {
  if (name === "debugStop") return gdb?.stopped((body as ThreadEvents["debugStop"]).stop);
  if (name === "exit") gdb?.exited(0);
  await channel.send(name as keyof VcpuEvents, body as never, payload);
}

function running(): VcpuThread {
  if (thread === undefined) throw unexpected("a request to the virtual CPU");
  return thread;
}

function unexpected(what: string): BulkheadError {
  return new BulkheadError({
    code: "out-of-order",
    subject: "the owner of the machine",
    expected: "assemble, load and start, in this order",
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
