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
import type { AnyDevice } from "../core/bus/contract.ts";
import { DeviceHost } from "../core/bus/host.ts";
import { bundlePlugin } from "../core/sandbox/bundle.ts";
import { lockdownRealm, OPEN_REALM } from "../core/sandbox/compartment.ts";
import type { DeviceManifest } from "../core/sandbox/description.ts";
import { guardDevice } from "../core/sandbox/guarded_device.ts";
import { createMailbox, SharedPort, stopMailbox } from "../core/sandbox/mailbox.ts";
import { PluginThread } from "../core/sandbox/plugin_thread.ts";
import { RemoteDevice } from "../core/sandbox/remote_device.ts";
import { NO_RIGHTS } from "../core/sandbox/rights.ts";
import { sesText } from "../core/sandbox/ses.ts";

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

/** Accesses of one measurement. */
const LOCAL = 2_000_000, REMOTE = 2000;

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
  /** Nanoseconds of a read over a bare call of the device's function, medians. */
  readonly inlineOverCall: number;
  readonly confinedOverCall: number;
  /** Nanoseconds of a read of the port, with the look-up, medians. */
  readonly unguardedPort: number;
  readonly inlinePort: number;
  readonly confinedPort: number;
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
  console.log(`inline: ${ns(figures.inlineOverCall)} over a bare call (a port's read ${ns(figures.inlinePort)})`);
  console.log(`confined: ${ns(figures.confinedOverCall)} over a bare call (a port's read ${ns(figures.confinedPort)})`);
  console.log(`unguarded: a port's read ${ns(figures.unguardedPort)}`);
  console.log(
    `worker: ${us(figures.workerRoundTrip)} a round trip, ${figures.ratio.toFixed(2)} of a bare one (${
      us(figures.bareRoundTrip)
    })`,
  );
}

async function measure(rounds: number): Promise<Figures> {
  const { text, manifest: described } = await bundlePlugin(SOURCE, "bench:counter");
  const manifest = described as DeviceManifest, subject = "the counter";
  const detached = (error: Error) => {
    throw error;
  };
  const ses = await sesText();
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

  const plain = OPEN_REALM.evaluate(text, subject) as AnyDevice;
  const inline = attached(guardDevice(plain, { subject, manifest, detached }));
  const realm = lockdownRealm(ses);
  const confinedText = realm.evaluate(text, subject) as AnyDevice;
  const confined = attached(guardDevice(confinedText, { subject, manifest, detached, harden: realm.harden }));
  const unguarded = attached(plain);
  const worker = attached(
    new RemoteDevice({ subject, manifest, port: new SharedPort(shared, "near"), detached }).device,
  );
  const wired = plain.wire({ state: { value: 1 } } as never) as unknown as {
    regions: { io: { read(): number }[] };
  };
  const bare = wired.regions.io[0]!.read;

  const slot = ({ slot }: Attached) => nanoseconds(LOCAL, () => slot.read(0, 1));
  const port = ({ host }: Attached) => nanoseconds(LOCAL, () => host.portRead(0x510, 1));
  const series: Record<string, number[]> = {};
  const note = (name: string, value: number) => (series[name] ??= []).push(value);
  // Each round measures everything, so that what the host does meanwhile meets all of it.
  for (let round = 0; round < rounds + 2; round++) {
    const call = nanoseconds(LOCAL, bare);
    const values = {
      inlineOverCall: slot(inline) - call,
      confinedOverCall: slot(confined) - call,
      unguardedPort: port(unguarded),
      inlinePort: port(inline),
      confinedPort: port(confined),
    };
    const workerRoundTrip = medianOf(REMOTE, () => worker.host.portRead(0x510, 1)) / 1000;
    const bareRoundTrip = medianOf(REMOTE, echo.roundTrip) / 1000;
    // What is not optimised yet says nothing.
    if (round < 2) continue;
    for (const [name, value] of Object.entries(values)) note(name, value);
    note("workerRoundTrip", workerRoundTrip);
    note("bareRoundTrip", bareRoundTrip);
    note("ratio", workerRoundTrip / bareRoundTrip);
  }
  echo.end();
  stopMailbox(shared);
  thread.end();
  return Object.fromEntries(Object.entries(series).map(([name, all]) => [name, median(all)])) as unknown as Figures;
}

interface Attached {
  readonly host: DeviceHost;
  readonly slot: { read(offset: number, width: 1): number };
}

function attached(device: AnyDevice): Attached {
  const host = new DeviceHost({ clock: new VirtualClock({ retired: () => 0 }) });
  const { regions } = host.attach(device, { name: "counter" });
  return { host, slot: regions.get("io")!.slots[0]! };
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

/** Nanoseconds of one of many calls. */
function nanoseconds(count: number, call: () => number): number {
  let sum = 0;
  const began = performance.now();
  for (let index = 0; index < count; index++) sum += call();
  const elapsed = performance.now() - began;
  if (sum < 0) throw new Error("counters count upwards");
  return elapsed * 1e6 / count;
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
