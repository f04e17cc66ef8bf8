import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BulkheadError } from "../../bus/error.ts";
import { decodeMemoryMap, encodeMemoryMap, type MemoryMap } from "./memory_map.ts";
import { MemoryReader } from "./memory_reader.ts";
import { MemoryWriter } from "./memory_writer.ts";

const RAM = 4 << 20;

/** Numbers that do not compress. */
function noise(length: number, seed: number): Uint8Array {
  let random = seed;
  return Uint8Array.from({ length }, () => (random = (random * 48271) % 0x7fff_ffff) >> 8);
}

/** RAM with pages of every kind: zero, compressible, not, in long runs and alone. */
function variousRam(): Uint8Array {
  const ram = new Uint8Array(new SharedArrayBuffer(RAM));
  ram.fill(1, 0, 4096);
  ram.set(noise(300 * 4096, 7), 5 * 4096);
  ram[400 * 4096 + 4095] = 1;
  for (let page = 500; page < 600; page += 2) ram.fill(page & 127 | 1, page * 4096, page * 4096 + 100);
  ram.fill(9, RAM - 4096);
  return ram;
}

async function written(ram: Uint8Array) {
  const writer = new MemoryWriter(ram.buffer, 0, ram.length);
  const parts = await Array.fromAsync(writer.pages());
  const pages = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (pages.set(part, at), at + part.length), 0);
  return { pages, map: encodeMemoryMap(writer.map()), touched: writer.touchedPages };
}

async function read(pages: Uint8Array, map: MemoryMap, part = pages.length): Promise<Uint8Array> {
  const ram = new Uint8Array(RAM);
  const reader = new MemoryReader("x", ram, map);
  for (let at = 0; at < pages.length; at += part) await reader.write(pages.subarray(at, at + part));
  await reader.finish();
  return ram;
}

Deno.test("memory comes back as it was; zero pages and pages that repeat a word take no room", async () => {
  const ram = variousRam();
  const { pages, map, touched } = await written(ram);
  assertEquals(touched, 1 + 300 + 1 + 50 + 1);
  const decoded = decodeMemoryMap("x", map, RAM);
  for (const part of [pages.length, 100_000]) {
    const back = await read(pages, decoded, part);
    assert(back.every((byte, index) => byte === ram[index]));
  }
  assertEquals((await written(ram)).pages, pages);
  const empty = await written(new Uint8Array(new SharedArrayBuffer(RAM)));
  const repeating = await written(new Uint8Array(new SharedArrayBuffer(RAM)).fill(0xcc));
  assertEquals([empty.map.length, repeating.map.length], [24, 48]);
  assert(empty.pages.length < 20 && repeating.pages.length < 20);
});

Deno.test("what does not compress takes hardly more room than it has", async () => {
  const ram = new Uint8Array(new SharedArrayBuffer(RAM));
  ram.set(noise(256 * 4096, 3));
  const { pages } = await written(ram);
  assert(pages.length < 257 * 4096);
});

Deno.test("a map that contradicts itself or the machine is refused", async () => {
  const { map } = await written(variousRam());
  const good = decodeMemoryMap("x", map, RAM);
  const bad: Record<string, Partial<MemoryMap>> = {
    "another size of RAM": { ramBytes: RAM * 2 },
    "more stored pages than RAM": { storedPages: 1e9 },
    "fewer stored pages than in runs": { storedPages: 3 },
    "a run beyond RAM": { runs: [{ address: RAM, pages: 1, word: 0 }] },
    "a run that leaves RAM": { runs: [{ address: RAM - 4096, pages: 2, word: 0 }] },
    "a run that wraps": { runs: [{ address: 4096, pages: 2 ** 52, word: 0 }] },
    "no page": { runs: [{ address: 0, pages: 0, word: 0 }] },
    "an odd address": { runs: [{ address: 1, pages: 1, word: 0 }] },
    "a word with too many bits": { runs: [{ address: 0, pages: 1, word: 2 ** 32 }] },
    "an overlap": { runs: [{ address: 0, pages: 2, word: 0 }, { address: 4096, pages: 1, word: 1 }] },
    "a wrong order": { runs: [{ address: 8192, pages: 1, word: 0 }, { address: 0, pages: 1, word: 0 }] },
  };
  for (const [what, change] of Object.entries(bad)) {
    const forged = encodeMemoryMap({ ...good, ...change });
    assertThrows(() => decodeMemoryMap("x", forged, RAM), BulkheadError, 'section "memory"', what);
  }
  for (let length = 0; length < map.length; length += 7) {
    assertThrows(() => decodeMemoryMap("x", map.subarray(0, length), RAM), BulkheadError);
  }
});

Deno.test("pages that give too little, too much or nothing are refused", async () => {
  const ram = variousRam();
  const { pages, map } = await written(ram);
  const good = decodeMemoryMap("x", map, RAM);
  const fails = (pages: Uint8Array, map: MemoryMap = good) =>
    assertRejects(() => read(pages, map, 100_000), BulkheadError, 'section "pages"');
  await fails(new Uint8Array(0));
  await fails(new Uint8Array(pages.length));
  await fails(pages.subarray(0, pages.length >> 1));
  await fails(pages.subarray(0, pages.length - 1));
  await fails(pages, { ...good, storedPages: 1, runs: [{ address: 0, pages: 1, word: 0 }] });
  await fails(pages, { ...good, storedPages: 1000, runs: [{ address: 0, pages: 1000, word: 0 }] });
});
