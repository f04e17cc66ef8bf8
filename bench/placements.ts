/**
 * What an access to a device costs where the device runs: a register's read inline and confined, over a bare call of the same function; a
 * round trip to a Worker, beside a bare exchange of two words between two threads in the same run.
 *
 *     deno task bench placements [--rounds 15] [--json]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { VirtualClock } from "../core/bus/clock.ts";
import { DeviceHost } from "../core/bus/host.ts";
import { bundlePlugin } from "../core/sandbox/bundle.ts";
import type { DeviceManifest } from "../core/sandbox/description.ts";
import { createMailbox, SharedPort, stopMailbox } from "../core/sandbox/mailbox.ts";
import { PluginThread } from "../core/sandbox/plugin_thread.ts";
import { RemoteDevice } from "../core/sandbox/remote_device.ts";
import { NO_RIGHTS } from "../core/sandbox/rights.ts";
import { sesText } from "../core/sandbox/ses.ts";
import type { LocalFigures, LocalTask } from "./placements_local.ts";

const SOURCE = `
  import { device } from "@bulkhead/bulkhead";
  export default device({
    id: "bulkhead/counter", api: 1, version: 1,
    needs: { ports: { io: { base: 0x510, size: 1 } } },
    state: () => ({ value: 1 }),
    wire: ({ state }) => ({
      regions: { io: [{ name: "COUNT", at: 0, width: 1, kind: "sync", read: () => state.value = state.value + 1 & 255 }] },
    }),
  });
`;

/** Round trips of one measurement, and rounds that only warm up. */
const REMOTE = 2000, WARM = 2;

/** A thread that answers a word with a word. */
const ECHO = `onmessage = ({ data }) => {
  const words = new Int32Array(data);
  for (let seen = 0;;) {
    Atomics.wait(words, 0, seen);
    const value = Atomics.load(words, 0);
    if (value < 0) break;
    if (value === seen) continue;
    seen = value;
    Atomics.store(words, 16, seen);
    Atomics.notify(words, 16, 1);
  }
  close();
};
postMessage("ready");`;

/** What was measured. */
interface Figures {
  /** In the virtual CPU's thread. */
  readonly inline: LocalFigures;
  readonly confined: LocalFigures;
  /** Microseconds of a round trip, medians. */
  readonly workerRoundTrip: number;
  readonly bareRoundTrip: number;
  /** The ratio of the two, the median of the rounds'. */
  readonly ratio: number;
}

/** Measures and prints. */
export async function placements(args: readonly string[]): Promise<void> {
  const { rounds, json } = parseArgs([...args], { string: ["rounds"], boolean: ["json"], default: { rounds: "15" } });
  const figures = await measure(Number(rounds));
  if (json) return console.log(JSON.stringify(figures));
  const ns = (value: number) => `${value.toFixed(1)} ns`, us = (value: number) => `${value.toFixed(2)} us`;
  for (const placement of ["inline", "confined"] as const) {
    const { call, overCall, port } = figures[placement];
    console.log(`${placement}: ${ns(overCall)} over a bare call (${ns(call)}); a port's read ${ns(port)}`);
  }
  const { workerRoundTrip, bareRoundTrip, ratio } = figures;
  console.log(
    `worker: ${us(workerRoundTrip)} a round trip, ${ratio.toFixed(2)} of a bare one (${us(bareRoundTrip)})`,
  );
}

async function measure(rounds: number): Promise<Figures> {
  const { text, manifest: described } = await bundlePlugin(SOURCE, "bench:counter");
  const manifest = described as DeviceManifest, ses = await sesText();
  const inline = await local({ text, manifest, ses: "", rounds });
  const confined = await local({ text, manifest, ses, rounds });
  return { inline, confined, ...await remote(text, manifest, ses, rounds) };
}

async function local(task: LocalTask): Promise<LocalFigures> {
  const worker = new Worker(import.meta.resolve("./placements_local.ts"), { type: "module" });
  const answer = new Promise<LocalFigures>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
  worker.postMessage(task);
  return await answer;
}

async function remote(
  text: string,
  manifest: DeviceManifest,
  ses: string,
  rounds: number,
): Promise<Omit<Figures, "inline" | "confined">> {
  const subject = "the counter";
  const detached = (error: Error) => {
    throw error;
  };
  const shared = createMailbox();
  const thread = new PluginThread(
    {
      ses,
      text,
      manifest,
      subject,
      shared,
      answers: null,
      attention: new SharedArrayBuffer(64),
      config: {},
      rights: {},
      bindings: {},
    },
    NO_RIGHTS,
    { failed: (why) => detached(new Error(why)) },
  );
  await thread.ready;
  const echo = await echoThread();
  const host = new DeviceHost({ clock: new VirtualClock({ retired: () => 0 }) });
  const port = new SharedPort(shared, "near");
  host.attach(new RemoteDevice({ subject, manifest, port, detached }).device, { name: "counter" });
  const worker: number[] = [], bare: number[] = [], ratios: number[] = [];
  // Each round measures both, so that what the host does meanwhile meets both of them.
  for (let round = 0; round < rounds + WARM; round++) {
    const one = medianOf(REMOTE, () => host.portRead(0x510, 1)) / 1000;
    const other = medianOf(REMOTE, echo.roundTrip) / 1000;
    // What is not optimised yet says nothing.
    if (round < WARM) continue;
    worker.push(one);
    bare.push(other);
    ratios.push(one / other);
  }
  echo.end();
  stopMailbox(shared);
  thread.end();
  return { workerRoundTrip: median(worker), bareRoundTrip: median(bare), ratio: median(ratios) };
}

async function echoThread(): Promise<{ roundTrip(): void; end(): void }> {
  const worker = new Worker("data:application/javascript," + encodeURIComponent(ECHO), { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  const words = new Int32Array(new SharedArrayBuffer(192));
  worker.postMessage(words.buffer);
  let turn = 0;
  return {
    roundTrip: () => {
      turn++;
      Atomics.store(words, 0, turn);
      Atomics.notify(words, 0, 1);
      while (Atomics.load(words, 16) !== turn) Atomics.wait(words, 16, turn - 1, 1000);
    },
    end: () => {
      Atomics.store(words, 0, -1);
      Atomics.notify(words, 0, 1);
    },
  };
}

/** The median of single calls, in nanoseconds. */
function medianOf(count: number, call: () => void): number {
  const all: number[] = [];
  for (let index = 0; index < count; index++) {
    const began = performance.now();
    call();
    all.push((performance.now() - began) * 1e6);
  }
  return median(all);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
