import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { device } from "../bus/mod.ts";
import { bench, VirtioDriver } from "../bus/testing.ts";
import { COMMON, DESCRIPTOR_FLAG, FEATURE } from "./layout.ts";

const { NEXT, WRITE, INDIRECT } = DESCRIPTOR_FLAG;

/** Answers at once, or keeps the chain where its first byte says so. */
const target = device({
  id: "acme/target",
  api: 1,
  version: 1,
  needs: { virtio: { type: 42, queues: { requests: { size: 16, readableBytes: 4096 } } } },
  state: () => ({ kept: [] as number[] }),
  wire({ state, virtio }) {
    const requests = virtio.queue("requests");
    return {
      virtio: {
        queues: {
          requests({ tag, readable, writable }) {
            if (readable[0] === 1) state.kept.push(tag);
            else {
              requests.fill(tag, 0, new Uint8Array(Math.min(writable, 4096)).fill(0xaa));
              requests.complete(tag, writable);
            }
            if (state.kept.length > 8) requests.complete(state.kept.shift()!, 1);
          },
        },
        stopped: () => void (state.kept = []),
      },
    };
  },
});

/** A started device, and the places of its queue. */
function started() {
  const table = bench(target), driver = new VirtioDriver(table);
  assert(driver.start([FEATURE.RING_INDIRECT_DESC]));
  const memory = new DataView(table.memory.buffer), place = driver.place(0);
  const descriptor = (index: number, address: number, length: number, flags: number, next = 0) =>
    driver.describe(place, index, { address, length, flags, next });
  const available = (index: number, ...heads: number[]) => {
    heads.forEach((head, at) => memory.setUint16(place + 0x404 + 2 * at, head, true));
    memory.setUint16(place + 0x402, index, true);
    driver.notify(0);
  };
  return { table, driver, memory, place, descriptor, available };
}

const HOSTILE: Readonly<Record<string, [reason: string, attack: (device: ReturnType<typeof started>) => void]>> = {
  "a loop": ["no end", ({ descriptor, available }) => {
    descriptor(0, 0x8000, 4, NEXT, 1);
    descriptor(1, 0x8000, 4, NEXT, 0);
    available(1, 0);
  }],
  "a loop in an indirect table": ["no end", ({ driver, descriptor, available }) => {
    driver.describe(0x9000, 0, { address: 0x8000, length: 1, flags: NEXT, next: 0 });
    descriptor(0, 0x9000, 16, INDIRECT);
    available(1, 0);
  }],
  "a head beyond the table": ["outside of its table", ({ available }) => available(1, 16)],
  "a next beyond the table": ["outside of its table", ({ descriptor, available }) => {
    descriptor(0, 0x8000, 4, NEXT, 0xffff);
    available(1, 0);
  }],
  "a buffer that is no memory": ["outside of memory", ({ descriptor, available }) => {
    descriptor(0, 0x2_0000, 4, 0);
    available(1, 0);
  }],
  "a buffer at the end of all addresses": ["outside of memory", ({ descriptor, available }) => {
    descriptor(0, 2 ** 63, 4, WRITE);
    available(1, 0);
  }],
  "a buffer that ends outside of memory": ["outside of memory", ({ descriptor, available }) => {
    descriptor(0, 0xfffe, 4, WRITE);
    available(1, 0);
  }],
  "no bytes": ["no bytes", ({ descriptor, available }) => {
    descriptor(0, 0x8000, 0, 0);
    available(1, 0);
  }],
  "the wrong direction": ["to be read, behind", ({ descriptor, available }) => {
    descriptor(0, 0x8000, 4, WRITE | NEXT, 1);
    descriptor(1, 0x8000, 4, 0);
    available(1, 0);
  }],
  "more than the device takes": ["4100 bytes", ({ descriptor, available }) => {
    descriptor(0, 0x4000, 4100, 0);
    available(1, 0);
  }],
  "an index that jumps": ["went ahead by 17", ({ available }) => available(17, 0)],
  "an index that goes back": ["went ahead by 65535", ({ descriptor, available }) => {
    descriptor(0, 0x8000, 4, 0);
    available(0xffff, 0);
  }],
  "an indirect table in an indirect table": ["indirect where", ({ driver, descriptor, available }) => {
    driver.describe(0x9000, 0, { address: 0x9000, length: 16, flags: INDIRECT, next: 0 });
    descriptor(0, 0x9000, 16, INDIRECT);
    available(1, 0);
  }],
  "half an indirect table": ["no table", ({ descriptor, available }) => {
    descriptor(0, 0x9000, 24, INDIRECT);
    available(1, 0);
  }],
  "an indirect descriptor that goes on": ["indirect where", ({ descriptor, available }) => {
    descriptor(0, 0x9000, 16, INDIRECT | NEXT, 1);
    available(1, 0);
  }],
  "more chains than entries": ["went ahead", ({ memory, descriptor, available }) => {
    memory.setUint8(0x8000, 1);
    descriptor(0, 0x8000, 4, 0);
    for (let round = 1; round < 4; round++) available(9 * round, ...new Array(16).fill(0));
  }],
  "a buffer over the rings": ["went ahead", ({ place, descriptor, available }) => {
    // Each answer writes AAAAh to the available index.
    descriptor(0, place + 0x400, 64, WRITE);
    available(1, 0);
  }],
  "rings that are no memory": ["outside of memory", ({ driver }) => {
    driver.status = 0;
    setUpAt(driver, 0x10_0000);
    driver.notify(0);
  }],
  "rings that are not aligned": ["one of its areas", ({ driver }) => {
    driver.status = 0;
    setUpAt(driver, 0x1001);
  }],
  "a size that is no power of 2": ["entries instead of", ({ driver }) => {
    driver.status = 0;
    setUpAt(driver, 0x1000, 12);
  }],
};

/** Goes to DRIVER_OK with a queue whose areas are wherever. */
function setUpAt(driver: VirtioDriver, address: number, size = 16): void {
  driver.status = 3;
  driver.writeCommon(COMMON.DRIVER_FEATURE_SELECT, 1, 4);
  driver.writeCommon(COMMON.DRIVER_FEATURE, 1, 4);
  driver.status = 11;
  driver.writeCommon(COMMON.QUEUE_SELECT, 0, 2);
  driver.writeCommon(COMMON.QUEUE_SIZE, size, 2);
  for (const field of [COMMON.QUEUE_DESC, COMMON.QUEUE_DRIVER, COMMON.QUEUE_DEVICE]) {
    driver.writeCommon(field, address, 4);
  }
  driver.writeCommon(COMMON.QUEUE_ENABLE, 1, 2);
  driver.status = 15;
}

for (const [name, [reason, attack]] of Object.entries(HOSTILE)) {
  Deno.test(`hostile ring, ${name}: the device needs a reset, says why, and works after it`, () => {
    const device = started();
    attack(device);
    const { driver, table } = device;
    assert(driver.needsReset);
    assertStringIncludes(table.logs.at(-1)?.message ?? "", reason);
    assertEquals(table.logs.at(-1)?.level, "guest");
    const before = table.logs.length;
    driver.notify(0);
    assertEquals(table.logs.length, before);
    assert(driver.start());
    driver.offer(0, [Uint8Array.of(0)], [4]);
    assertEquals(driver.used(0)[0]?.bytes, Uint8Array.of(0xaa, 0xaa, 0xaa, 0xaa));
  });
}

Deno.test("random rings never make the device throw, hang or keep more than its queue holds", () => {
  let seed = 0x5eed;
  const random = (below: number) => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return Math.floor((seed >>> 0) / 2 ** 32 * below);
  };
  let resets = 0, answers = 0;
  for (let round = 0; round < 3000; round++) {
    const { table, driver, memory, place, descriptor, available } = started();
    table.trace.length = 0;
    for (let index = 0; index < 16; index++) {
      const address = random(20) === 0 ? random(2 ** 32) * random(2 ** 21) : 0x1000 + random(0xe000);
      const length = random(10) === 0 ? random(2 ** 32) : 1 + random(300);
      descriptor(
        index,
        address,
        length,
        random(12) === 0 ? random(8) : random(2) * NEXT | random(2) * WRITE,
        random(17),
      );
    }
    for (let word = 0; word < 64; word++) {
      memory.setUint32(0x9000 + 4 * word, random(3) === 0 ? random(2 ** 32) : random(16), true);
    }
    for (let index = 0, kick = 0; kick < 4; kick++) {
      index += random(30) === 0 ? random(0x10000) : random(5);
      available(index & 0xffff, ...Array.from({ length: 16 }, () => random(random(40) === 0 ? 0x10000 : 16)));
    }
    answers += memory.getUint16(place + 0x802, true);
    if (driver.needsReset) resets++;
    assert(
      (table.state as unknown as { transport: { queues: { outstanding: number }[] } }).transport.queues[0]!
        .outstanding <= 16,
    );
  }
  assert(resets > 300 && answers > 300, `${resets} resets, ${answers} answers`);
});
