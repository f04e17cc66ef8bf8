import { assertEquals } from "@std/assert";
import { CR0, GPR, STATE, VECTOR } from "../registers.ts";
import { EXCEPTION } from "./context.ts";
import { FpuMachine } from "./fpu_machine.ts";

/** A machine with an unmasked division by zero pending. */
function pending(): FpuMachine {
  return new FpuMachine().control({ unmask: EXCEPTION.ZERO_DIVIDE }).run("fld1\n fldz\n fdivp st1, st0");
}

Deno.test("an unmasked exception is reported by the next waiting instruction", () => {
  for (const waiting of ["wait", "fld1", "fldcw [1000h]", "fnop", "frstor [1000h]"]) {
    assertEquals(pending().fault(waiting), VECTOR.MF, waiting);
  }
});

Deno.test("instructions that do not wait run while an exception is pending", () => {
  const machine = pending();
  machine.run("fnstsw ax\n fnstcw [1000h]");
  assertEquals(machine.cpu.gpr16(GPR.AX) & 0x84, 0x84);
  for (const clearing of ["fnclex", "fninit", "fnstenv [1000h]", "fnsave [1000h]"]) {
    assertEquals(pending().run(clearing).fault("wait"), -1, clearing);
  }
});

Deno.test("unmasking a flag that is set makes it pending", () => {
  const machine = new FpuMachine().run("fld1\n fldz\n fdivp st1, st0");
  assertEquals(machine.fault("wait"), -1);
  assertEquals(machine.control({ unmask: EXCEPTION.ZERO_DIVIDE }).fault("wait"), VECTOR.MF);
});

Deno.test("an exception that forbids a result leaves operands and stack", () => {
  const machine = pending();
  assertEquals([machine.st(0), machine.st(1)], ["00000000000000000000", "3fff8000000000000000"]);
});

Deno.test("CR0.EM and CR0.TS make the device not available; WAIT looks at TS with MP alone", () => {
  const machine = new FpuMachine();
  const set = (bits: number) => machine.cpu.i32[STATE.CR0 >> 2] = CR0.PE | CR0.NE | bits;
  set(CR0.EM);
  assertEquals([machine.fault("fninit"), machine.fault("wait")], [VECTOR.NM, -1]);
  set(CR0.TS);
  assertEquals([machine.fault("fnstsw ax"), machine.fault("wait")], [VECTOR.NM, -1]);
  set(CR0.TS | CR0.MP);
  assertEquals([machine.fault("fld1"), machine.fault("wait")], [VECTOR.NM, VECTOR.NM]);
});

/** A machine without CR0.NE whose division by zero is pending, and what it does with its pins. */
function pendingOutside() {
  const machine = pending();
  machine.cpu.i32[STATE.CR0 >> 2]! &= ~CR0.NE;
  const pins = { ferr: [] as boolean[], ignne: false };
  machine.cpu.fpuErrorPins = { setError: (asserted) => void pins.ferr.push(asserted), ignored: () => pins.ignne };
  return { machine, pins };
}

Deno.test("without CR0.NE the error goes out on FERR#, and the instruction waits until IGNNE# lets it run", () => {
  const { machine, pins } = pendingOutside();
  machine.run("fld1");
  assertEquals([pins.ferr, machine.cpu.waits, machine.st()], [[true], true, "00000000000000000000"]);
  pins.ignne = true;
  machine.run("fld1");
  assertEquals([pins.ferr, machine.cpu.waits, machine.st()], [[true, true], false, "3fff8000000000000000"]);
});

Deno.test("FERR# goes away with the error summary, whichever instruction clears it", () => {
  for (const clearing of ["fnclex", "fninit", "fnstenv [1000h]", "fnsave [1000h]"]) {
    const { machine, pins } = pendingOutside();
    machine.run(clearing);
    assertEquals(pins.ferr.at(-1), false, clearing);
    machine.run("fld1");
    assertEquals(machine.cpu.waits, false, clearing);
  }
  const { machine, pins } = pendingOutside();
  machine.run("fnstsw ax\n fnstcw [1000h]");
  assertEquals(pins.ferr, []);
});

Deno.test("with CR0.NE nothing goes out", () => {
  const { machine, pins } = pendingOutside();
  machine.cpu.i32[STATE.CR0 >> 2]! |= CR0.NE;
  assertEquals([machine.fault("fld1"), machine.fault("wait"), pins.ferr], [VECTOR.MF, VECTOR.MF, []]);
});
