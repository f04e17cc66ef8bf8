import { assertEquals } from "@std/assert";
import { EXCEPTION } from "./context.ts";
import { FpuMachine } from "./fpu_machine.ts";
import { STATUS } from "./stack.ts";

const ONE = "3fff8000000000000000";
const HALF = "3ffe8000000000000000";

Deno.test("results are the exact values rounded", () => {
  const at = (value: string, source: string) => new FpuMachine().load(value).run(source).st();
  // sin 1, cos 1, tan 1, 2^(1/2) - 1, atan 1, log2 3.
  assertEquals(at(ONE, "fsin"), "3ffed76aa47848677021");
  assertEquals(at(ONE, "fcos"), "3ffe8a51407da8345c92");
  assertEquals(at(ONE, "fptan\n fstp st0"), "3fffc75922e5f71d2dc5");
  assertEquals(at(HALF, "f2xm1"), "3ffdd413cccfe7799211");
  assertEquals(at(ONE, "fld1\n fpatan"), "3ffec90fdaa22168c235");
  assertEquals(new FpuMachine().run("fld1").load("4000c000000000000000").run("fyl2x").st(), "3fffcae00d1cfdeb43d0");
});

Deno.test("the sine of a small angle is just below it", () => {
  const tiny = "3fbf8000000000000000";
  const machine = new FpuMachine().load(tiny).run("fsin");
  assertEquals([machine.st(), machine.flags], [tiny, EXCEPTION.PRECISION]);
});

Deno.test("whole logarithms are exact", () => {
  const machine = new FpuMachine().run("fld1").load("400b8000000000000000").run("fyl2x");
  assertEquals([machine.st(), machine.flags], ["4002c000000000000000", 0]);
});

Deno.test("an angle of 2^63 or more is left, with C2 set", () => {
  for (const instruction of ["fsin", "fcos", "fptan", "fsincos"]) {
    const machine = new FpuMachine().load("403e8000000000000000").run(instruction);
    assertEquals([machine.st(), machine.status & STATUS.C2], ["403e8000000000000000", STATUS.C2], instruction);
  }
});

Deno.test("FPATAN puts its angle in the quadrant of the point", () => {
  const angle = (y: string, x: string) => new FpuMachine().load(y).load(x).run("fpatan").st();
  const minusOne = "bfff8000000000000000";
  assertEquals(angle(ONE, minusOne), "400096cbe3f9990e91a8");
  assertEquals(angle(minusOne, minusOne), "c00096cbe3f9990e91a8");
  assertEquals(angle("80000000000000000000", minusOne), "c000c90fdaa22168c235");
  assertEquals(angle("7fff8000000000000000", ONE), "3fffc90fdaa22168c235");
});

Deno.test("FYL2X of a negative number is invalid, of zero a division by zero", () => {
  const negative = new FpuMachine().run("fld1\n fld1\n fchs\n fyl2x");
  assertEquals([negative.st(), negative.flags], ["ffffc000000000000000", EXCEPTION.INVALID]);
  const zero = new FpuMachine().run("fld1\n fldz\n fyl2x");
  assertEquals([zero.st(), zero.flags], ["ffff8000000000000000", EXCEPTION.ZERO_DIVIDE]);
});

Deno.test("FYL2XP1 and F2XM1 keep the precision of small operands", () => {
  const small = "3f9b8000000000000000";
  // x log2 e, and x ln 2.
  assertEquals(new FpuMachine().run("fld1").load(small).run("fyl2xp1").st(), "3f9bb8aa3b295c17f0bc");
  assertEquals(new FpuMachine().load(small).run("f2xm1").st(), "3f9ab17217f7d1cf79ac");
});
