import { assertEquals } from "@std/assert";
import { EXCEPTION, ROUNDING } from "./context.ts";
import { FpuMachine } from "./fpu_machine.ts";
import { STATUS } from "./stack.ts";

const { C0, C1, C2, C3 } = STATUS;

Deno.test("FPREM truncates its quotient, FPREM1 rounds it, and both report its low bits", () => {
  // 11 and 3.
  const machine = () => new FpuMachine().load("4000c000000000000000").load("4002b000000000000000");
  const truncated = machine().run("fprem");
  assertEquals([truncated.st(), truncated.status & (C0 | C1 | C2 | C3)], ["40008000000000000000", C3 | C1]);
  const nearest = machine().run("fprem1");
  assertEquals([nearest.st(), nearest.status & (C0 | C1 | C2 | C3)], ["bfff8000000000000000", C0]);
});

Deno.test("a remainder whose exponents are far apart comes in parts", () => {
  const machine = new FpuMachine().load("4000c000000000000000").load("5fffc90fdaa22168c235");
  let parts = 0;
  do parts++; while ((machine.run("fprem").status & C2) !== 0);
  assertEquals(parts > 100, true);
  assertEquals([machine.flags, machine.st()], [0, "3fff8000000000000000"]);
});

Deno.test("FSCALE adds a truncated power, down to denormals and out of range", () => {
  const scaled = (power: string) => new FpuMachine().load(power).run("fld1\n fscale");
  // 5.75, -5.75.
  assertEquals(scaled("4001b800000000000000").st(), "40048000000000000000");
  assertEquals(scaled("c001b800000000000000").st(), "3ffa8000000000000000");
  assertEquals(scaled("c00d8000000000000000").st(), "00002000000000000000");
  assertEquals(scaled("401f8000000000000000").st(), "7fff8000000000000000");
});

Deno.test("an unmasked overflow that no adjustment can hold gives infinity", () => {
  const machine = new FpuMachine().control({ unmask: EXCEPTION.OVERFLOW });
  assertEquals(machine.load("401f8000000000000000").run("fld1\n fscale").st(), "7fff8000000000000000");
});

Deno.test("FXTRACT splits a number, and a zero divides by zero", () => {
  const machine = new FpuMachine().load("c004a000000000000000").run("fxtract");
  assertEquals([machine.st(0), machine.st(1)], ["bfffa000000000000000", "4001a000000000000000"]);
  const zero = new FpuMachine().run("fldz\n fxtract");
  assertEquals([zero.st(0), zero.st(1)], ["00000000000000000000", "ffff8000000000000000"]);
  assertEquals(zero.flags, EXCEPTION.ZERO_DIVIDE);
});

Deno.test("FRNDINT rounds as the rounding control says", () => {
  const rounded = (rounding: number) =>
    new FpuMachine().control({ rounding }).load("bffea000000000000000").run("frndint");
  assertEquals(rounded(ROUNDING.NEAREST).st(), "bfff8000000000000000");
  assertEquals(rounded(ROUNDING.UP).st(), "80000000000000000000");
  assertEquals(rounded(ROUNDING.UP).flags, EXCEPTION.PRECISION);
});
