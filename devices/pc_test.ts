import { assertEquals } from "@std/assert";
import { VirtualClock } from "../core/bus/clock.ts";
import { DeviceHost } from "../core/bus/host.ts";
import { i8042 } from "./i8042.ts";
import { i8254 } from "./i8254.ts";
import { i8259a } from "./i8259a.ts";
import { mc146818 } from "./mc146818.ts";
import { ns16550a } from "./ns16550a.ts";
import { systemPorts } from "./system_ports.ts";

/** The devices of a PC, wired as on its board. */
function pc() {
  const cpu = { retired: 0 };
  const clock = new VirtualClock({ retired: () => cpu.retired });
  const host = new DeviceHost({ clock });
  const pic = host.attach(i8259a);
  const pit = host.attach(i8254);
  const rtc = host.attach(mc146818, { config: { epoch: 1_000_000_000 } });
  const keyboard = host.attach(i8042);
  const com1 = host.attach(ns16550a, { name: "com1" });
  const com2 = host.attach(ns16550a, { name: "com2", at: { io: 0x2f8 } });
  const ports = host.attach(systemPorts);

  const printed: number[] = [];
  const signals: string[] = [];
  host.join(pit.line("irq0"), pic.input("ir0"));
  host.join(keyboard.line("irq1"), pic.input("ir1"));
  host.join(com2.line("irq"), pic.input("ir3"));
  host.join(com1.line("irq"), pic.input("ir4"));
  host.join(rtc.line("irq8"), pic.input("ir8"));
  host.join(keyboard.line("irq12"), pic.input("ir12"));
  const a20 = host.join([keyboard.line("a20"), ports.line("a20")], (level) => signals.push(`a20 ${level}`));
  host.join([keyboard.line("reset"), ports.line("reset")], (level) => level && signals.push("reset"));
  host.connect(ports.uses("channel2"), pit.provides("channel2"));
  host.connect(com1.uses("backend"), { write: (bytes) => void printed.push(...bytes), ready: () => {} });
  host.reset("power-on");
  const interrupts = pic.provides("acknowledge");
  const out = (port: number, ...values: number[]) => values.forEach((value) => host.portWrite(port, 1, value));
  return { cpu, clock, host, com1, interrupts, a20, printed, signals, out };
}

/** Both controllers initialized, with all inputs open. */
function openInterrupts({ out }: ReturnType<typeof pc>) {
  out(0x20, 0x11);
  out(0x21, 0x20, 0x04, 0x01, 0x00);
  out(0xa0, 0x11);
  out(0xa1, 0x28, 0x02, 0x01, 0x00);
}

Deno.test("a timer tick reaches the CPU at its instruction", () => {
  const machine = pc();
  // Setting the mode raises the output once, before the controllers look.
  machine.out(0x43, 0x34);
  openInterrupts(machine);
  machine.out(0x40, 0xa5, 0x12);
  const until = machine.clock.untilAlarm();
  machine.cpu.retired += until - 1;
  machine.clock.runDue();
  assertEquals(machine.interrupts.asserted, false);
  machine.cpu.retired += 1;
  machine.clock.runDue();
  assertEquals([machine.interrupts.asserted, machine.interrupts.acknowledge()], [true, 0x20]);
  // 4773 ticks and the one that loads them, in 4 ns instructions.
  assertEquals(until, Math.ceil(4774 / 1193182 * 1e9 / 4));
});

Deno.test("characters go out of one serial port, come in, and interrupt", () => {
  const machine = pc();
  openInterrupts(machine);
  machine.out(0x3f8, 0x48, 0x69);
  machine.out(0x2f8, 0x21);
  assertEquals(machine.printed, [0x48, 0x69]);
  machine.out(0x3fc, 0x08);
  machine.out(0x3f9, 0x01);
  machine.com1.provides("serial").receive(Uint8Array.of(0x78));
  assertEquals(machine.interrupts.acknowledge(), 0x24);
  assertEquals(machine.host.portRead(0x3f8, 1), 0x78);
});

Deno.test("A20 is open while either of its gates is, and both resets are one signal", () => {
  const machine = pc();
  assertEquals(machine.a20.level, true);
  machine.out(0x64, 0xdd);
  machine.out(0x92, 0x02);
  machine.out(0x92, 0x00, 0x01);
  machine.out(0x64, 0xfe);
  assertEquals(machine.signals, ["a20 true", "a20 false", "a20 true", "a20 false", "reset", "reset"]);
});

Deno.test("port 61h reads timer channel 2", () => {
  const machine = pc();
  machine.out(0x61, 0x01);
  machine.out(0x43, 0xb0);
  machine.out(0x42, 0x10, 0x00);
  assertEquals(machine.host.portRead(0x61, 1) & 0x20, 0);
  machine.cpu.retired += 5000;
  assertEquals(machine.host.portRead(0x61, 1) & 0x20, 0x20);
});

Deno.test("a whole machine restored in the middle ends like one that ran on", () => {
  const act = (machine: ReturnType<typeof pc>, step: number) => {
    if (step === 0) openInterrupts(machine);
    if (step === 3) machine.out(0x43, 0x36, 0xb6);
    if (step === 4) machine.out(0x40, 0x34, 0x12);
    if (step === 5) machine.out(0x70, 0x0b), machine.out(0x71, 0x42);
    if (step === 9) machine.out(0x60, 0xff);
    if (step === 12) machine.out(0x61, 0x03), machine.out(0x42, 0x00, 0x08);
    if (machine.interrupts.asserted) {
      const vector = machine.interrupts.acknowledge();
      machine.out(0xa0, 0x20);
      machine.out(0x20, 0x20);
      if (vector === 0x28) machine.out(0x70, 0x0c), machine.host.portRead(0x71, 1);
      if (vector === 0x21) machine.host.portRead(0x60, 1);
    }
    machine.cpu.retired += 70_001;
    machine.clock.runDue();
  };
  const straight = pc();
  for (let step = 0; step < 40; step++) act(straight, step);
  for (const cut of [1, 6, 10, 20, 39]) {
    const first = pc();
    for (let step = 0; step < cut; step++) act(first, step);
    const second = pc();
    second.host.restore(JSON.parse(JSON.stringify(first.host.save())));
    for (let step = cut; step < 40; step++) act(second, step);
    assertEquals(second.host.save(), straight.host.save());
  }
});
