import { assert, assertEquals, assertThrows } from "@std/assert";
import { characterBackend, characterFrontEnd } from "./backend.ts";
import { VirtualClock } from "./clock.ts";
import { type AnyDevice, device } from "./contract.ts";
import { BulkheadError } from "./error.ts";
import { DeviceHost } from "./host.ts";

function newHost() {
  const cpu = { retired: 0 };
  const clock = new VirtualClock({ retired: () => cpu.retired, rate: 1 });
  const memory = new Uint8Array(64);
  const room = (address: number, length: number) => Math.max(0, Math.min(length, memory.length - address));
  const host = new DeviceHost({
    clock,
    memory: {
      read(address, into) {
        const moved = room(address, into.length);
        into.set(memory.subarray(address, address + moved));
        return moved;
      },
      write(address, from) {
        const moved = room(address, from.length);
        if (moved > 0) memory.set(from.subarray(0, moved), address);
        return moved;
      },
    },
  });
  return { cpu, clock, host, memory };
}

interface Place {
  readonly base: number;
  readonly priority?: number;
  readonly size?: number;
}

/** A device whose ports all read as `value`. */
const ports = (value: number, { base, priority, size = 1 }: Place) =>
  device({
    id: "test/ports",
    api: 1,
    version: 1,
    needs: { ports: { io: { base, size, priority } } },
    state: () => ({}),
    wire: () => ({ regions: { io: { widths: [1, 2, 4], read: () => value } } }),
  });

/** A device whose memory reads as `value` everywhere. */
const memory = (value: number, { base, priority, size = 1 }: Place) =>
  device({
    id: "test/memory",
    api: 1,
    version: 1,
    needs: { mmio: { memory: { base, size, priority } } },
    state: () => ({}),
    wire: () => ({ regions: { memory: { widths: [1, 2, 4], read: () => value } } }),
  });

Deno.test("ports that nobody claims read as ones and are counted", () => {
  const { host } = newHost();
  assertEquals([host.portRead(0x1234, 1), host.portRead(0x1234, 2), host.portRead(0xffff, 4)], [
    0xff,
    0xffff,
    0xffffffff,
  ]);
  host.portWrite(0x1234, 2, 5);
  assertEquals(host.mmioRead(2 ** 51 + 3, 4), 0xffffffff);
  assertEquals(host.statistics().unclaimed, { portReads: 7, portWrites: 2, mmioReads: 4, mmioWrites: 0 });
});

Deno.test("where ranges overlap the higher priority answers, and equals are refused", () => {
  const { host } = newHost();
  host.attach(ports(0x11, { base: 0x10, size: 4 }), { name: "wide" });
  const over = host.attach(ports(0x22, { base: 0x12, priority: 1 }), { name: "over" });
  assertEquals([0x10, 0x11, 0x12, 0x13].map((port) => host.portRead(port, 1)), [0x11, 0x11, 0x22, 0x11]);
  assertEquals(host.portRead(0x10, 4), 0x11220011);
  const error = assertThrows(() => host.attach(ports(0, { base: 0x13 }), { name: "clash" }), BulkheadError);
  assertEquals(
    error.message,
    'device "clash", region "io": expected port 13h to be free, found device "wide" with its region "io" there; ' +
      "place one of them elsewhere, or give them different priorities",
  );
  host.move(over, "io", null);
  assertEquals(host.portRead(0x12, 1), 0x11);
});

Deno.test("device memory is found anywhere below 2^52 and moves at run time", () => {
  const { host } = newHost();
  const high = 2 ** 52 - 16;
  const card = host.attach(memory(0x5a, { base: high, size: 16 }), { name: "card" });
  host.attach(memory(0x33, { base: 0xa0000, size: 0x20000 }), { name: "vga" });
  host.attach(memory(0x44, { base: 0xa8000, size: 0x100, priority: 2 }), { name: "window" });
  assertEquals(host.mmioRead(high + 15, 1), 0x5a);
  assertEquals([host.mmioRead(0xa7fff, 1), host.mmioRead(0xa8000, 1), host.mmioRead(0xa8100, 1)], [0x33, 0x44, 0x33]);
  // An access over the border is composed of both.
  assertEquals(host.mmioRead(0xa7ffe, 4), 0x00440033);
  assertEquals(host.mmioRange(0xa8010), { start: 0xa8000, end: 0xa8100 });
  assertEquals(host.mmioRange(0x9ffff), undefined);
  host.move(card, "memory", 0xc0000000);
  assertEquals([host.mmioRead(high, 1), host.mmioRead(0xc0000003, 1)], [0xff, 0x5a]);
});

Deno.test("several outputs on one net are wired-OR", () => {
  const { host } = newHost();
  const driver = device({
    id: "test/driver",
    api: 1,
    version: 1,
    needs: { lines: { out: "level" }, inputs: ["drive"] },
    state: () => ({}),
    wire({ irq }) {
      const out = irq("out");
      return { inputs: { drive: (level) => out.set(level) } };
    },
  });
  const [a, b] = [host.attach(driver, { name: "a" }), host.attach(driver, { name: "b" })];
  const seen: boolean[] = [];
  const net = host.join([a.line("out"), b.line("out")], (level) => seen.push(level));
  a.input("drive")(true);
  b.input("drive")(true);
  a.input("drive")(false);
  assertEquals([seen, net.level], [[true], true]);
  b.input("drive")(false);
  assertEquals(seen, [true, false]);
});

Deno.test("a message output sends on its rising edge", () => {
  const { host } = newHost();
  const sender = device({
    id: "test/sender",
    api: 1,
    version: 1,
    needs: { lines: { out: "message" }, inputs: ["send"] },
    state: () => ({}),
    wire: ({ irq }) => ({ inputs: { send: () => irq("out").pulse() } }),
  });
  const attached = host.attach(sender);
  let sent = 0;
  attached.line("out").message = () => sent++;
  attached.input("send")(true);
  assertEquals(sent, 1);
});

const copier = device({
  id: "test/copier",
  api: 1,
  version: 1,
  needs: {
    ports: { io: { base: 0x300, size: 4 } },
    dma: { from: { direction: "read", maxBytes: 8 }, to: { direction: "write", maxBytes: 8 } },
  },
  state: () => ({}),
  wire({ dma }) {
    const [from, to] = [dma("from"), dma("to")];
    const buffer = new Uint8Array(8);
    return {
      regions: {
        io: [
          {
            name: "COPY",
            at: 0,
            width: 1,
            kind: "sync",
            write(address) {
              from.read(address, buffer);
              to.write(address + 8, buffer);
            },
          },
          { name: "BAD", at: 1, width: 1, kind: "sync", write: () => void from.write(0, buffer) },
        ],
      },
    };
  },
});

Deno.test("DMA is clipped to memory, counted, and held to its claim", () => {
  const { host, memory } = newHost();
  host.attach(copier);
  memory.set([1, 2, 3], 0);
  host.portWrite(0x300, 1, 0);
  assertEquals([...memory.subarray(8, 12)], [1, 2, 3, 0]);
  host.portWrite(0x300, 1, 60);
  assertEquals(host.statistics().devices.copier!.dma, {
    from: { read: 12, written: 0, missed: 4 },
    to: { read: 0, written: 8, missed: 8 },
  });
  const error = assertThrows(() => host.portWrite(0x301, 1, 0), BulkheadError);
  assertEquals(error.code, "dma-claim");
});

/** Passes characters on after a microsecond. */
const echo = device({
  id: "test/echo",
  api: 1,
  version: 2,
  config: { gain: { default: 1, min: 1, max: 3, doc: "what is added to each character" } },
  needs: {
    ports: { io: { base: 0x400, size: 1 } },
    alarms: ["later"],
    uses: { out: characterBackend },
    provides: { in: characterFrontEnd },
  },
  latches: { last: 0 },
  state: () => ({ queue: [] as number[], count: 0 }),
  migrate: { 1: (old) => ({ ...(old as { queue: number[] }), count: 100 }) },
  wire({ state, config, regs, alarm, use, count }) {
    const out = use("out");
    const later = alarm("later", () => {
      count("sent", state.queue.length);
      out.write(Uint8Array.from(state.queue.splice(0)));
    });
    return {
      regions: { io: [{ name: "last", at: 0, width: 1, kind: "latch" }] },
      provides: {
        in: {
          receive(bytes) {
            state.count += bytes.length;
            for (const byte of bytes) state.queue.push(regs.last = byte + config.gain);
            later.after(1000);
            return bytes.length;
          },
          receiveBreak() {},
        },
      },
    };
  },
});

function echoMachine() {
  const machine = newHost();
  const sent: number[] = [];
  const attached = machine.host.attach(echo, { config: { gain: 2 }, at: { io: 0x500 } });
  machine.host.connect(attached.uses("out"), { write: (bytes) => void sent.push(...bytes), ready: () => {} });
  machine.host.reset("power-on");
  return { ...machine, attached, input: attached.provides("in"), sent };
}

Deno.test("a machine's devices are saved as plain data and go on in another machine", () => {
  const first = echoMachine();
  first.input.receive(Uint8Array.of(10, 20));
  first.cpu.retired = 400;
  const saved = JSON.parse(JSON.stringify(first.host.save()));

  const second = echoMachine();
  second.host.restore(saved);
  assertEquals(second.host.portRead(0x500, 1), 22);
  assertEquals(second.clock.untilAlarm(), 600);
  second.cpu.retired = 600;
  second.clock.runDue();
  assertEquals([first.sent, second.sent], [[], [12, 22]]);
  second.input.receive(Uint8Array.of(1));
  assertEquals(second.attached.state, { queue: [3], count: 3 });
});

Deno.test("an old state is migrated, an unknown one refused", () => {
  const { host, attached } = echoMachine();
  const saved = host.save();
  const as = (version: number) => ({
    ...saved,
    devices: { echo: { ...saved.devices.echo!, version, state: { queue: [] } } },
  });
  host.restore(as(1));
  assertEquals(attached.state, { queue: [], count: 100 });
  assertEquals(assertThrows(() => host.restore(as(7)), BulkheadError).code, "state-version");
  const other = assertThrows(() => newHost().host.restore(saved), BulkheadError);
  assertEquals(other.code, "device-mismatch");
});

Deno.test("a hard reset gives a device without a reset of its own a fresh state", () => {
  const { host, attached, input, clock, sent } = echoMachine();
  input.receive(Uint8Array.of(1));
  host.reset("hard");
  assertEquals(attached.state, { queue: [], count: 0 });
  assertEquals([host.portRead(0x500, 1), clock.untilAlarm()], [0, Infinity]);
  input.receive(Uint8Array.of(5));
  clock.skipToAlarm();
  clock.runDue();
  assertEquals(sent, [7]);
  assertEquals(host.statistics().devices.echo!.counts, { sent: 1 });
});

Deno.test("accesses are counted by device, register and kind", () => {
  const { host } = echoMachine();
  host.portRead(0x500, 1);
  host.portWrite(0x500, 1, 0);
  host.portRead(0x500, 1);
  assertEquals(host.statistics().devices.echo!.registers, [
    { region: "io", register: "last", kind: "latch", reads: 2, writes: 1 },
  ]);
});

Deno.test("wrong configuration is refused with the field, the range and the documentation", () => {
  const { host } = newHost();
  const error = assertThrows(() => host.attach(echo, { config: { gain: 9 } }), BulkheadError);
  assertEquals(
    error.message,
    'device "echo", configuration field "gain": expected a number from 1 to 3, found 9; ' +
      "see its documentation: what is added to each character",
  );
  assertEquals(
    assertThrows(() => host.attach(echo, { config: { gian: 1 } as never }), BulkheadError).code,
    "bad-config",
  );
});

Deno.test("claims that this machine cannot meet are refused", () => {
  const { host } = newHost();
  const base = { api: 1, version: 1, state: () => ({}), wire: () => ({}) } as const;
  const attach = (needs: object, id = "test/needy") =>
    assertThrows(() => host.attach({ ...base, id, needs } as unknown as AnyDevice), BulkheadError);
  assertEquals(attach({ pci: { vendor: 1, device: 1, class: 1 } }).code, "unmet-claim");
  assertEquals(attach({ memory: { vram: { size: 4096, access: "ram" } } }).code, "unmet-claim");
  assert(attach({ host: {} }).message.includes("a device without host rights"));
  assertEquals(attach({}, "Nameless").code, "device-id");
  assertEquals(attach({ ports: { io: { base: 0xffff, size: 2 } } }).code, "unanswered-region");
});

Deno.test("names that the needs do not declare are refused at wiring", () => {
  const codes: string[] = [];
  const tries: ((ctx: Record<string, (...args: unknown[]) => unknown>) => object)[] = [
    (ctx) => (ctx.irq!("missing"), {}),
    (ctx) => (ctx.alarm!("missing", () => {}), {}),
    (ctx) => (ctx.dma!("missing"), {}),
    (ctx) => (ctx.use!("missing"), {}),
    () => ({ regions: { missing: [] } }),
    () => ({ inputs: { missing() {} } }),
    () => ({ provides: { missing: {} } }),
  ];
  for (const wire of tries) {
    const made = { id: "test/bad", api: 1, version: 1, needs: {}, state: () => ({}), wire };
    codes.push(assertThrows(() => newHost().host.attach(made as unknown as AnyDevice), BulkheadError).code);
  }
  assertEquals(codes, [
    "undeclared-line",
    "undeclared-alarm",
    "undeclared-dma",
    "undeclared-interface",
    "undeclared-region",
    "undeclared-input",
    "undeclared-interface",
  ]);
});
