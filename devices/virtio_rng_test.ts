import { assertEquals, assertNotEquals } from "@std/assert";
import { bench, conformance, VirtioDriver } from "../core/bus/testing.ts";
import { virtioRng } from "./virtio_rng.ts";

/** What a started device gives for buffers of these lengths. */
function given(table: ReturnType<typeof bench<object, never, never, never>>, ...lengths: number[]): Uint8Array[] {
  const driver = new VirtioDriver(table);
  driver.start();
  for (const length of lengths) driver.offer(0, [], [length]);
  return driver.used(0).map(({ bytes, written }) => bytes.subarray(0, written));
}

Deno.test("without a source of the host's the bytes follow from the seed", () => {
  const bytes = (seed: number) => given(bench(virtioRng, { config: { seed } }) as never, 16, 7, 16);
  assertEquals(bytes(1), bytes(1));
  assertNotEquals(bytes(1), bytes(2));
  assertNotEquals(bytes(1)[0], bytes(1)[2]);
  assertEquals(bytes(1).map(({ length }) => length), [16, 7, 16]);
});

Deno.test("the seeded bytes are spread evenly", () => {
  const table = bench(virtioRng);
  const counts = new Uint32Array(256);
  const driver = new VirtioDriver(table);
  driver.start();
  for (let round = 0; round < 64; round++) {
    driver.offer(0, [], [1024]);
    for (const byte of driver.used(0)[0]!.bytes) counts[byte]!++;
  }
  // 65,536 bytes: each value 256 times, give or take six standard deviations.
  assertEquals(counts.every((count) => count > 160 && count < 352), true);
});

Deno.test("where the machine lends a source, the bytes are its own", () => {
  const entropy = { available: true, fill: (into: Uint8Array) => void into.fill(0x5a) };
  assertEquals(given(bench(virtioRng, { uses: { entropy } }) as never, 3), [Uint8Array.of(0x5a, 0x5a, 0x5a)]);
});

Deno.test("the entropy device conforms", () => {
  conformance(virtioRng, [
    (table) => void new VirtioDriver(table).start(),
    (table) => new VirtioDriver(table).offer(0, [], [5]),
    (table) => new VirtioDriver(table).offer(0, [], [64, 64]),
    (table) => void table.read,
    (table) => table.reset(),
    (table) => void new VirtioDriver(table).start(),
    (table) => new VirtioDriver(table).offer(0, [], [5]),
  ]);
});
