import { assertEquals, assertThrows } from "@std/assert";
import { VirtualClock } from "./clock.ts";
import { BulkheadError } from "./error.ts";
import { DeviceHost } from "./host.ts";
import { device } from "./mod.ts";
import { COMMAND, HEADER } from "./pci_function.ts";
import { bench, conformance } from "./testing.ts";

/** Counts writes to its memory; its port raises INTA#; a register of its own in configuration space. */
const card = device({
  id: "acme/card",
  api: 1,
  version: 1,
  needs: {
    ports: { io: { size: 6 } },
    mmio: { registers: { size: 0x900 } },
    lines: { int: "level" },
    dma: { all: { direction: "both", maxBytes: 4 } },
    configuration: { own: { at: 0x60, size: 2 } },
    pci: {
      vendor: 0x1234,
      device: 0xbeef,
      class: 0xff0000,
      revision: 3,
      subsystem: { vendor: 0x1234, device: 7 },
      bars: { 0: "registers", 3: "io" },
      interrupt: "int",
      capabilities: [{ id: 9, at: 0x40, body: [4, 0xaa] }, { id: 1, at: 0x50, body: [2, 0, 0, 0] }],
    },
  },
  latches: { OWN: 0x1122 },
  state: () => ({ writes: 0, moved: 0 }),
  wire({ state, irq, dma }) {
    const int = irq("int"), all = dma("all");
    return {
      regions: {
        io: [{ name: "RAISE", at: 0, width: 1, kind: "sync", write: (value) => int.set((value & 1) !== 0) }],
        registers: [
          { name: "WRITES", at: 0, width: 4, kind: "sync", read: () => state.writes, write: () => void state.writes++ },
          {
            name: "MOVE",
            at: 4,
            width: 4,
            kind: "sync",
            read: () => state.moved,
            write: (address) => void (state.moved = all.write(address, Uint8Array.of(1, 2, 3, 4))),
          },
        ],
        own: [{ name: "OWN", at: 0, width: 2, kind: "latch" }],
      },
    };
  },
});

Deno.test("a PCI device has its identity, its sizes and its capabilities in configuration space", () => {
  const table = bench(card);
  assertEquals(table.configurationRead(HEADER.VENDOR_ID, 4), 0xbeef1234);
  assertEquals(table.configurationRead(HEADER.REVISION_ID, 4), 0xff000003);
  assertEquals(table.configurationRead(HEADER.SUBSYSTEM_VENDOR_ID, 4), 0x00071234);
  assertEquals(table.configurationRead(HEADER.INTERRUPT_LINE, 2), 0x010b);
  const size = (bar: number) => {
    const at = HEADER.BASE_ADDRESS_0 + 4 * bar, before = table.configurationRead(at, 4);
    table.configurationWrite(at, 0xffffffff, 4);
    const read = table.configurationRead(at, 4);
    table.configurationWrite(at, before, 4);
    return read;
  };
  assertEquals([0, 1, 3].map(size), [0xfffff000, 0, 0xfffffff9]);
  assertEquals(table.configurationRead(HEADER.STATUS, 2) & 0x10, 0x10);
  assertEquals(table.configurationRead(HEADER.CAPABILITIES_POINTER), 0x40);
  assertEquals(table.configurationRead(0x40, 4), 0xaa045009);
  assertEquals(table.configurationRead(0x50, 4), 0x00020001);
});

Deno.test("what never changes cannot be written, and the interrupt line can", () => {
  const table = bench(card);
  for (const register of [HEADER.VENDOR_ID, HEADER.REVISION_ID, HEADER.SUBSYSTEM_VENDOR_ID, 0x40, 0x34]) {
    const before = table.configurationRead(register, 4);
    table.configurationWrite(register, ~before >>> 0, 4);
    assertEquals(table.configurationRead(register, 4), before);
  }
  table.configurationWrite(HEADER.INTERRUPT_LINE, 5);
  assertEquals(table.configurationRead(HEADER.INTERRUPT_LINE), 5);
});

Deno.test("regions answer where their base address registers say, while the command register lets them", () => {
  const table = bench(card);
  table.write("registers", 0, 0, 4);
  table.configurationWrite(HEADER.BASE_ADDRESS_0, 0xf1234567, 4);
  assertEquals(table.configurationRead(HEADER.BASE_ADDRESS_0, 4), 0xf1234000);
  assertEquals(table.memoryRead(0xf1234000, 4), 1);
  assertEquals(table.memoryRead(0xe0000000, 4), 0xffffffff);
  table.configurationWrite(HEADER.COMMAND, COMMAND.IO_SPACE, 2);
  assertEquals(table.memoryRead(0xf1234000, 4), 0xffffffff);
  table.configurationWrite(HEADER.COMMAND, COMMAND.IO_SPACE | COMMAND.MEMORY_SPACE, 2);
  assertEquals(table.memoryRead(0xf1234000, 4), 1);
  table.reset();
  assertEquals(table.memoryRead(0xe0000000, 4), 0);
});

Deno.test("a device reaches memory only as a bus master", () => {
  const table = bench(card);
  table.write("registers", 4, 0x100, 4);
  assertEquals([table.read("registers", 4, 4), table.memory[0x100]], [0, 0]);
  table.configurationWrite(HEADER.COMMAND, COMMAND.MEMORY_SPACE | COMMAND.BUS_MASTER, 2);
  table.write("registers", 4, 0x100, 4);
  assertEquals([table.read("registers", 4, 4), table.memory[0x100]], [4, 1]);
});

Deno.test("a device's registers in configuration space are read at any width, beside what the core answers", () => {
  const table = bench(card);
  assertEquals(table.configurationRead(0x60, 4), 0x00001122);
  table.configurationWrite(0x61, 0x77);
  assertEquals(table.configurationRead(0x60, 2), 0x7722);
});

Deno.test("a PCI device conforms", () => {
  conformance(card, [
    (table) => table.write("io", 0, 1),
    (table) => table.configurationWrite(HEADER.COMMAND, COMMAND.INTERRUPT_DISABLE | 7, 2),
    (table) => table.configurationWrite(HEADER.BASE_ADDRESS_0, 0xd0000000, 4),
    (table) => table.memoryWrite(0xd0000000, 1, 4),
    (table) => table.write("io", 0, 0),
    (table) => table.reset(),
    (table) => table.write("registers", 0, 0, 4),
  ]);
});

/** A bus with two cards whose pins share a wire, and one beside them. */
function bus() {
  const host = new DeviceHost({ clock: new VirtualClock({ retired: () => 0 }) });
  const pci = host.addPciBus({
    memory: { first: 0xe0000000, last: 0xe0004fff },
    ports: { first: 0xc000, last: 0xc0ff },
    requests: [3, 4, 5, 6],
  });
  const wires: string[] = [];
  pci.interrupts.forEach((net, wire) => net.to((level) => wires.push(`${wire} ${level ? "high" : "low"}`)));
  const cards = ["a", "b", "c", "d"].map((name) => host.attach(card, { name }));
  host.reset("power-on");
  const at = (device: number, register: number) => device << 11 | register;
  return { host, pci, wires, cards, at };
}

Deno.test("devices get places, addresses and wires in the order of their attachment", () => {
  const { pci, at } = bus();
  const read = (device: number, register: number) => pci.read(at(device, register), 4);
  assertEquals([0, 1, 2, 3].map((device) => read(device, HEADER.BASE_ADDRESS_0)), [
    0xe0000000,
    0xe0001000,
    0xe0002000,
    0xe0003000,
  ]);
  assertEquals([0, 1].map((device) => read(device, HEADER.BASE_ADDRESS_0 + 12)), [0xc001, 0xc009]);
  assertEquals([0, 1, 2, 3].map((device) => read(device, HEADER.INTERRUPT_LINE) & 0xff), [6, 3, 4, 5]);
  assertEquals([read(4, 0), pci.read(at(0, 0) | 1 << 8, 4), pci.read(1 << 16, 2)], [0xffffffff, 0xffffffff, 0xffff]);
});

Deno.test("a bus that has no more to give says so", () => {
  const { host } = bus();
  host.attach(card, { name: "e" });
  assertThrows(() => host.attach(card, { name: "f" }), BulkheadError, "free bytes for PCI devices");
});

Deno.test("devices on one wire share it, and each can be cut off", () => {
  const { host, pci, wires, at } = bus();
  host.attach(card, { name: "e" });
  // Devices 0 and 4 are on wire 3.
  host.portWrite(0xc000, 1, 1);
  host.portWrite(0xc020, 1, 1);
  host.portWrite(0xc000, 1, 0);
  pci.write(at(4, HEADER.COMMAND), 2, COMMAND.IO_SPACE | COMMAND.INTERRUPT_DISABLE);
  pci.write(at(4, HEADER.COMMAND), 2, COMMAND.IO_SPACE);
  host.portWrite(0xc020, 1, 0);
  assertEquals(wires, ["3 high", "3 low", "3 high", "3 low"]);
});

Deno.test("a restored bus has its regions, its wires and its commands", () => {
  const first = bus();
  first.host.portWrite(0xc000, 1, 1);
  first.pci.write(first.at(1, HEADER.BASE_ADDRESS_0), 4, 0xf0000000);
  const second = bus();
  second.host.restore(JSON.parse(JSON.stringify(first.host.save())));
  assertEquals(second.host.mmioRead(0xf0000000, 4), 0);
  assertEquals(second.pci.interrupts.map((net) => net.level), [false, false, false, true]);
  assertEquals(second.wires, []);
  second.host.portWrite(0xc000, 1, 0);
  assertEquals(second.wires, ["3 low"]);
  assertEquals(second.host.save().devices.b, first.host.save().devices.b);
});

Deno.test("an identity that no PCI device can have is refused with its field", () => {
  for (
    const [change, sentence] of [
      [{ pci: { ...card.needs.pci, vendor: 0x10000 } }, "pci.vendor"],
      [{ pci: { ...card.needs.pci, bars: { 6: "io" } } }, "pci.bars[6]"],
      [{ pci: { ...card.needs.pci, bars: { 0: "nothing" } } }, "pci.bars[0]"],
      [{ pci: { ...card.needs.pci, interrupt: "none" } }, "pci.interrupt"],
      [{ pci: { ...card.needs.pci, capabilities: [{ id: 9, at: 0x42, body: [] }] } }, "pci.capabilities"],
      [{ configuration: { own: { at: 0x3e, size: 2 } } }, "configuration.own"],
      [{ pci: undefined }, "configuration.own"],
    ] as const
  ) {
    const broken = { ...card, needs: { ...card.needs, ...change } } as unknown as typeof card;
    assertThrows(() => bench(broken), BulkheadError, sentence);
  }
  const lonely = new DeviceHost({ clock: new VirtualClock({ retired: () => 0 }) });
  assertThrows(() => lonely.attach(card), BulkheadError, "no PCI bus");
});

Deno.test("message lines are MSI-X vectors where the machine takes messages, and nothing where it does not", () => {
  const sender = device({
    id: "acme/sender",
    api: 1,
    version: 1,
    needs: {
      ports: { io: { base: 0x510, size: 1 } },
      lines: { int: "level", first: "message", second: "message" },
      pci: { vendor: 0x1234, device: 1, class: 0xff0000, interrupt: "int" },
    },
    state: () => ({}),
    wire({ irq }) {
      const int = irq("int"), vectors = [irq("first"), irq("second")];
      const write = (value: number) => {
        int.set((value & 0x80) !== 0);
        vectors[value & 1]!.pulse();
      };
      return { regions: { io: [{ name: "SEND", at: 0, width: 1, kind: "sync", write }] } };
    },
  });
  const machine = (messages?: (message: { address: number; data: number }) => void) => {
    const host = new DeviceHost({
      clock: new VirtualClock({ retired: () => 0 }),
      ...(messages && { messages }),
    });
    const memory = { first: 0xe0000000, last: 0xefffffff }, ports = { first: 0xc000, last: 0xc0ff };
    const pci = host.addPciBus({ memory, ports, requests: [3, 4, 5, 6] });
    host.attach(sender);
    host.reset("power-on");
    return { host, pci };
  };
  assertEquals(machine().pci.read(HEADER.CAPABILITIES_POINTER, 1), 0);

  const sent: string[] = [];
  const take = ({ address, data }: { address: number; data: number }) =>
    sent.push(`${address.toString(16)}: ${data.toString(16)}`);
  const { host, pci } = machine(take);
  assertEquals(pci.read(0x40, 4), 0x00010011);
  const bar = HEADER.BASE_ADDRESS_0 + 4 * pci.read(0x44, 4), table = pci.read(bar, 4);
  const entry = (vector: number, ...words: number[]) =>
    words.forEach((word, index) => host.mmioWrite(table + 16 * vector + 4 * index, 4, word));
  host.portWrite(0x510, 1, 0);
  entry(0, 0xfee00000, 0, 0x41, 0);
  entry(1, 0xfee01000, 0, 0x42);
  pci.write(0x42, 2, 0x8000);
  host.portWrite(0x510, 1, 0x80);
  host.portWrite(0x510, 1, 0x81);
  assertEquals([sent, pci.interrupts[3].level], [["fee00000: 41"], false]);
  assertEquals(host.mmioRead(table + 0x800, 4), 2);

  const other = machine(take);
  other.host.restore(JSON.parse(JSON.stringify(host.save())));
  other.host.mmioWrite(table + 16 + 12, 4, 0);
  assertEquals([sent.at(-1), other.host.mmioRead(table + 0x800, 4)], ["fee01000: 42", 0]);
  other.pci.write(0x42, 2, 0);
  assertEquals(other.pci.interrupts[3].level, true);
});
