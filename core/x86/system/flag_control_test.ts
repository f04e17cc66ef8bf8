import { assertEquals } from "@std/assert";
import { FLAG, STATE } from "../registers.ts";
import { protectedMachine, realMachine, virtual8086Machine } from "./test_support.ts";

Deno.test("CLI and STI need CPL up to IOPL; STI that sets IF casts a shadow", () => {
  for (
    const [make, allowed] of [
      [() => protectedMachine(0), true],
      [() => protectedMachine(3), false],
      [() => virtual8086Machine(2), false],
      [() => virtual8086Machine(3), true],
      [() => realMachine(), true],
    ] as const
  ) {
    const machine = make();
    assertEquals(machine.step("cli")?.error, allowed ? undefined : 0);
    assertEquals(machine.step("sti")?.error, allowed ? undefined : 0);
    if (!allowed) continue;
    assertEquals([machine.cpu.eflags & FLAG.IF, machine.cpu.i32[STATE.SHADOW >> 2]], [FLAG.IF, 1]);
    machine.cpu.i32[STATE.SHADOW >> 2] = 0;
    machine.step("sti");
    assertEquals(machine.cpu.i32[STATE.SHADOW >> 2], 0);
  }
});

Deno.test("POPF changes IOPL at CPL 0 only and IF up to IOPL; VM and RF never", () => {
  const all = ~(FLAG.VIF | FLAG.VIP);
  const base = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT | 2;
  const wide = FLAG.AC | FLAG.ID;
  for (
    const [cpl, iopl, size, loaded] of [
      [0, 0, 4, FLAG.IF | FLAG.IOPL | wide],
      [3, 0, 4, wide],
      [3, 3, 4, FLAG.IF | FLAG.IOPL | wide],
      [0, 0, 2, FLAG.IF | FLAG.IOPL],
    ] as const
  ) {
    const machine = protectedMachine(cpl);
    machine.cpu.setEflags(iopl << 12, ~0);
    machine.cpu.push(all, size);
    assertEquals(machine.step("popf", { operandSize: size }), undefined);
    assertEquals(machine.cpu.eflags, base | loaded);
  }
});

Deno.test("PUSHF hides VM and RF; virtual-8086 mode needs IOPL 3 for PUSHF and POPF", () => {
  const machine = virtual8086Machine(3);
  machine.cpu.setEflags(FLAG.RF, FLAG.RF);
  machine.step("pushf");
  assertEquals(machine.stacked(1), [FLAG.IOPL | FLAG.IF | 2]);
  assertEquals(machine.step("popf"), undefined);
  assertEquals(machine.cpu.virtual8086, true);
  assertEquals(virtual8086Machine(2).step("pushf")?.error, 0);
  assertEquals(virtual8086Machine(2).step("popf")?.error, 0);
});
