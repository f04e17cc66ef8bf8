import { assertEquals } from "@std/assert";
import { bench, type BenchOptions, conformance, VirtioDriver } from "../core/bus/testing.ts";
import { virtioBlk } from "./virtio_blk.ts";

const IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, WRITE_ZEROES = 13;
const OK = 0, IOERR = 1, UNSUPP = 2;
const RO = 5, FLUSHES = 9;

/** struct virtio_blk_req up to its data. */
function header(type: number, sector = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return new Uint8Array(view.buffer);
}

/** struct virtio_blk_discard_write_zeroes. */
function segment(sector: number, sectors: number, flags = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, BigInt(sector), true);
  view.setUint32(8, sectors, true);
  view.setUint32(12, flags, true);
  return new Uint8Array(view.buffer);
}

interface Asked {
  readonly tag: number;
  readonly what: string;
  readonly data: Uint8Array;
}

/** A started drive before a disk of 64 KB that answers when it is told to. */
function drive(disk: { readOnly?: boolean; sectorBytes?: number } = {}) {
  const asked: Asked[] = [];
  let cancelled = 0;
  const table = bench(virtioBlk, {
    uses: {
      disk: {
        bytes: 0x10000,
        readOnly: false,
        id: "acme tape 9",
        ...disk,
        submit: (tag, request, offset, length, data) =>
          asked.push({ tag, what: `${request} ${offset} ${length}`, data }),
        cancel: () => cancelled++,
      },
    },
  });
  const driver = new VirtioDriver(table);
  driver.start([FLUSHES]);
  const status = () => driver.used(0).map(({ bytes }) => bytes.at(-1));
  return { table, driver, asked, status, front: table.provides("frontEnd"), cancelled: () => cancelled };
}

Deno.test("the configuration tells the disk's size and limits; a disk that cannot be written is offered as such", () => {
  const { driver } = drive({ sectorBytes: 4096 });
  assertEquals([0, 4, 12, 20].map((at) => driver.configuration(at, 4)), [128, 0, 62, 4096]);
  assertEquals(driver.offers(RO), false);
  assertEquals(drive({ readOnly: true }).driver.offers(RO), true);
});

Deno.test("reads and writes reach the disk at their place, many at a time, and are answered in its order", () => {
  const { driver, asked, front } = drive();
  driver.offer(0, [header(IN, 3)], [512, 512, 1]);
  driver.offer(0, [header(OUT, 5), new Uint8Array(512).fill(7)], [1]);
  assertEquals(asked.map(({ what }) => what), ["read 1536 1024", "write 2560 512"]);
  assertEquals(asked[1]!.data, new Uint8Array(512).fill(7));
  front.complete(asked[1]!.tag, "ok", new Uint8Array(0));
  front.complete(asked[0]!.tag, "ok", new Uint8Array(1024).fill(9));
  const [written, read] = driver.used(0);
  assertEquals(written, { written: 1, bytes: Uint8Array.of(OK) });
  assertEquals(read, { written: 1025, bytes: Uint8Array.of(...new Uint8Array(1024).fill(9), OK) });
});

Deno.test("a flush, a discard and zeroes reach the disk, whose refusals are told", () => {
  const { driver, asked, front, status } = drive();
  driver.offer(0, [header(FLUSH)], [1]);
  driver.offer(0, [header(DISCARD), segment(8, 16)], [1]);
  driver.offer(0, [header(WRITE_ZEROES), segment(1, 2, 1)], [1]);
  assertEquals(asked.map(({ what }) => what), ["flush 0 0", "discard 4096 8192", "write-zeroes 512 1024"]);
  front.complete(asked[0]!.tag, "ok", new Uint8Array(0));
  front.complete(asked[1]!.tag, "unsupported", new Uint8Array(0));
  front.complete(asked[2]!.tag, "error", new Uint8Array(0));
  assertEquals(status(), [OK, UNSUPP, IOERR]);
});

Deno.test("the disk's name is its device ID string", () => {
  const { driver } = drive();
  driver.offer(0, [header(GET_ID)], [20, 1]);
  assertEquals(new TextDecoder().decode(driver.used(0)[0]!.bytes.subarray(0, 12)), "acme tape 9\0");
});

Deno.test("what is outside of the disk, and what nobody knows, is refused without asking the disk", () => {
  const { driver, asked, status } = drive();
  driver.offer(0, [header(IN, 127)], [1024, 1]);
  driver.offer(0, [header(IN, 2 ** 60)], [512, 1]);
  driver.offer(0, [header(77)], [1]);
  assertEquals(status(), [IOERR, IOERR, UNSUPP]);
  driver.offer(0, [header(DISCARD), segment(0, 1, 1)], [1]);
  driver.offer(0, [header(WRITE_ZEROES), segment(0, 0xffffffff)], [1]);
  driver.offer(0, [header(DISCARD), segment(0, 1), segment(2, 1)], [1]);
  assertEquals([status(), asked], [[UNSUPP, IOERR, UNSUPP], []]);
});

Deno.test("a request without header or status needs a reset", () => {
  for (const [readable, writable] of [[[new Uint8Array(8)], [1]], [[header(IN)], []]] as const) {
    const { driver } = drive();
    driver.offer(0, readable, writable);
    assertEquals(driver.needsReset, true);
  }
});

Deno.test("a reset takes the requests back, and late answers meet nobody", () => {
  const { driver, asked, front, cancelled } = drive();
  driver.offer(0, [header(IN)], [512, 1]);
  const before = cancelled();
  driver.start();
  assertEquals(cancelled(), before + 1);
  driver.offer(0, [header(IN)], [512, 1]);
  front.complete(asked[0]!.tag, "ok", new Uint8Array(512).fill(1));
  assertEquals(driver.used(0), []);
  front.complete(asked[1]!.tag, "ok", new Uint8Array(512).fill(2));
  assertEquals(driver.used(0)[0]!.bytes[0], 2);
});

Deno.test("a virtio disk conforms", () => {
  const uses: BenchOptions<Record<never, never>, typeof virtioBlk.needs>["uses"] = {
    disk: { bytes: 0x10000, readOnly: false },
  };
  conformance(virtioBlk, [
    (table) => void new VirtioDriver(table).start([FLUSHES, 28, 29]),
    (table) => new VirtioDriver(table).offer(0, [header(IN, 2)], [512, 1], { indirect: true }),
    (table) => new VirtioDriver(table).offer(0, [header(OUT, 1), new Uint8Array(512).fill(3)], [1]),
    (table) => table.provides("frontEnd").complete(1, "ok", new Uint8Array(0)),
    (table) => table.provides("frontEnd").complete(0, "ok", new Uint8Array(512).fill(4)),
    (table) => assertEquals(new VirtioDriver(table).used(0).length, 2),
    (table) => new VirtioDriver(table).offer(0, [header(FLUSH)], [1]),
    (table) => table.reset(),
    (table) => table.provides("frontEnd").complete(2, "ok", new Uint8Array(0)),
  ], { uses });
});
