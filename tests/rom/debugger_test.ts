import { assertEquals } from "@std/assert";
import type { VcpuStop } from "../../core/engine/vcpu.ts";
import { DebugAccess } from "../../core/memory/debug_access.ts";
import type { Watchpoint } from "../../core/memory/watchpoints.ts";
import { assemble } from "../../core/x86/assemble.ts";
import { GPR, STATE } from "../../core/x86/registers.ts";
import { RomMachine } from "./machine.ts";

/** A ROM of 16-bit code at F0000h, and its labels. */
function machineOf(source: string): { machine: RomMachine; at: (label: string) => number } {
  const { bytes, labels } = assemble(source, { bits: 16 });
  const rom = new Uint8Array(0x1_0000);
  rom.set(bytes);
  rom.set([0xea, 0, 0, 0, 0xf0], 0xfff0);
  return { machine: new RomMachine(rom), at: (label) => 0xf_0000 + labels.get(label)! };
}

/** Runs to the next stop. */
function go({ vcpu }: RomMachine): VcpuStop {
  vcpu.pass();
  return vcpu.run(100_000);
}

const LOOP = `
  mov ax, 0
  mov ds, ax
  mov cx, 5
again:
  inc word [0x1000]
  mov dx, [0x1002]
next:
  loop again
  cli
  hlt`;

Deno.test("a breakpoint stops before its instruction, each time that it is reached", () => {
  const { machine, at } = machineOf(LOOP);
  const { vcpu } = machine;
  const address = at("next");
  vcpu.stopAt([address], []);
  for (let left = 5; left > 0; left--) {
    assertEquals(go(machine), { reason: "breakpoint", address });
    assertEquals(vcpu.cpu.gpr16(GPR.CX), left);
    assertEquals(vcpu.retired, 4 + (5 - left) * 3 + 2);
  }
  assertEquals(go(machine).reason, "dead");
});

Deno.test("breakpoints that are set or removed while the code is decoded take effect", () => {
  const { machine, at } = machineOf(LOOP);
  const { vcpu } = machine;
  vcpu.run(9);
  vcpu.stopAt([at("again")], []);
  assertEquals(go(machine).reason, "breakpoint");
  vcpu.stopAt([at("next")], []);
  assertEquals(go(machine), { reason: "breakpoint", address: at("next") });
  vcpu.stopAt([], []);
  assertEquals(go(machine).reason, "dead");
});

Deno.test("a repeated string at a breakpoint stops once, however many stretches it takes", () => {
  const { machine, at } = machineOf("mov cx, 500\ncld\nfill: rep stosb\nend: cli\nhlt");
  const { vcpu } = machine;
  vcpu.stopAt([at("fill"), at("end")], []);
  assertEquals(go(machine), { reason: "breakpoint", address: at("fill") });
  vcpu.pass();
  let stop: VcpuStop, stretches = 0;
  do {
    stop = vcpu.run(100);
    stretches++;
  } while (stop.reason === "budget");
  assertEquals([stop, stretches], [{ reason: "breakpoint", address: at("end") }, 6]);
});

Deno.test("a breakpoint is at a linear address: the same code elsewhere runs through", () => {
  // The ROM is below 1 MB and at the top of memory; the breakpoint is in the lower one only, where the code goes after a while.
  const { machine, at } = machineOf("nop\nlower: nop\ncli\nhlt");
  machine.vcpu.stopAt([(at("lower") + 0xfff0_0000) >>> 0], []);
  assertEquals(go(machine).reason, "dead");
});

const write: Watchpoint = { address: 0x1000, length: 2, kind: "write" };
const read: Watchpoint = { address: 0x1002, length: 1, kind: "read" };

Deno.test("a watchpoint stops after the instruction that made the access", () => {
  const { machine } = machineOf(LOOP);
  const { vcpu } = machine;
  vcpu.stopAt([], [write, read]);
  assertEquals(go(machine), { reason: "watchpoint", watchpoint: write });
  assertEquals(vcpu.retired, 5);
  assertEquals(new DebugAccess(vcpu.memory).read(0x1000, 2), Uint8Array.of(1, 0));
  assertEquals(go(machine), { reason: "watchpoint", watchpoint: read });
  assertEquals(vcpu.retired, 6);
  vcpu.stopAt([], []);
  assertEquals(go(machine).reason, "dead");
  assertEquals(vcpu.retired, 4 + 15 + 2);
});

Deno.test("a neighbour's accesses do not meet a watchpoint", () => {
  const { machine } = machineOf(LOOP);
  machine.vcpu.stopAt([], [{ address: 0x1004, length: 4, kind: "access" }, {
    address: 0xff0,
    length: 16,
    kind: "access",
  }]);
  assertEquals(go(machine).reason, "dead");
});

Deno.test("what interrupts, strings and instructions in TypeScript write is seen", () => {
  for (
    const [source, address] of [
      ["int 0x10", 0x7ffe],
      ["pushad", 0x7fe0],
      ["mov di, 0x2000\nmov cx, 64\ncld\nrep stosb", 0x203f],
      ["sgdt [0x3000]", 0x3002],
      ["fninit\nfld1\nfstp tword [0x3000]", 0x3008],
      ["ud2", 0x7ffa],
    ] as const
  ) {
    const { machine } = machineOf(
      `xor ax, ax\nmov ds, ax\nmov es, ax\nmov ss, ax\nmov sp, 0x8000\n${source}\ncli\nhlt`,
    );
    const watchpoint: Watchpoint = { address, length: 1, kind: "write" };
    machine.vcpu.stopAt([], [watchpoint]);
    assertEquals(go(machine), { reason: "watchpoint", watchpoint }, source);
  }
});

Deno.test("a step is one instruction, one iteration, or one exception", () => {
  const { machine, at } = machineOf("mov cx, 2\ncld\nfill: rep stosb\nbad: ud2");
  const { vcpu } = machine;
  const trail: [number, number][] = [];
  for (let i = 0; i < 7; i++) {
    vcpu.pass();
    assertEquals(vcpu.step(true).reason, "budget");
    trail.push([vcpu.cpu.eip, vcpu.retired]);
  }
  const fill = at("fill") - 0xf_0000, bad = at("bad") - 0xf_0000;
  assertEquals(trail, [[0, 1], [3, 2], [fill, 3], [fill, 4], [bad, 5], [0, 5], [2, 6]]);
});

Deno.test("a step holds interrupts back unless it is told not to, or the CPU is halted", () => {
  const source = "mov ax, 0\nmov ss, ax\nmov sp, 0x8000\nmov al, 1\nout 0xc8, al\nsti\nnop\nwait_here: nop\nhlt";
  const { machine, at } = machineOf(source);
  const { vcpu } = machine;
  const here = at("wait_here");
  vcpu.stopAt([here], []);
  // The interrupt is taken before: through the empty table to 0:0, which is RAM full of zeros.
  vcpu.run(7);
  const steps = machineOf(source).machine.vcpu;
  for (let i = 0; i < 10; i++) steps.step(false);
  assertEquals([steps.cpu.eip, steps.cpu.halted], [here - 0xf_0000 + 2, true]);
  steps.step(false);
  assertEquals([steps.cpu.eip, steps.cpu.halted], [0, false]);
});

Deno.test("reading for a debugger leaves no trace in the page tables, and what is not there is not read", () => {
  const { machine } = machineOf("nop\nhlt");
  const { vcpu } = machine;
  const { cpu, physical } = vcpu;
  const words = new DataView(physical.buffer, physical.layout.ram);
  // A directory at 1000h, whose first table, at 2000h, maps page 0 to 5000h and nothing else.
  words.setUint32(0x1000, 0x2003, true);
  words.setUint32(0x2000, 0x5003, true);
  words.setUint32(0x5ffc, 0x1234_5678, true);
  cpu.i32[STATE.CR3 >> 2] = 0x1000;
  cpu.i32[STATE.CR0 >> 2] = 0x8000_0011 | 0;
  const access = new DebugAccess(vcpu.memory);
  assertEquals(access.read(0xffc, 8), Uint8Array.of(0x78, 0x56, 0x34, 0x12));
  assertEquals(access.read(0x1000, 8).length, 0);
  assertEquals(access.readPhysical(0x5ffc, 4).length, 4);
  assertEquals(access.write(0xffe, Uint8Array.of(1, 2, 3)), false);
  assertEquals(access.write(0xffe, Uint8Array.of(1, 2)), true);
  assertEquals(words.getUint32(0x5ffc, true), 0x0201_5678);
  assertEquals([words.getUint32(0x1000, true), words.getUint32(0x2000, true)], [0x2003, 0x5003]);
});
