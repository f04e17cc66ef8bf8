import { assert, assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../../bus/error.ts";
import { decodeMemoryMap, encodeMemoryMap, type MemoryMap } from "./memory_map.ts";
import { fillPages, ramDestinations, readPages } from "./memory_reader.ts";
import { MemoryWriter } from "./memory_writer.ts";
import { METHOD } from "./page_chunks.ts";

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

function written(ram: Uint8Array) {
  const writer = new MemoryWriter(ram.buffer, 0, ram.length);
  const parts = [...writer.pages()];
  const pages = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (pages.set(part, at), at + part.length), 0);
  return { pages, map: encodeMemoryMap(writer.map()), touched: writer.touchedPages };
}

Deno.test("memory comes back as it was; zero pages and pages that repeat a word take no room", () => {
  const ram = variousRam();
  const { pages, map, touched } = written(ram);
  assertEquals(touched, 1 + 300 + 1 + 50 + 1);
  const decoded = decodeMemoryMap("x", map, RAM, pages.length);
  const back = new Uint8Array(RAM);
  readPages("x", pages, decoded, ramDestinations(back, decoded));
  fillPages(back, decoded);
  assert(back.every((byte, index) => byte === ram[index]));
  const empty = written(new Uint8Array(new SharedArrayBuffer(RAM)));
  assertEquals([empty.pages.length, empty.map.length], [0, 40]);
  const repeating = written(new Uint8Array(new SharedArrayBuffer(RAM)).fill(0xcc));
  assertEquals([repeating.pages.length, repeating.map.length], [0, 40 + 24]);
});

Deno.test("what does not compress is stored as it is", () => {
  const ram = new Uint8Array(new SharedArrayBuffer(RAM));
  ram.set(noise(256 * 4096, 3));
  const { pages, map } = written(ram);
  assertEquals(decodeMemoryMap("x", map, RAM, pages.length).chunks[0]!.method, METHOD.STORED);
  assertEquals(pages.length, 256 * 4096);
});

Deno.test("a map that contradicts itself, the machine or the pages is refused", () => {
  const { pages, map } = written(variousRam());
  const good = decodeMemoryMap("x", map, RAM, pages.length);
  const bad: Record<string, Partial<MemoryMap>> = {
    "another size of RAM": { ramBytes: RAM * 2 },
    "more stored pages than chunks": { storedPages: 1e9 },
    "fewer stored pages than chunks": { storedPages: 3 },
    "a missing chunk": { chunks: good.chunks.slice(1) },
    "a chunk too long": { chunks: [{ offset: 0, length: 0xffff_ffff, method: 1 }, ...good.chunks.slice(1)] },
    "an unknown method": { chunks: [{ ...good.chunks[0]!, method: 7 }, ...good.chunks.slice(1)] },
    "a gap": { chunks: [{ ...good.chunks[0]!, offset: 1 }, ...good.chunks.slice(1)] },
    "a run beyond RAM": { runs: [{ address: RAM, pages: 1, first: 0 }] },
    "a run that leaves RAM": { runs: [{ address: RAM - 4096, pages: 2, first: 0 }] },
    "a run that wraps": { runs: [{ address: 4096, pages: 2 ** 52, first: 0 }] },
    "no page": { runs: [{ address: 0, pages: 0, first: 0 }] },
    "an odd address": { runs: [{ address: 1, pages: 1, first: 0 }] },
    "a page that is not stored": { runs: [{ address: 0, pages: 1, first: good.storedPages }] },
    "an overlap": { runs: [{ address: 0, pages: 2, first: 0 }, { address: 4096, pages: 1, first: 0 }] },
    "a fill beyond RAM": { fills: [{ address: RAM, pages: 1, word: 1 }] },
    "a fill with zero": { fills: [{ address: 4096, pages: 1, word: 0 }] },
    "a fill with too much": { fills: [{ address: 4096, pages: 1, word: 2 ** 32 }] },
    "a fill over a run": { fills: [{ address: 5 * 4096, pages: 1, word: 1 }] },
    "a wrong order": { runs: [{ address: 8192, pages: 1, first: 0 }, { address: 0, pages: 1, first: 0 }] },
  };
  for (const [what, change] of Object.entries(bad)) {
    const forged = encodeMemoryMap({ ...good, ...change });
    assertThrows(() => decodeMemoryMap("x", forged, RAM, pages.length), BulkheadError, 'section "memory"', what);
  }
  for (let length = 0; length < map.length; length += 7) {
    assertThrows(() => decodeMemoryMap("x", map.subarray(0, length), RAM, pages.length), BulkheadError);
  }
});

Deno.test("a chunk that gives too little, too much or nothing is refused", () => {
  const ram = new Uint8Array(new SharedArrayBuffer(RAM)).map((_, index) => index % 251);
  const { pages, map } = written(ram);
  const good = decodeMemoryMap("x", map, RAM, pages.length);
  const back = new Uint8Array(RAM);
  const fails = (pages: Uint8Array, map: MemoryMap) =>
    assertThrows(() => readPages("x", pages, map, ramDestinations(back, map)), BulkheadError, 'section "pages"');
  fails(new Uint8Array(pages.length), good);
  fails(pages, { ...good, chunks: good.chunks.map((chunk) => ({ ...chunk, length: chunk.length >> 1 })) });
  fails(pages, { ...good, chunks: good.chunks.map((chunk) => ({ ...chunk, method: METHOD.STORED })) });
  fails(pages, {
    ...good,
    storedPages: good.storedPages - 1,
    runs: [{ address: 0, pages: good.storedPages - 1, first: 0 }],
  });
});
