import { assert, assertEquals } from "@std/assert";
import { DeviceHost } from "../bus/host.ts";
import { bench, VirtioDriver } from "../bus/testing.ts";
import { VirtualClock } from "../bus/clock.ts";
import { bundlePlugin } from "./bundle.ts";
import type { DeviceManifest } from "./description.ts";
import { createMailbox, type Port, SharedPort, stopMailbox } from "./mailbox.ts";
import { PluginThread } from "./plugin_thread.ts";
import { RemoteDevice } from "./remote_device.ts";
import { NO_RIGHTS } from "./rights.ts";
import { sesText } from "./ses.ts";

/** A mailbox's side that counts what it sends. */
class CountingPort implements Port {
  sent = 0;
  readonly #port: SharedPort;
  readonly out;
  readonly in;

  constructor(shared: SharedArrayBuffer) {
    this.#port = new SharedPort(shared, "near");
    this.out = this.#port.out;
    this.in = this.#port.in;
  }

  send(): void {
    this.sent++;
    this.#port.send();
  }

  receive(limit: number) {
    return this.#port.receive(limit);
  }
}

/** A device of this text in a Worker. */
async function remote(source: string, batched: boolean) {
  const { text, manifest, id } = await bundlePlugin(source, "file:///plugin.ts");
  const shared = createMailbox(), subject = `device "it" (${id})`;
  const attention = new SharedArrayBuffer(64);
  const nothing = { answers: null, config: {}, rights: {}, bindings: {}, attention };
  const thread = new PluginThread({ ses: await sesText(), text, manifest, subject, shared, ...nothing }, NO_RIGHTS, {
    failed: () => stopMailbox(shared),
  });
  await thread.ready;
  const port = new CountingPort(shared);
  const failures: string[] = [];
  const detached = ({ message }: Error) => failures.push(message);
  const device = new RemoteDevice({ subject, manifest: manifest as DeviceManifest, port, batched, detached });
  return {
    device,
    port,
    failures,
    attention: new Int32Array(attention),
    [Symbol.dispose]: () => {
      stopMailbox(shared);
      thread.end();
    },
  };
}

const COUNTER = `
  import { device } from "@bulkhead/bulkhead";
  export default device({
    id: "acme/counter", api: 1, version: 1,
    needs: { ports: { io: { base: 0x510, size: 4 } } },
    latches: { SCALE: 1 },
    state: () => ({ sum: 0 }),
    wire: ({ state, regs }) => ({
      regions: {
        io: [
          { name: "ADD", at: 0, width: 1, kind: "posted", write: (value) => { state.sum += value * regs.SCALE; } },
          { name: "SCALE", at: 1, width: 1, kind: "latch" },
          { name: "SUM", at: 2, width: 2, kind: "sync", read: () => state.sum },
        ],
      },
    }),
  });
`;

function hosted({ device }: { device: RemoteDevice }): DeviceHost {
  const host = new DeviceHost({ clock: new VirtualClock({ retired: () => 0 }) });
  host.attach(device.device, { name: "it" });
  return host;
}

Deno.test("posted writes wait for the next safe point and cross in one message, each with the latches of its instant", async () => {
  using it = await remote(COUNTER, true);
  const host = hosted(it), before = it.port.sent;
  for (let scale = 1; scale <= 10; scale++) {
    host.portWrite(0x511, 1, scale);
    host.portWrite(0x510, 1, 2);
  }
  assertEquals(it.port.sent - before, 0);
  const seen = Atomics.load(it.attention, 0);
  it.device.safePoint();
  assertEquals(it.port.sent - before, 1);
  // It says when it is done, for a virtual CPU that sleeps.
  if (Atomics.load(it.attention, 0) === seen) Atomics.wait(it.attention, 0, seen, 10_000);
  it.device.safePoint();
  assertEquals([it.port.sent - before, host.portRead(0x512, 2), it.failures], [1, 110, []]);
});

Deno.test("posted writes go with the next access that is waited for, and are dealt with before it", async () => {
  using it = await remote(COUNTER, true);
  const host = hosted(it), before = it.port.sent;
  for (let write = 0; write < 5; write++) host.portWrite(0x510, 1, 3);
  assertEquals([host.portRead(0x512, 2), it.port.sent - before], [15, 1]);
  // More than fit into a batch.
  for (let write = 0; write < 1000; write++) host.portWrite(0x510, 1, 1);
  assertEquals(host.portRead(0x512, 2), 1015);
  assert(it.port.sent - before < 100, `${it.port.sent - before} messages`);
});

Deno.test("without batches each posted write is waited for", async () => {
  using it = await remote(COUNTER, false);
  const host = hosted(it), before = it.port.sent;
  for (let write = 0; write < 5; write++) host.portWrite(0x510, 1, 3);
  assertEquals([it.port.sent - before, host.portRead(0x512, 2)], [5, 15]);
});

const PARROT = `
  import { device } from "@bulkhead/bulkhead";
  export default device({
    id: "acme/parrot", api: 1, version: 1,
    needs: {
      virtio: { type: 42, features: [3], queues: { words: { size: 8, readableBytes: 64 } }, configurationBytes: 4 },
    },
    state: () => ({ said: 0, held: [] }),
    wire: ({ state, virtio }) => {
      const words = virtio.queue("words");
      const giveBack = ({ tag, bytes }) => {
        words.fill(tag, 0, bytes);
        words.complete(tag, bytes.length);
      };
      return {
        virtio: {
          configuration: [{ name: "SAID", at: 0, width: 4, kind: "sync", read: () => state.said }],
          stopped: () => { state.held = []; },
          queues: {
            words: ({ tag, readable, writable }) => {
              state.said++;
              const bytes = readable.slice().reverse().subarray(0, writable);
              // What begins with a zero is kept until something else comes.
              if (readable[0] === 0) return void state.held.push({ tag, bytes });
              for (const held of state.held.splice(0)) giveBack(held);
              giveBack({ tag, bytes });
              if (virtio.accepted(3)) virtio.configurationChanged();
            },
          },
        },
      };
    },
  });
`;

Deno.test("a stranger's virtio device in a Worker serves a driver", async () => {
  using it = await remote(PARROT, true);
  const driver = new VirtioDriver(bench(it.device.device));
  assertEquals([driver.offers(3), driver.offers(4)], [true, false]);
  // VIRTIO_F_INDIRECT_DESC
  assertEquals(driver.start([3, 28]), true);
  driver.offer(0, [Uint8Array.of(1, 2), Uint8Array.of(3)], [2, 8]);
  const [used] = driver.used(0);
  assertEquals([used!.written, [...used!.bytes.subarray(0, 3)]], [3, [3, 2, 1]]);
  assertEquals([driver.configuration(0, 4), driver.isr()], [1, 3]);

  driver.offer(0, [Uint8Array.of(0, 9)], [4]);
  assertEquals(driver.used(0), []);
  driver.offer(0, [Uint8Array.of(7)], [4], { indirect: true });
  assertEquals(driver.used(0).map(({ written }) => written), [2, 1]);
  assertEquals([driver.needsReset, it.failures], [false, []]);

  // A driver that starts anew finds it so.
  assertEquals(driver.start(), true);
  driver.offer(0, [Uint8Array.of(5)], [1]);
  assertEquals([driver.used(0)[0]!.written, driver.isr()], [1, 1]);
});
