import { assertEquals } from "@std/assert";
import { bench, conformance, VirtioDriver } from "../core/bus/testing.ts";
import { virtioConsole } from "./virtio_console.ts";

const RECEIVE = 0, TRANSMIT = 1;
const bytes = (text: string) => new TextEncoder().encode(text);

function started() {
  const sent: string[] = [];
  let ready = 0;
  const table = bench(virtioConsole, {
    uses: {
      backend: { write: (text) => void sent.push(new TextDecoder().decode(text)), ready: () => void ready++ },
    },
  });
  const driver = new VirtioDriver(table);
  driver.start();
  return { table, driver, sent, ready: () => ready, front: table.provides("frontEnd") };
}

Deno.test("what the guest sends reaches the back end, one write for each chain", () => {
  const { driver, sent } = started();
  driver.offer(TRANSMIT, [bytes("hel"), bytes("lo")], []);
  driver.offer(TRANSMIT, [bytes("!")], []);
  assertEquals([sent, driver.used(TRANSMIT).length], [["hello", "!"], 2]);
});

Deno.test("what comes fills the guest's buffers in order, and the back end keeps the rest until there is room", () => {
  const { driver, front, ready } = started();
  assertEquals(front.receive(bytes("early")), 0);
  driver.offer(RECEIVE, [], [3]);
  driver.offer(RECEIVE, [], [4]);
  assertEquals(ready(), 2);
  assertEquals(front.receive(bytes("0123456789")), 7);
  const text = driver.used(RECEIVE).map(({ bytes, written }) => new TextDecoder().decode(bytes.subarray(0, written)));
  assertEquals(text, ["012", "3456"]);
  assertEquals(front.receive(bytes("789")), 0);
});

Deno.test("a driver that resets the console takes its buffers with it", () => {
  const { driver, front } = started();
  driver.offer(RECEIVE, [], [8]);
  driver.start();
  assertEquals(front.receive(bytes("late")), 0);
});

Deno.test("a console can be written to before it is set up", () => {
  const { table, sent } = started();
  table.reset();
  // The configuration is the second base address register's.
  table.memoryWrite((table.configurationRead(0x14, 4) & ~0xf) + 8 >>> 0, 0x41, 4);
  assertEquals(sent, ["A"]);
});

Deno.test("a virtio console conforms", () => {
  conformance(virtioConsole, [
    (table) => void new VirtioDriver(table).start([2]),
    (table) => new VirtioDriver(table).offer(RECEIVE, [], [4]),
    (table) => new VirtioDriver(table).offer(TRANSMIT, [bytes("out")], []),
    (table) => assertEquals(table.provides("frontEnd").receive(bytes("input")), 4),
    (table) => new VirtioDriver(table).offer(RECEIVE, [], [4]),
    (table) => table.reset(),
    (table) => assertEquals(table.provides("frontEnd").receive(bytes("input")), 0),
  ]);
});
