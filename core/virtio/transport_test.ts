import { assert, assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { device } from "../bus/mod.ts";
import { HEADER } from "../bus/pci_function.ts";
import { bench, conformance, VirtioDriver } from "../bus/testing.ts";
import { COMMON, FEATURE, ISR, STATUS, STRUCTURE, WINDOW } from "./layout.ts";

/** Says what it hears, and keeps what begins with an exclamation mark until it hears an empty call. */
const parrot = device({
  id: "acme/parrot",
  api: 1,
  version: 1,
  needs: {
    virtio: {
      type: 42,
      features: [3, 60],
      queues: { words: { size: 16, readableBytes: 2048 }, calls: { size: 4, readableBytes: 0 } },
      configurationBytes: 4,
    },
  },
  latches: { MOOD: 7 },
  state: () => ({ kept: [] as { tag: number; words: Uint8Array }[] }),
  wire({ state, virtio }) {
    const words = virtio.queue("words"), calls = virtio.queue("calls");
    const say = (tag: number, bytes: Uint8Array) => {
      words.fill(tag, 0, bytes);
      words.complete(tag, bytes.length);
    };
    return {
      virtio: {
        queues: {
          words({ tag, readable }) {
            if (readable[0] === 0x21) state.kept.push({ tag, words: readable });
            else say(tag, readable);
          },
          calls({ tag }) {
            for (const kept of state.kept.splice(0).reverse()) say(kept.tag, kept.words);
            calls.complete(tag, 0);
            virtio.configurationChanged();
          },
        },
        stopped: () => void (state.kept = []),
        configuration: [{ kind: "latch", name: "MOOD", at: 0, width: 4 }],
      },
    };
  },
});

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (raw: Uint8Array, length: number) => new TextDecoder().decode(raw.subarray(0, length));

Deno.test("a virtio device is a PCI device with its structures in capabilities", () => {
  const table = bench(parrot);
  assertEquals(table.configurationRead(HEADER.VENDOR_ID, 4), 0x106a1af4);
  assertEquals(table.configurationRead(HEADER.REVISION_ID), 1);
  assertEquals(table.configurationRead(HEADER.INTERRUPT_PIN), 1);
  const types: number[] = [];
  for (let at = table.configurationRead(HEADER.CAPABILITIES_POINTER); at !== 0; at = table.configurationRead(at + 1)) {
    types.push(table.configurationRead(at + 3));
    assert(table.configurationRead(at + 2) >= 16);
  }
  assertEquals(types.sort(), Object.values(STRUCTURE));
  assertEquals(new VirtioDriver(table).configuration(0, 4), 7);
});

Deno.test("chains come as bytes and go back with bytes, direct and indirect, in any order", () => {
  for (const indirect of [false, true]) {
    const driver = new VirtioDriver(bench(parrot));
    assert(driver.start([FEATURE.RING_INDIRECT_DESC, 3]));
    driver.offer(0, [bytes("good "), bytes("day")], [3, 10], { indirect });
    const [answer] = driver.used(0);
    assertEquals(text(answer!.bytes, answer!.written), "good day");
    if (indirect) continue;
    driver.offer(0, [bytes("!one")], [8]);
    driver.offer(0, [bytes("!two")], [8]);
    assertEquals(driver.used(0), []);
    driver.offer(1, [], [1]);
    assertEquals(driver.used(0).map(({ bytes, written }) => text(bytes, written)), ["!two", "!one"]);
  }
});

Deno.test("features are settled at FEATURES_OK, and not without VERSION_1 or with what is not offered", () => {
  const driver = new VirtioDriver(bench(parrot));
  assertEquals([3, 60, 4, FEATURE.VERSION_1].map((feature) => driver.offers(feature)), [true, true, false, true]);
  assertEquals(driver.start([4]), false);
  assertEquals(driver.start([60]), true);
  driver.writeCommon(COMMON.DRIVER_FEATURE_SELECT, 0, 4);
  driver.writeCommon(COMMON.DRIVER_FEATURE, 1 << 3, 4);
  assertEquals(driver.readCommon(COMMON.DRIVER_FEATURE, 4), 0);
  driver.status = 0;
  driver.status = STATUS.ACKNOWLEDGE | STATUS.DRIVER;
  driver.status |= STATUS.FEATURES_OK;
  assertEquals(driver.status & STATUS.FEATURES_OK, 0);
});

Deno.test("the interrupt is high until ISR status is read, which tells and clears its causes", () => {
  const table = bench(parrot), driver = new VirtioDriver(table);
  const status = () => table.configurationRead(HEADER.STATUS) & 1 << 3;
  driver.start();
  driver.offer(0, [bytes("a")], [1]);
  assertEquals(status(), 1 << 3);
  assertEquals([driver.isr(), driver.isr(), status()], [ISR.QUEUE, 0, 0]);
  const generation = driver.readCommon(COMMON.CONFIG_GENERATION, 1);
  driver.offer(1, [], [1]);
  assertEquals(driver.isr(), ISR.QUEUE | ISR.CONFIGURATION);
  assertEquals(driver.readCommon(COMMON.CONFIG_GENERATION, 1), generation + 1);
});

Deno.test("a driver that asks for no interrupts gets none; with the event index it gets the one that it waits for", () => {
  const table = bench(parrot), driver = new VirtioDriver(table), memory = new DataView(table.memory.buffer);
  driver.start();
  memory.setUint16(driver.place(0) + 0x400, 1, true);
  driver.offer(0, [bytes("a")], [1]);
  assertEquals(driver.isr(), 0);

  driver.start([FEATURE.RING_EVENT_IDX]);
  const usedEvent = driver.place(0) + 0x400 + 4 + 2 * 16, availableEvent = driver.place(0) + 0x800 + 4 + 8 * 16;
  memory.setUint16(usedEvent, 2, true);
  const causes = [0, 1, 2, 3].map(() => {
    driver.offer(0, [bytes("a")], [1]);
    return driver.isr();
  });
  assertEquals(causes, [0, 0, ISR.QUEUE, 0]);
  assertEquals(memory.getUint16(availableEvent, true), 4);
});

Deno.test("nothing is taken before DRIVER_OK, after a reset, or while the guest lets the device reach no memory", () => {
  const table = bench(parrot), driver = new VirtioDriver(table);
  driver.start();
  driver.status = 0;
  assertEquals(driver.status, 0);
  driver.setUpQueue(0);
  driver.offer(0, [bytes("a")], [1]);
  assertEquals(driver.used(0), []);
  driver.start();
  table.configurationWrite(HEADER.COMMAND, 2, 2);
  driver.offer(0, [bytes("a")], [1]);
  assertEquals([driver.used(0), driver.needsReset], [[], true]);
});

Deno.test("answers to chains from before a reset are counted and dropped", () => {
  const table = bench(parrot), driver = new VirtioDriver(table);
  driver.start([FEATURE.RING_RESET]);
  driver.offer(0, [bytes("!old")], [8]);
  driver.writeCommon(COMMON.QUEUE_SELECT, 0, 2);
  driver.writeCommon(COMMON.QUEUE_RESET, 1, 2);
  assertEquals([driver.readCommon(COMMON.QUEUE_RESET, 2), driver.readCommon(COMMON.QUEUE_ENABLE, 2)], [0, 0]);
  driver.setUpQueue(0);
  driver.offer(0, [bytes("new")], [8]);
  driver.offer(1, [], [1]);
  assertEquals(driver.used(0).map(({ bytes, written }) => text(bytes, written)), ["new"]);
  assertEquals(table.counts.get("late-answers"), 2);
});

Deno.test("the window in configuration space reaches the structures", () => {
  const table = bench(parrot), driver = new VirtioDriver(table);
  let at = table.configurationRead(HEADER.CAPABILITIES_POINTER);
  while (table.configurationRead(at + 3) !== STRUCTURE.PCI) at = table.configurationRead(at + 1);
  table.configurationWrite(at + WINDOW.BAR, 0);
  table.configurationWrite(at + WINDOW.OFFSET, COMMON.DEVICE_STATUS, 4);
  table.configurationWrite(at + WINDOW.LENGTH, 1, 4);
  table.configurationWrite(at + WINDOW.DATA, STATUS.ACKNOWLEDGE, 4);
  assertEquals([driver.status, table.configurationRead(at + WINDOW.DATA)], [STATUS.ACKNOWLEDGE, STATUS.ACKNOWLEDGE]);
  table.configurationWrite(at + WINDOW.LENGTH, 3, 4);
  assertEquals(table.configurationRead(at + WINDOW.DATA, 4), 0xffffffff);
});

Deno.test("a virtio device conforms, with chains in flight at every cut", () => {
  conformance(parrot, [
    (table) => void new VirtioDriver(table).start([FEATURE.RING_INDIRECT_DESC, FEATURE.RING_EVENT_IDX]),
    (table) => new VirtioDriver(table).offer(0, [bytes("!one")], [8]),
    (table) => new VirtioDriver(table).offer(0, [bytes("!two")], [4, 4], { indirect: true }),
    (table) => new VirtioDriver(table).offer(0, [bytes("aye")], [8]),
    (table) => new VirtioDriver(table).offer(1, [], [1]),
    (table) => {
      const said = new VirtioDriver(table).used(0).map(({ bytes, written }) => text(bytes, written));
      assertEquals(said, ["aye", "!two", "!one"]);
    },
    (table) => void new VirtioDriver(table).isr(),
    (table) => table.reset(),
    (table) => assertEquals(new VirtioDriver(table).status, 0),
    (table) => void new VirtioDriver(table).start(),
  ]);
});

Deno.test("a claim that no virtio device can have is refused with its field", () => {
  const claim = { type: 42, queues: { words: { size: 16, readableBytes: 1 } } };
  for (
    const [needs, sentence] of [
      [{ virtio: { ...claim, type: 64 } }, "virtio.type"],
      [{ virtio: { ...claim, features: [32] } }, "virtio.features"],
      [{ virtio: { ...claim, queues: { words: { size: 12, readableBytes: 0 } } } }, "virtio.queues.words.size"],
      [{ virtio: { ...claim, configurationBytes: 5000 } }, "virtio.configurationBytes"],
      [{ virtio: claim, pci: { vendor: 1, device: 1, class: 0 } }, "needs.pci"],
    ] as const
  ) {
    const broken = { ...parrot, needs } as unknown as typeof parrot;
    assertThrows(() => bench(broken), BulkheadError, sentence);
  }
});
