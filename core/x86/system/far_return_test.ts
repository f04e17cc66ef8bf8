import { assertEquals } from "@std/assert";
import { FLAG, GPR, SEG, VECTOR } from "../registers.ts";
import { immediate, protectedMachine, realMachine, S, virtual8086Machine } from "./test_support.ts";

const USER_CODE = S.CODE3 | 3;
const USER_DATA = S.DATA3 | 3;

Deno.test("IRET and RET far at the same privilege take CS:EIP, and IRET the flags", () => {
  for (const size of [2, 4]) {
    const machine = protectedMachine();
    const { cpu } = machine;
    machine.pushAll(size, FLAG.CF | FLAG.IF | FLAG.IOPL, S.CODE0, 0x1234);
    assertEquals(machine.step("iret", { operandSize: size }), undefined);
    assertEquals([cpu.eip, cpu.gpr32(GPR.SP), cpu.eflags], [0x1234, 0x7000, FLAG.CF | FLAG.IF | FLAG.IOPL | 2]);
    machine.pushAll(size, 0, 0, S.CODE0, 0x2345);
    assertEquals(machine.step("ret_far", { operandSize: size, operands: [immediate(2 * size)] }), undefined);
    assertEquals([cpu.eip, cpu.gpr32(GPR.SP)], [0x2345, 0x7000]);
  }
});

Deno.test("a return to an outer ring switches stacks and nulls the segments that it may not keep", () => {
  for (const [semantics, release] of [["iret", 0], ["ret_far", 8]] as const) {
    const machine = protectedMachine();
    const { cpu } = machine;
    machine.load(SEG.DS, USER_DATA);
    machine.load(SEG.FS, S.CONFORMING0);
    if (semantics === "iret") machine.pushAll(4, USER_DATA, 0x6000, FLAG.IF, USER_CODE, 0x1234);
    else machine.pushAll(4, USER_DATA, 0x6000, 0, 0, USER_CODE, 0x1234);
    const operands = release > 0 ? [immediate(release)] : [];
    assertEquals(machine.step(semantics, { operands }), undefined);
    assertEquals([cpu.cpl, cpu.eip, cpu.gpr32(GPR.SP)], [3, 0x1234, 0x6000 + release]);
    assertEquals([cpu.selector(SEG.CS), cpu.selector(SEG.SS)], [USER_CODE, USER_DATA]);
    const kept = [SEG.DS, SEG.ES, SEG.FS, SEG.GS].map((segment) => cpu.selector(segment));
    assertEquals(kept, [USER_DATA, 0, S.CONFORMING0, 0]);
  }
});

Deno.test("a return to a 16-bit outer stack loads SP alone", () => {
  const machine = protectedMachine();
  machine.cpu.setGpr32(GPR.SP, 0x1_7000);
  machine.pushAll(4, S.STACK16_3 | 3, 0xabcd_6000, 0, USER_CODE, 0x1234);
  assertEquals(machine.step("iret"), undefined);
  assertEquals(machine.cpu.gpr32(GPR.SP), 0x1_6000);
});

/** Top of the stack from EIP on, and the fault, for a return from CPL 1. */
const FAULTS: [string, number[], number, number][] = [
  ["null CS", [0, 3], VECTOR.GP, 0],
  ["CS beyond the GDT", [0, (S.LIMIT + 1) | 1], VECTOR.GP, S.LIMIT + 1],
  ["data as CS", [0, S.DATA1 | 1], VECTOR.GP, S.DATA1],
  ["to an inner ring", [0, S.CODE0], VECTOR.GP, S.CODE0],
  ["CS DPL is not RPL", [0, S.CODE0 | 1], VECTOR.GP, S.CODE0],
  ["conforming CS of DPL above RPL", [0, S.CONFORMING3 | 1], VECTOR.GP, S.CONFORMING3],
  ["absent CS", [0, S.ABSENT_CODE | 3], VECTOR.NP, S.ABSENT_CODE],
  ["null SS", [0, USER_CODE, 0, 0, 3], VECTOR.GP, 0],
  ["SS beyond the GDT", [0, USER_CODE, 0, 0, (S.LIMIT + 1) | 3], VECTOR.GP, S.LIMIT + 1],
  ["SS RPL", [0, USER_CODE, 0, 0, S.DATA3], VECTOR.GP, S.DATA3],
  ["SS DPL", [0, USER_CODE, 0, 0, S.DATA0 | 3], VECTOR.GP, S.DATA0],
  ["SS read-only", [0, USER_CODE, 0, 0, S.READ_ONLY | 3], VECTOR.GP, S.READ_ONLY],
  ["SS absent", [0, USER_CODE, 0, 0, S.ABSENT_DATA | 3], VECTOR.SS, S.ABSENT_DATA],
];

Deno.test("far returns check the code and stack segments as volume 2 lists", () => {
  for (const [what, top, vector, error] of FAULTS) {
    for (const semantics of ["iret", "ret_far"]) {
      const machine = protectedMachine(1);
      const items = semantics === "iret" ? top : top.filter((_, i) => i !== 2);
      machine.pushAll(4, ...items.toReversed());
      const fault = machine.step(semantics);
      assertEquals([fault?.vector, fault?.error], [vector, error], `${semantics}: ${what}`);
    }
  }
});

Deno.test("a return beyond the code segment's limit is #GP(0)", () => {
  const machine = protectedMachine();
  machine.pushAll(4, 0, S.SMALL_CODE, 0x100);
  assertEquals(machine.step("iret")?.error, 0);
});

Deno.test("a return with too short a stack is #SS(0)", () => {
  const machine = protectedMachine();
  machine.cpu.loadSegmentCache(SEG.SS, S.DATA0, 0, 0x6fff, 0x409300);
  machine.cpu.setGpr32(GPR.SP, 0x6ffc);
  for (const semantics of ["iret", "ret_far"]) {
    const fault = machine.step(semantics);
    assertEquals([fault?.vector, fault?.error], [VECTOR.SS, 0]);
  }
});

Deno.test("IRET changes IF only at CPL up to IOPL, and IOPL only at CPL 0", () => {
  for (
    const [cpl, iopl, loaded] of [[3, 0, 0], [3, 3, FLAG.IF], [1, 1, FLAG.IF], [0, 0, FLAG.IF | FLAG.IOPL]] as const
  ) {
    const machine = protectedMachine(cpl);
    const { cpu } = machine;
    cpu.setEflags(iopl << 12, ~0);
    machine.pushAll(4, FLAG.IF | FLAG.IOPL | FLAG.AC | FLAG.ID, cpu.selector(SEG.CS), 0x1234);
    assertEquals(machine.step("iret"), undefined);
    assertEquals(cpu.eflags, (iopl << 12) | loaded | FLAG.AC | FLAG.ID | 2);
  }
});

Deno.test("IRET at ring 0 enters virtual-8086 mode; elsewhere it ignores VM", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  machine.pushAll(4, 0x44, 0x33, 0x22, 0x11, 0x700, 0x1_0100, FLAG.VM | FLAG.IF | FLAG.IOPL, 0x1010, 0x20);
  assertEquals(machine.step("iret"), undefined);
  assertEquals([cpu.cpl, cpu.virtual8086, cpu.eip, cpu.gpr32(GPR.SP)], [3, true, 0x20, 0x1_0100]);
  const segments = [SEG.CS, SEG.SS, SEG.ES, SEG.DS, SEG.FS, SEG.GS].map((segment) => cpu.selector(segment));
  assertEquals(segments, [0x1010, 0x700, 0x11, 0x22, 0x33, 0x44]);
  assertEquals([cpu.segmentBase(SEG.CS), cpu.segmentLimit(SEG.CS)], [0x10100, 0xffff]);

  const user = protectedMachine(3);
  user.pushAll(4, FLAG.VM, USER_CODE, 0x1234);
  assertEquals(user.step("iret"), undefined);
  assertEquals(user.cpu.virtual8086, false);
});

Deno.test("virtual-8086 mode: IRET needs IOPL 3 and changes neither IOPL nor VM", () => {
  const machine = virtual8086Machine(3);
  machine.pushAll(2, FLAG.CF, 0x10, 0x60);
  assertEquals(machine.step("iret", { operandSize: 2 }), undefined);
  assertEquals(machine.cpu.eflags, FLAG.VM | FLAG.IOPL | FLAG.CF | 2);
  assertEquals(virtual8086Machine(2).step("iret", { operandSize: 2 })?.error, 0);
});

Deno.test("real mode: far returns load CS as a paragraph", () => {
  const machine = realMachine();
  machine.pushAll(2, FLAG.IF | FLAG.IOPL, 0x123, 0x456);
  assertEquals(machine.step("iret", { operandSize: 2 }), undefined);
  assertEquals([machine.cpu.segmentBase(SEG.CS), machine.cpu.eip], [0x1230, 0x456]);
  assertEquals(machine.cpu.eflags, FLAG.IF | FLAG.IOPL | 2);
  machine.pushAll(4, 0x123, 0x1_0000);
  assertEquals(machine.step("ret_far")?.vector, VECTOR.GP);
});
