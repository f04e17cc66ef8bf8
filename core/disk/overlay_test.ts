import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { MemoryStore } from "./memory_store.ts";
import { Overlay } from "./overlay.ts";
import { type Event, random, randomBytes, TestStore } from "./test_store.ts";
import { carryOut, generationOf } from "./waiting.ts";

const CAPACITY = 1 << 24;

function disk(bytes: number, generation = "g0"): TestStore {
  return new TestStore('disk "a"', randomBytes(random(7), bytes), { generation });
}

function file(contents: Uint8Array = new Uint8Array(512)): TestStore {
  return new TestStore('overlay "a"', contents, { bytes: CAPACITY });
}

function read(store: Overlay, offset: number, length: number): Uint8Array {
  return carryOut(store, "read", offset, length).data;
}

Deno.test("what is written to an overlay is read again, and the disk stays what it was", () => {
  for (const [seed, bytes, lasting] of [[1, 300 * 512, true], [2, 1 << 20, true], [3, 200_192, false]] as const) {
    const base = disk(bytes), before = base.contents.slice(), model = base.contents.slice();
    const changes = lasting ? file() : new MemoryStore('overlay "a"', CAPACITY);
    let overlay = Overlay.open(base, { store: changes, lasting });
    const next = random(seed);
    for (let i = 0; i < 400; i++) {
      const sectors = bytes / 512, at = next(sectors), count = 1 + next(Math.min(i % 9 === 0 ? 120 : 12, sectors - at));
      const data = randomBytes(next, count * 512);
      carryOut(overlay, "write", at * 512, data.length, data);
      model.set(data, at * 512);
      const from = next(sectors), length = 1 + next(Math.min(100, sectors - from));
      assertEquals(read(overlay, from * 512, length * 512), model.subarray(from * 512, (from + length) * 512));
      if (i % 50 !== 0) continue;
      carryOut(overlay, "flush");
      if (lasting) overlay = Overlay.open(base, { store: changes, lasting });
    }
    assertEquals(base.contents, before);
  }
});

Deno.test("an overlay is whole at every instant: after each prefix of its writes it opens and holds all that was flushed", () => {
  const base = disk(40 * 4096 + 512);
  const original = base.contents.slice();
  const first = file(), next = random(11);
  const overlay = Overlay.open(base, { store: first, lasting: true });
  // Each sector is written with the number of its write; after a flush the model must hold at least that.
  const flushed: { readonly events: number; readonly model: Uint8Array }[] = [{ events: 0, model: original.slice() }];
  const model = original.slice(), everything: Uint8Array[] = [original.slice()];
  for (let i = 0; i < 60; i++) {
    const sectors = model.length / 512, at = next(sectors), count = 1 + next(Math.min(20, sectors - at));
    const data = randomBytes(next, count * 512);
    carryOut(overlay, "write", at * 512, data.length, data);
    model.set(data, at * 512);
    everything.push(model.slice());
    if (i % 7 !== 6) continue;
    carryOut(overlay, "flush");
    flushed.push({ events: first.events.length, model: model.slice() });
  }
  for (let count = 0; count <= first.events.length; count++) {
    const contents = replay(first.events.slice(0, count));
    const again = Overlay.open(base, { store: file(contents), lasting: true });
    const held = read(again, 0, base.bytes);
    const since = flushed.findLast(({ events }) => events <= count)!;
    // Every sector is as it was flushed last, or as some later write left it.
    for (let sector = 0; sector < held.length; sector += 512) {
      const found = held.subarray(sector, sector + 512);
      const allowed = [since.model, ...everything].some((state) => same(found, state.subarray(sector, sector + 512)));
      assert(allowed, `sector ${sector / 512} after ${count} events is as no write left it`);
    }
    if (count === since.events) assertEquals(held, since.model);
  }
});

Deno.test("of two writes without a flush between them, any may be lost: the table tells only of data that is stable", () => {
  // A host that loses power keeps any subset of what was written after the last flush.
  const base = disk(64 * 4096), next = random(5);
  const whole = file();
  const overlay = Overlay.open(base, { store: whole, lasting: true });
  for (let i = 0; i < 24; i++) {
    const data = randomBytes(next, 4096);
    carryOut(overlay, "write", next(64) * 4096, 4096, data);
    if (i % 4 === 3) carryOut(overlay, "flush");
  }
  for (let trial = 0; trial < 200; trial++) {
    const cut = next(whole.events.length + 1);
    const upTo = whole.events.slice(0, cut), stable = upTo.lastIndexOf("flush");
    const kept = upTo.filter((event, index) => index <= stable || (event !== "flush" && next(2) === 0));
    const again = Overlay.open(base, { store: file(replay(kept)), lasting: true });
    read(again, 0, base.bytes);
  }
});

Deno.test("an overlay of another disk, of other contents, or of a commit that was interrupted is refused", () => {
  const changes = file();
  Overlay.open(disk(1 << 20), { store: changes, lasting: true });
  const refused = (base: TestStore) =>
    assertThrows(() => Overlay.open(base, { store: changes, lasting: true }), BulkheadError);
  assertMatch(refused(disk(1 << 19)).message, /expected a disk of 1048576 bytes .* found disk "a" of 524288 bytes/);
  assertMatch(refused(disk(1 << 20, "g1")).message, /generation: expected g0, found g1; the disk was changed/);
  const nameless = new TestStore('disk "a"', new Uint8Array(1 << 20));
  assertMatch(refused(nameless).message, /cannot have an overlay that lasts: its back end cannot tell/);
});

Deno.test("an overlay's generation changes with the first change after it was named, before anything else does", () => {
  const base = disk(1 << 20), changes = file();
  const overlay = Overlay.open(base, { store: changes, lasting: true });
  const first = generationOf(overlay);
  const at = changes.events.length;
  carryOut(overlay, "write", 8192, 512, new Uint8Array(512));
  assertEquals((changes.events[at] as { offset: number }).offset, 0);
  assertEquals(changes.events[at + 1], "flush");
  const second = generationOf(overlay);
  assert(first !== second);
  assertEquals(generationOf(Overlay.open(base, { store: changes, lasting: true })), second);
});

Deno.test("what is gone at the end of the run cannot be named by a snapshot, once something was written", () => {
  const overlay = Overlay.open(disk(1 << 20), { store: new MemoryStore("memory", CAPACITY), lasting: false });
  assertEquals(generationOf(overlay), "g0");
  carryOut(overlay, "write", 0, 512, new Uint8Array(512));
  const error = assertThrows(() => generationOf(overlay), BulkheadError);
  assertMatch(error.message, /is nonpersistent: .* with the mode undoable/);
});

Deno.test("a write that fails leaves what was there, and the next one works", () => {
  const base = disk(1 << 20), changes = file();
  const overlay = Overlay.open(base, { store: changes, lasting: true });
  const before = read(overlay, 65536, 4096);
  changes.fails = (action, offset) => action === "write" && offset > 512;
  assertThrows(() => carryOut(overlay, "write", 65536, 4096, new Uint8Array(4096)), BulkheadError, "it was told to");
  assertEquals(read(overlay, 65536, 4096), before);
  carryOut(overlay, "flush");
  changes.fails = (action, offset) => action === "write" && offset === 0;
  const again = Overlay.open(base, { store: changes, lasting: true });
  assertThrows(() => carryOut(again, "write", 65536, 4096, new Uint8Array(4096)), BulkheadError, "it was told to");
  changes.fails = () => false;
  carryOut(again, "write", 65536, 4096, new Uint8Array(4096));
  assertEquals(read(again, 65536, 4096), new Uint8Array(4096));
});

Deno.test("a damaged overlay is refused with a sentence, or what it says is what was written", () => {
  const base = disk(1 << 20), whole = file(), next = random(99);
  const overlay = Overlay.open(base, { store: whole, lasting: true });
  for (let i = 0; i < 30; i++) {
    carryOut(overlay, "write", next(256) * 4096, 4096, randomBytes(next, 4096));
  }
  carryOut(overlay, "flush");
  const right = read(overlay, 0, base.bytes), metadata = 512 * 2;
  for (let trial = 0; trial < 3000; trial++) {
    const contents = whole.contents.slice();
    const changed = 1 + next(3);
    for (let i = 0; i < changed; i++) {
      const at = next(metadata);
      contents[at] = trial % 2 === 0 ? contents[at]! ^ (1 << next(8)) : next(256);
    }
    const cut = trial % 5 === 0 ? contents.subarray(0, 512 * (1 + next(contents.length / 512))) : contents;
    if (same(cut, whole.contents)) continue;
    try {
      const again = Overlay.open(base, { store: file(cut.slice()), lasting: true });
      assertEquals(read(again, 0, base.bytes), right);
    } catch (error) {
      assert(error instanceof BulkheadError, String(error));
      assertMatch(error.message, /^overlay "a"/);
    }
  }
});

/** A file after these writes. */
function replay(events: readonly Event[]): Uint8Array {
  const store = file();
  for (const event of events) {
    if (event !== "flush") store.begin("write", event.offset, event.bytes.length, event.bytes, () => {});
  }
  return store.contents;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
