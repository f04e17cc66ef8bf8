import { assertEquals } from "@std/assert";
import { FLAG } from "../registers.ts";
import { EXCEPTION } from "./context.ts";
import { FpuMachine } from "./fpu_machine.ts";
import { STATUS } from "./stack.ts";

const ONE = "3fff8000000000000000";
const TWO = "40008000000000000000";
const QUIET = "7fffc000000000000000";
const { C0, C1, C2, C3 } = STATUS;

function codes(machine: FpuMachine): number {
  return machine.status & (C0 | C1 | C2 | C3);
}

Deno.test("FCOM orders ST(0) against its operand", () => {
  for (
    const [a, b, expected] of [
      [TWO, ONE, 0],
      [ONE, TWO, C0],
      [ONE, ONE, C3],
      ["c0008000000000000000", ONE, C0],
      ["bfff8000000000000000", "c0008000000000000000", 0],
      ["00000000000000000000", "80000000000000000000", C3],
      [QUIET, ONE, C0 | C2 | C3],
    ] as const
  ) {
    assertEquals(codes(new FpuMachine().load(b).load(a).run("fcom st1")), expected, `${a} ${b}`);
  }
});

Deno.test("a quiet NaN is invalid to FCOM and not to FUCOM; FUCOMI sets the flags", () => {
  assertEquals(new FpuMachine().load(ONE).load(QUIET).run("fcom st1").flags, EXCEPTION.INVALID);
  const machine = new FpuMachine().load(ONE).load(QUIET).run("fucomi st0, st1");
  assertEquals(machine.flags, 0);
  assertEquals(machine.cpu.eflags & 0x8d5, FLAG.ZF | FLAG.PF | FLAG.CF);
});

Deno.test("FCOMPP pops both, and FICOM compares with an integer", () => {
  const machine = new FpuMachine().load(ONE).load(TWO).run("fcompp");
  assertEquals([machine.tags, machine.status & STATUS.TOP], [0xffff, 0]);
  assertEquals(codes(machine.put("0002").load(TWO).put("0002").run("ficom word [1000h]")), C3);
});

Deno.test("FXAM tells every class, C1 the sign", () => {
  for (
    const [value, expected] of [
      ["00000000000000000000", C3],
      ["bfff8000000000000000", C2 | C1],
      ["00000000000000000001", C2 | C3],
      ["7fff8000000000000000", C0 | C2],
      [QUIET, C0],
      ["3fff0000000000000001", 0],
    ] as const
  ) {
    assertEquals(codes(new FpuMachine().load(value).run("fxam")), expected, value);
  }
  assertEquals(codes(new FpuMachine().run("fxam")), C0 | C3);
});

Deno.test("FCMOV moves on its condition and faults on an empty register in any case", () => {
  const machine = new FpuMachine().load(ONE).load(TWO);
  machine.cpu.setEflags(FLAG.CF, ~0);
  assertEquals(machine.run("fcmovnb st0, st1").st(), TWO);
  assertEquals(machine.run("fcmovb st0, st1").st(), ONE);
  assertEquals(machine.run("fcmovnb st0, st5").flags, EXCEPTION.INVALID | STATUS.STACK_FAULT);
});
