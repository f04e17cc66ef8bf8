import { assertEquals } from "@std/assert";
import { EXCEPTION, ROUNDING } from "./context.ts";
import { FpuMachine } from "./fpu_machine.ts";
import { STATUS } from "./stack.ts";

const ONE = "3fff8000000000000000";
const THREE = "4000c000000000000000";
const LARGEST = "7ffeffffffffffffffff";
const LEAST_NORMAL = "00018000000000000000";
const INFINITY = "7fff8000000000000000";
const INDEFINITE = "ffffc000000000000000";

function compute(operation: string, a: string, b: string, machine = new FpuMachine()): FpuMachine {
  return machine.load(a).load(b).run(`${operation} st1, st0`);
}

Deno.test("a quotient is rounded as precision and rounding control say, and C1 tells a magnitude rounded up", () => {
  for (
    const [precision, rounding, expected, up] of [
      [3, ROUNDING.NEAREST, "3ffdaaaaaaaaaaaaaaab", true],
      [3, ROUNDING.DOWN, "3ffdaaaaaaaaaaaaaaaa", false],
      [3, ROUNDING.UP, "3ffdaaaaaaaaaaaaaaab", true],
      [3, ROUNDING.TRUNCATE, "3ffdaaaaaaaaaaaaaaaa", false],
      [2, ROUNDING.NEAREST, "3ffdaaaaaaaaaaaaa800", false],
      [2, ROUNDING.UP, "3ffdaaaaaaaaaaaab000", true],
      [0, ROUNDING.NEAREST, "3ffdaaaaab0000000000", true],
      [0, ROUNDING.DOWN, "3ffdaaaaaa0000000000", false],
    ] as const
  ) {
    const machine = compute("fdiv", ONE, THREE, new FpuMachine().control({ precision, rounding }));
    assertEquals(machine.st(1), expected);
    assertEquals(machine.flags, EXCEPTION.PRECISION);
    assertEquals((machine.status & STATUS.C1) !== 0, up);
  }
});

Deno.test("exact results raise nothing", () => {
  assertEquals(compute("fadd", ONE, ONE).st(1), "40008000000000000000");
  assertEquals(compute("fsub", THREE, ONE).st(1), "40008000000000000000");
  assertEquals(compute("fsubr", THREE, ONE).st(1), "c0008000000000000000");
  assertEquals(compute("fmul", THREE, THREE).st(1), "40029000000000000000");
  const root = new FpuMachine().load("40029000000000000000").run("fsqrt");
  assertEquals([root.st(), root.flags], [THREE, 0]);
});

Deno.test("a difference that cancels is exact, and its zero is negative only when rounding down", () => {
  assertEquals(compute("fsub", "3fff8000000000000001", ONE).st(1), "3fc08000000000000000");
  assertEquals(compute("fsub", ONE, ONE).st(1), "00000000000000000000");
  assertEquals(
    compute("fsub", ONE, ONE, new FpuMachine().control({ rounding: ROUNDING.DOWN })).st(1),
    "80000000000000000000",
  );
});

Deno.test("a masked overflow gives infinity or the largest number, as the rounding goes", () => {
  const nearest = compute("fadd", LARGEST, LARGEST);
  assertEquals([nearest.st(1), nearest.flags], [INFINITY, EXCEPTION.OVERFLOW | EXCEPTION.PRECISION]);
  const down = compute("fadd", LARGEST, LARGEST, new FpuMachine().control({ rounding: ROUNDING.DOWN }));
  assertEquals(down.st(1), LARGEST);
});

Deno.test("an unmasked overflow or underflow stores the result with its exponent adjusted by 24576", () => {
  const overflow = compute("fadd", LARGEST, LARGEST, new FpuMachine().control({ unmask: EXCEPTION.OVERFLOW }));
  assertEquals(overflow.st(1), "1fffffffffffffffffff");
  assertEquals(overflow.status & (STATUS.ERROR_SUMMARY | STATUS.BUSY), STATUS.ERROR_SUMMARY | STATUS.BUSY);
  const underflow = compute(
    "fdiv",
    LEAST_NORMAL,
    "40008000000000000000",
    new FpuMachine().control({ unmask: EXCEPTION.UNDERFLOW }),
  );
  assertEquals(underflow.st(1), "60008000000000000000");
});

Deno.test("an exact denormal result raises no underflow, an inexact one does", () => {
  const exact = compute("fdiv", LEAST_NORMAL, "40008000000000000000");
  assertEquals([exact.st(1), exact.flags], ["00004000000000000000", 0]);
  const inexact = compute("fdiv", "00018000000000000001", "40008000000000000000");
  assertEquals([inexact.st(1), inexact.flags], ["00004000000000000000", EXCEPTION.UNDERFLOW | EXCEPTION.PRECISION]);
});

Deno.test("a denormal operand is reported; unmasked, it leaves the operands", () => {
  assertEquals(compute("fadd", ONE, "00000000000000000001").flags, EXCEPTION.DENORMAL | EXCEPTION.PRECISION);
  const unmasked = compute(
    "fadd",
    ONE,
    "00000000000000000001",
    new FpuMachine().control({ unmask: EXCEPTION.DENORMAL }),
  );
  assertEquals([unmasked.st(1), unmasked.flags], [ONE, EXCEPTION.DENORMAL]);
});

Deno.test("division by zero gives infinity; 0/0 and infinity less infinity are invalid", () => {
  const zero = "80000000000000000000";
  const division = compute("fdiv", ONE, zero);
  assertEquals([division.st(1), division.flags], ["ffff8000000000000000", EXCEPTION.ZERO_DIVIDE]);
  assertEquals(compute("fdiv", zero, zero).st(1), INDEFINITE);
  const difference = compute("fsub", INFINITY, INFINITY);
  assertEquals([difference.st(1), difference.flags], [INDEFINITE, EXCEPTION.INVALID]);
  assertEquals(new FpuMachine().load("bfff8000000000000000").run("fsqrt").st(), INDEFINITE);
});

Deno.test("of two NaNs the one with the larger significand wins, a quiet one before a signaling one", () => {
  const quiet = "7fffc000000000000001";
  const larger = "ffffd000000000000000";
  const signaling = "7fffbfffffffffffffff";
  assertEquals(compute("fmul", quiet, larger).st(1), larger);
  assertEquals(compute("fmul", quiet, larger).flags, 0);
  const mixed = compute("fmul", signaling, quiet);
  assertEquals([mixed.st(1), mixed.flags], [quiet, EXCEPTION.INVALID]);
  assertEquals(compute("fmul", signaling, ONE).st(1), "7fffffffffffffffffff");
});

Deno.test("unnormals and pseudo-infinities are invalid operands, pseudo-denormals are denormals", () => {
  for (const unsupported of ["3fff4000000000000000", "7fff0000000000000000"]) {
    const machine = compute("fadd", ONE, unsupported);
    assertEquals([machine.st(1), machine.flags], [INDEFINITE, EXCEPTION.INVALID]);
  }
  const pseudo = compute("fadd", "00000000000000000000", "00008000000000000000");
  assertEquals([pseudo.st(1), pseudo.flags], [LEAST_NORMAL, EXCEPTION.DENORMAL]);
});

Deno.test("an operand that is not there is a stack underflow", () => {
  const machine = new FpuMachine().load(ONE).run("fadd st0, st3");
  assertEquals([machine.st(), machine.flags], [INDEFINITE, EXCEPTION.INVALID | STATUS.STACK_FAULT]);
  assertEquals(machine.status & STATUS.C1, 0);
});
