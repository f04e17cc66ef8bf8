import { assertEquals } from "@std/assert";
import { VECTOR } from "../registers.ts";
import { EXCEPTION, ROUNDING } from "./context.ts";
import { FpuMachine } from "./fpu_machine.ts";
import { STATUS } from "./stack.ts";

const ONE = "3fff8000000000000000";
const INDEFINITE = "ffffc000000000000000";

Deno.test("singles and doubles load exactly, and store rounded", () => {
  const machine = new FpuMachine().put("c0490fdb").run("fld dword [1000h]");
  assertEquals(machine.st(), "c000c90fdb0000000000");
  machine.put("400921fb54442d18").run("fld qword [1000h]");
  assertEquals(machine.st(), "4000c90fdaa22168c000");
  machine.run("fst dword [1000h]");
  assertEquals(machine.get(4), "40490fdb");
  assertEquals([machine.flags, machine.status & STATUS.C1], [EXCEPTION.PRECISION, STATUS.C1]);
  machine.run("fldpi\n fstp qword [1000h]");
  assertEquals(machine.get(8), "400921fb54442d18");
});

Deno.test("a denormal of a memory format is reported, and normal in a register", () => {
  const machine = new FpuMachine().put("00000001").run("fld dword [1000h]");
  assertEquals([machine.st(), machine.flags], ["3f6a8000000000000000", EXCEPTION.DENORMAL]);
  machine.run("fnclex\n fst dword [1000h]");
  assertEquals([machine.get(4), machine.flags], ["00000001", 0]);
});

Deno.test("a store that overflows or underflows its format says so; unmasked, nothing is stored", () => {
  const large = new FpuMachine().load("5fff8000000000000000").run("fst dword [1000h]");
  assertEquals([large.get(4), large.flags], ["7f800000", EXCEPTION.OVERFLOW | EXCEPTION.PRECISION]);
  const small = new FpuMachine().load("1fff8000000000000000").run("fst qword [1000h]");
  assertEquals([small.get(8), small.flags], ["0000000000000000", EXCEPTION.UNDERFLOW | EXCEPTION.PRECISION]);
  const unmasked = new FpuMachine().control({ unmask: EXCEPTION.OVERFLOW }).load("5fff8000000000000000");
  unmasked.put("12345678").run("fstp dword [1000h]");
  assertEquals([unmasked.get(4), unmasked.flags], ["12345678", EXCEPTION.OVERFLOW]);
  assertEquals(unmasked.st(), "5fff8000000000000000");
});

Deno.test("a signaling NaN is made quiet by a conversion, and by no 80-bit move", () => {
  const machine = new FpuMachine().put("7fa00000").run("fld dword [1000h]");
  assertEquals([machine.st(), machine.flags], ["7fffe000000000000000", EXCEPTION.INVALID]);
  const whole = new FpuMachine().load("7fffa000000000000000").run("fstp tword [1000h]");
  assertEquals([whole.get(10), whole.flags], ["7fffa000000000000000", 0]);
});

Deno.test("integers load exactly and store rounded", () => {
  const machine = new FpuMachine().put("8000000000000000").run("fild qword [1000h]");
  assertEquals(machine.st(), "c03e8000000000000000");
  machine.run("fist dword [1000h]");
  assertEquals([machine.get(4), machine.flags], ["80000000", EXCEPTION.INVALID]);
  machine.run("fnclex\n fistp qword [1000h]");
  assertEquals([machine.get(8), machine.flags], ["8000000000000000", 0]);
  // 2.5, to even and up; -2.5 truncated.
  machine.load("4000a000000000000000").run("fist word [1000h]");
  assertEquals(machine.get(2), "0002");
  machine.control({ rounding: ROUNDING.UP }).run("fistp word [1000h]");
  assertEquals(machine.get(2), "0003");
  machine.load("c000a000000000000000").run("fisttp word [1000h]");
  assertEquals(machine.get(2), "fffe");
});

Deno.test("an integer that does not fit becomes the integer indefinite", () => {
  const machine = new FpuMachine().load("400e8000000000000000").run("fist word [1000h]");
  assertEquals([machine.get(2), machine.flags], ["8000", EXCEPTION.INVALID]);
  machine.run("fchs\n fnclex\n fist word [1000h]");
  assertEquals([machine.get(2), machine.flags], ["8000", 0]);
});

Deno.test("packed decimals go both ways", () => {
  const machine = new FpuMachine().put("80123456789012345678").run("fbld [1000h]\n fbstp [1100h]");
  assertEquals(machine.get(10, 0x1100), "80123456789012345678");
  machine.load("40ff8000000000000000").run("fbstp [1000h]");
  assertEquals([machine.get(10), machine.flags], ["ffffc000000000000000", EXCEPTION.INVALID]);
});

Deno.test("the constants are rounded as the rounding control says", () => {
  assertEquals(new FpuMachine().run("fldpi").st(), "4000c90fdaa22168c235");
  assertEquals(new FpuMachine().control({ rounding: ROUNDING.DOWN }).run("fldpi").st(), "4000c90fdaa22168c234");
  assertEquals(new FpuMachine().run("fldl2t").st(), "4000d49a784bcd1b8afe");
  assertEquals(new FpuMachine().run("fldl2e").flags, 0);
});

Deno.test("a ninth value overflows the stack", () => {
  const machine = new FpuMachine().run("times 9 fld1");
  assertEquals([machine.st(), machine.st(1)], [INDEFINITE, ONE]);
  assertEquals(machine.flags, EXCEPTION.INVALID | STATUS.STACK_FAULT);
  assertEquals(machine.status & STATUS.C1, STATUS.C1);
});

Deno.test("a store that faults has changed neither memory nor stack", () => {
  const machine = new FpuMachine().run("fldpi");
  const { status } = machine;
  assertEquals(machine.fault("fstp tword [0fff8h]"), VECTOR.PF);
  assertEquals(machine.get(8, 0xfff8), "0000000000000000");
  assertEquals([machine.status, machine.st()], [status, "4000c90fdaa22168c235"]);
});
