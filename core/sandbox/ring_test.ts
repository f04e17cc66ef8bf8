import { assertEquals, assertThrows } from "@std/assert";
import { AttentionWord, ByteRing } from "./ring.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("bytes come out in order, across the end of the ring's memory", () => {
  const ring = ByteRing.create(8);
  let next = 0, expected = 0;
  for (let round = 0; round < 50; round++) {
    const chunk = Uint8Array.from({ length: 5 }, () => next++ & 0xff);
    assertEquals(ring.write(chunk), 5);
    for (const byte of ring.readAll()) assertEquals(byte, expected++ & 0xff);
  }
});

Deno.test("a full ring takes what fits and says how much", () => {
  const ring = ByteRing.create(4);
  assertEquals(ring.write(bytes(1, 2, 3, 4, 5)), 4);
  assertEquals(ring.write(bytes(6)), 0);
  assertEquals(ring.readable, 4);
  assertEquals(ring.readAll(), bytes(1, 2, 3, 4));
  assertEquals(ring.read(bytes(0)), 0);
});

Deno.test("a wait for bytes ends when they come, when the ring is stopped, and at its limit", async () => {
  const ring = ByteRing.create(4);
  assertEquals(await ring.readableSoon(1), "late");
  const waiting = ring.readableSoon(10_000);
  ring.write(bytes(1));
  assertEquals(await waiting, "ready");
  ring.readAll();
  const stopped = ring.readableSoon(10_000);
  ring.stop();
  assertEquals(await stopped, "stopped");
  assertEquals(await ring.readableSoon(10_000), "stopped");
});

Deno.test("what was written before the stop can still be read", async () => {
  const ring = ByteRing.create(4);
  ring.write(bytes(7));
  ring.stop();
  assertEquals(await ring.readableSoon(1), "ready");
  assertEquals(ring.readAll(), bytes(7));
});

Deno.test("a long write waits for room, and ends when the ring is stopped", async () => {
  const ring = ByteRing.create(4);
  assertEquals(await ring.writableSoon(10_000), "ready");
  const writing = ring.writeAllSoon(bytes(1, 2, 3, 4, 5, 6));
  assertEquals(ring.readAll(), bytes(1, 2, 3, 4));
  assertEquals(await writing, true);
  assertEquals(ring.readAll(), bytes(5, 6));
  const stopped = ring.writeAllSoon(bytes(1, 2, 3, 4, 5));
  assertEquals(await ring.writableSoon(1), "late");
  ring.stop();
  assertEquals(await stopped, false);
});

Deno.test("a blocked thread is woken by bytes and by a stop", async () => {
  const there = ByteRing.create(16), back = ByteRing.create(4);
  const code = `
    import { ByteRing } from ${JSON.stringify(import.meta.resolve("./ring.ts"))};
    self.onmessage = ({ data }) => {
      const there = new ByteRing(data[0]), back = new ByteRing(data[1]);
      while (there.waitReadable(10000) === "ready") back.writeAll(there.readAll());
      self.postMessage("left");
    };`;
  const worker = new Worker("data:application/javascript," + encodeURIComponent(code), { type: "module" });
  const left = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage([there.buffer, back.buffer]);
  const echo: number[] = [];
  there.write(bytes(1, 2, 3, 4, 5, 6, 7, 8, 9));
  while (echo.length < 9 && await back.readableSoon(10_000) === "ready") echo.push(...back.readAll());
  assertEquals(echo, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  there.stop();
  await left;
  worker.terminate();
});

Deno.test("counters that contradict each other are reported, not believed", () => {
  const ring = ByteRing.create(4);
  new Int32Array(ring.buffer)[0] = 99;
  assertThrows(() => ring.readable, RangeError, "contradict");
  assertThrows(() => ByteRing.create(5), RangeError, "power of two");
});

Deno.test("attention raised before the wait is not missed", () => {
  const word = new AttentionWord();
  const seen = word.value;
  new AttentionWord(word.buffer).raise();
  word.wait(seen, 60_000);
  assertEquals(word.value === seen, false);
});
