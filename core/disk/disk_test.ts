import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { BlockRequest, BlockStatus } from "../bus/backend.ts";
import { VirtualClock } from "../bus/clock.ts";
import { BulkheadError } from "../bus/error.ts";
import type { BlockStore } from "./block_store.ts";
import { Disk } from "./disk.ts";
import type { DiskState } from "./disk_state.ts";
import { Overlay } from "./overlay.ts";
import { random, randomBytes, TestStore } from "./test_store.ts";

interface Answer {
  readonly tag: number;
  readonly status: BlockStatus;
  readonly data: Uint8Array;
  readonly time: number;
}

/** A disk, its store, the clock that drives it, and what it answered. */
class Rig<Store extends BlockStore = TestStore> {
  retired = 0;
  readonly answers: Answer[] = [];
  readonly told: string[] = [];
  readonly clock = new VirtualClock({ retired: () => this.retired, rate: 1 });
  readonly disk: Disk;

  constructor(readonly store: Store, deterministic: boolean, readOnly = false) {
    this.disk = new Disk("a", "a", store, {
      clock: this.clock,
      deterministic,
      log: (_level, message) => this.told.push(message),
    }, readOnly);
    this.disk.connect({
      complete: (tag, status, data) => this.answers.push({ tag, status, data, time: this.clock.now() }),
    });
  }

  submit(tag: number, request: BlockRequest, sector = 0, data: Uint8Array | number = 0): void {
    const bytes = typeof data === "number" ? new Uint8Array(0) : data;
    this.disk.submit(tag, request, sector * 512, typeof data === "number" ? data * 512 : data.length, bytes);
  }

  /** Lets virtual time pass, alarm by alarm. */
  pass(nanoseconds: number): void {
    const end = this.retired + nanoseconds;
    while (this.retired < end) {
      this.retired += Math.max(1, Math.min(end - this.retired, this.clock.untilAlarm()));
      this.clock.runDue();
    }
  }
}

function store(late: boolean, generation: string | undefined = "g"): TestStore {
  return new TestStore('disk "a"', randomBytes(random(3), 64 * 512), { late, generation });
}

Deno.test("an answer never comes inside the request, and comes at once where the host has it", () => {
  const rig = new Rig(store(false), false);
  rig.submit(1, "read", 2, 3);
  assertEquals(rig.answers.length, 0);
  rig.pass(1);
  assertEquals(rig.answers.map(({ tag, status }) => [tag, status]), [[1, "ok"]]);
  assertEquals(rig.answers[0]!.data, rig.store.contents.slice(1024, 2560));
});

Deno.test("a deterministic disk answers at the same virtual instants, however late the host is", () => {
  const traces = [true, false].map((late) => {
    const rig = new Rig(store(late), true), next = random(9), luck = random(2);
    for (let tag = 0; tag < 40; tag++) {
      const sector = next(50), kind = next(3);
      if (kind === 0) rig.submit(tag, "read", sector, 1 + next(14));
      else if (kind === 1) rig.submit(tag, "write", sector, randomBytes(next, 512 * (1 + next(14))));
      else rig.submit(tag, "flush");
      rig.pass(next(60_000));
      if (late && luck(3) === 0) rig.store.poll();
    }
    rig.pass(10_000_000);
    return { answers: rig.answers, contents: rig.store.contents };
  });
  assertEquals(traces[0], traces[1]);
  assertEquals(traces[0]!.answers.length, 40);
});

Deno.test("what overlaps waits, a flush waits for everything before it, and everything after waits for the flush", () => {
  const rig = new Rig(store(true), false);
  rig.submit(1, "write", 0, new Uint8Array(1024).fill(1));
  rig.submit(2, "read", 1, 1);
  rig.submit(3, "read", 8, 1);
  rig.submit(4, "flush");
  rig.submit(5, "write", 20, new Uint8Array(512));
  const begun = () => rig.store.queue.map(({ action, offset }) => [action, offset]);
  assertEquals(begun(), [["write", 0], ["read", 4096]]);
  rig.store.poll();
  assertEquals(begun(), [["read", 512]]);
  rig.store.poll();
  assertEquals(begun(), [["flush", 0]]);
  rig.store.poll();
  assertEquals(begun(), [["write", 10240]]);
  rig.store.poll();
  rig.pass(1);
  assertEquals(rig.answers.map(({ tag }) => tag), [1, 2, 3, 4, 5]);
  assertEquals(rig.answers[1]!.data, new Uint8Array(512).fill(1));
});

Deno.test("requests longer than an operation of the store are done in pieces, zeroes too", () => {
  const big = new TestStore('disk "a"', randomBytes(random(3), 512 * 1024));
  const rig = new Rig(big, false);
  rig.submit(1, "read", 1, 1000);
  rig.submit(2, "write-zeroes", 3, 900);
  rig.submit(3, "read", 0, 1024);
  const before = big.contents.slice(512, 1001 * 512);
  rig.pass(1);
  assertEquals(rig.answers.map(({ tag, status, data }) => [tag, status, data.length]), [
    [1, "ok", 512_000],
    [2, "ok", 0],
    [3, "ok", 524_288],
  ]);
  assert(before.length === 512_000);
  assert(rig.answers[2]!.data.subarray(1536, 1536 + 900 * 512).every((byte) => byte === 0));
});

Deno.test("the pieces of a long request keep out of each other's way, where an overlay completes blocks from its disk", () => {
  const base = new TestStore('disk "a"', randomBytes(random(3), 512 * 1024), { late: true, generation: "g" });
  const file = new TestStore("overlay", new Uint8Array(512), { bytes: 1 << 22 });
  const rig = new Rig(Overlay.open(base, { store: file, lasting: true }), false), next = random(6);
  const model = base.contents.slice();
  for (let tag = 0; tag < 40; tag++) {
    const sector = next(600), data = randomBytes(next, 512 * (1 + next(400)));
    rig.submit(tag, "write", sector, data);
    model.set(data, sector * 512);
    if (next(3) === 0) rig.store.poll();
  }
  rig.submit(99, "read", 0, 1024);
  rig.disk.flush();
  rig.pass(1);
  assertEquals(rig.answers.at(-1), { tag: 99, status: "ok", data: model, time: 1 });
});

Deno.test("a request that makes no sense ends with an error and a sentence, and touches nothing", () => {
  const rig = new Rig(store(false), false), contents = rig.store.contents.slice();
  const { disk } = rig, none = new Uint8Array(0);
  disk.submit(1, "read", 100, 512, none);
  disk.submit(2, "read", 0, 100, none);
  disk.submit(3, "read", 63 * 512, 1024, none);
  disk.submit(4, "write", 0, 1024, new Uint8Array(512));
  disk.submit(5, "read", NaN, 512, none);
  disk.submit(6, "read", -512, 512, none);
  disk.submit(7, "erase" as "read", 0, 512, none);
  disk.submit(2 ** 32, "read", 0, 512, none);
  disk.submit(8, "read", 0, 2 ** 60, none);
  rig.pass(1);
  assertEquals(rig.answers.length, 9);
  assert(rig.answers.every(({ status }) => status === "error"));
  assertEquals(rig.told.length, 8);
  assertEquals(rig.store.contents, contents);

  const readOnly = new Rig(store(false), false, true);
  readOnly.submit(1, "write", 0, new Uint8Array(512));
  readOnly.submit(2, "discard", 0, 1);
  readOnly.pass(1);
  assertEquals(readOnly.answers.map(({ status }) => status), ["error", "error"]);
  assertEquals(readOnly.store.contents, contents);
});

Deno.test("what a reset cancels is not answered, and what follows keeps behind it", () => {
  const rig = new Rig(store(true), false);
  rig.submit(1, "write", 0, new Uint8Array(512).fill(1));
  rig.submit(2, "write", 0, new Uint8Array(512).fill(2));
  rig.disk.cancel();
  rig.submit(1, "write", 0, new Uint8Array(512).fill(3));
  assertEquals(rig.store.queue.length, 1);
  rig.store.poll();
  rig.store.poll();
  rig.pass(1);
  assertEquals(rig.answers.map(({ tag }) => tag), [1]);
  assertEquals(rig.store.contents[0], 3);
});

Deno.test("requests in flight are part of the state: a restored disk answers them as the first one does", () => {
  for (const deterministic of [true, false]) {
    const first = new Rig(store(true), deterministic), next = random(4);
    for (let tag = 0; tag < 10; tag++) {
      if (tag % 2 === 0) first.submit(tag, "write", next(50), randomBytes(next, 1024));
      else first.submit(tag, "read", next(50), 4);
    }
    first.pass(1000);
    const state: DiskState = structuredClone(first.disk.save()), clock = structuredClone(first.clock.save());
    const second = new Rig(store(false), deterministic);
    second.store.contents = first.store.contents.slice();
    second.clock.restore(clock);
    second.disk.restore(state);
    first.pass(1_000_000);
    second.pass(1_000_000);
    assertEquals(second.answers, first.answers);
    assertEquals(second.answers.length, 10);
  }
});

Deno.test("a request that the store had not done when the state was taken is asked again", () => {
  const rig = new Rig(store(true), false);
  const data = new Uint8Array(512).fill(9), none = new Uint8Array(0);
  const flights = [
    { tag: 1, request: "write", offset: 512, length: 512, data, due: 0, status: null, answer: none },
    { tag: 2, request: "read", offset: 512, length: 512, data: none, due: 0, status: null, answer: none },
  ] as const;
  const state = { version: 1, name: "a", bytes: 32768, sectorBytes: 512, readOnly: false, generation: "g", lastDue: 0 };
  rig.disk.restore({ ...state, version: 1, flights });
  rig.store.poll();
  rig.store.poll();
  rig.pass(1);
  assertEquals(rig.answers.map(({ tag, data }) => [tag, data[0]]), [[1, undefined], [2, 9]]);
});

Deno.test("another disk, another generation or a broken state is refused with a sentence", () => {
  const state = new Rig(store(false), false).disk.save();
  const refused = (change: object, generation = "g") => {
    const rig = new Rig(store(false, generation), false);
    return assertThrows(() => rig.disk.restore({ ...state, ...change } as DiskState), BulkheadError).message;
  };
  assertMatch(
    refused({}, "h"),
    /disk "a", generation of its contents: expected g, found h; the disk was written after/,
  );
  assertMatch(refused({ bytes: 512 }), /size: expected 512 bytes/);
  assertMatch(refused({ readOnly: true }), /mode: expected a disk that cannot be written/);
  for (const broken of [{ flights: [{}] }, { generation: 3 }, { version: 2 }, { lastDue: -1 }, { sectorBytes: 5 }]) {
    assertMatch(refused(broken), /the saved machine, disk "a": expected its size/);
  }
  const nameless = new Rig(new TestStore('disk "a"', new Uint8Array(512)), false);
  const error = assertThrows(() => nameless.disk.save(), BulkheadError);
  assertMatch(error.message, /cannot be part of a snapshot: its back end cannot tell/);
});

Deno.test("a store that fails gives an error to the guest and a sentence to the owner, a few times", () => {
  const rig = new Rig(store(false), false);
  rig.store.fails = () => true;
  for (let tag = 0; tag < 100; tag++) rig.submit(tag, "read", 1, 1);
  rig.pass(1);
  assertEquals(rig.answers.length, 100);
  assert(rig.answers.every(({ status, data }) => status === "error" && data.length === 0));
  assertEquals(rig.told.length, 8);
  assertEquals(rig.disk.statistics().failures, 100);
});
