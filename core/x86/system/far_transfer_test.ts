import { assertEquals } from "@std/assert";
import { GPR, SEG, VECTOR } from "../registers.ts";
import {
  AT,
  far,
  gate,
  type Machine,
  memoryAt,
  protectedMachine,
  realMachine,
  S,
  virtual8086Machine,
} from "./test_support.ts";

const to = (selector: number, offset = 0x1234) => ({ operands: [far(selector, offset)] });

Deno.test("JMP far loads CS with RPL = CPL; CALL far pushes CS and the return address as well", () => {
  for (const size of [2, 4]) {
    const machine = protectedMachine(3);
    const { cpu } = machine;
    assertEquals(machine.step("jmp_far", { operandSize: size, ...to(S.CODE3, 0x1_2345) }), undefined);
    const eip = size === 4 ? 0x1_2345 : 0x2345;
    assertEquals([cpu.eip, cpu.selector(SEG.CS)], [eip, S.CODE3 | 3]);
    assertEquals(machine.step("call_far", { operandSize: size, ...to(S.CONFORMING0) }), undefined);
    assertEquals([cpu.eip, cpu.selector(SEG.CS), cpu.cpl], [0x1234, S.CONFORMING0 | 3, 3]);
    assertEquals(machine.stacked(2, size), [(eip + 2) & (size === 4 ? ~0 : 0xffff), S.CODE3 | 3]);
  }
});

Deno.test("a far pointer is read from memory, offset first", () => {
  for (const size of [2, 4]) {
    const machine = protectedMachine();
    machine.memory.view.setUint32(0x5000, 0x4321, true);
    machine.memory.view.setUint16(0x5000 + size, S.CODE0, true);
    const options = { operandSize: size, operands: [memoryAt(0x5000, size + 2)] };
    assertEquals(machine.step("jmp_far", options), undefined);
    assertEquals(machine.cpu.eip, 0x4321);
  }
});

/** [what, selector, offset, fault at CPL 3 of JMP] */
const DIRECT: [string, number, number, number, number][] = [
  ["null", 2, 0, VECTOR.GP, 0],
  ["beyond the GDT", S.LIMIT + 1, 0, VECTOR.GP, S.LIMIT + 1],
  ["no LDT", 0xc, 0, VECTOR.GP, 0xc],
  ["data", S.DATA3, 0, VECTOR.GP, S.DATA3],
  ["inner ring", S.CODE0, 0, VECTOR.GP, S.CODE0],
  ["absent", S.ABSENT_CODE, 0, VECTOR.NP, S.ABSENT_CODE],
  ["LDT descriptor", S.LDT, 0, VECTOR.GP, S.LDT],
  ["busy TSS", S.TSS, 0, VECTOR.GP, S.TSS],
  ["TSS of an inner ring", S.TSS16, 0, VECTOR.GP, S.TSS16],
];

Deno.test("direct far transfers check the descriptor as volume 2 lists", () => {
  for (const [what, selector, offset, vector, error] of DIRECT) {
    for (const semantics of ["jmp_far", "call_far"]) {
      const fault = protectedMachine(3).step(semantics, to(selector, offset));
      assertEquals([fault?.vector, fault?.error], [vector, error], `${semantics}: ${what}`);
    }
  }
  const inner = protectedMachine();
  for (const semantics of ["jmp_far", "call_far"]) {
    // RPL above CPL, an outer ring, an offset beyond the limit.
    assertEquals(inner.step(semantics, to(S.CODE0 | 1))?.error, S.CODE0);
    assertEquals(inner.step(semantics, to(S.CONFORMING3))?.error, S.CONFORMING3);
    assertEquals(inner.step(semantics, to(S.SMALL_CODE, 0x100))?.error, 0);
  }
});

Deno.test("a call gate to the same ring jumps or calls with the gate's size and offset", () => {
  for (const [selector, size] of [[S.GATE32, 4], [S.GATE16, 2]] as const) {
    const machine = protectedMachine();
    machine.describe(selector, gate(S.CODE0, 0x5_1234, size === 4 ? 0xec : 0xe4));
    assertEquals(machine.step("jmp_far", to(selector, 0x9999)), undefined);
    const eip = size === 4 ? 0x5_1234 : 0x1234;
    assertEquals(machine.cpu.eip, eip);
    machine.cpu.eip = 0x100;
    assertEquals(machine.step("call_far", to(selector, 0x9999)), undefined);
    assertEquals([machine.cpu.eip, ...machine.stacked(2, size)], [eip, 0x102, S.CODE0]);
  }
});

Deno.test("a call gate to an inner ring switches stacks and copies its parameters", () => {
  for (const [selector, size] of [[S.GATE32, 4], [S.GATE16, 2]] as const) {
    const machine = protectedMachine(3);
    const { cpu } = machine;
    machine.describe(selector, gate(S.CODE0, 0x1234, size === 4 ? 0xec : 0xe4, 3));
    machine.pushAll(size, 0x33, 0x22, 0x11);
    const pointer = cpu.gpr32(GPR.SP);
    assertEquals(machine.step("call_far", to(selector)), undefined);
    assertEquals([cpu.cpl, cpu.eip, cpu.selector(SEG.CS), cpu.selector(SEG.SS)], [0, 0x1234, S.CODE0, S.DATA0]);
    assertEquals(machine.stacked(7, size), [0x102, S.CODE3 | 3, 0x11, 0x22, 0x33, pointer, S.DATA3 | 3]);
    assertEquals(cpu.gpr32(GPR.SP), AT.STACK0 - 7 * size);
    // And back: RET far releases the parameters on both stacks.
    const released = [{ kind: 3, value: 3 * size }];
    assertEquals(machine.step("ret_far", { operandSize: size, operands: released }), undefined);
    assertEquals([cpu.cpl, cpu.eip, cpu.gpr32(GPR.SP)], [3, 0x102, 0x7000]);
  }
});

Deno.test("a call gate may lead to ring 1, on ring 1's stack", () => {
  const machine = protectedMachine(3);
  machine.describe(S.GATE32, gate(S.CODE1, 0x1234, 0xec));
  assertEquals(machine.step("call_far", to(S.GATE32)), undefined);
  assertEquals([machine.cpu.cpl, machine.cpu.gpr32(GPR.SP)], [1, AT.STACK1 - 16]);
});

const GATES: [string, [number, number], number, number, number][] = [
  ["gate of an inner ring", gate(S.CODE3, 0, 0x8c), S.GATE32, VECTOR.GP, S.GATE32],
  ["absent gate", gate(S.CODE3, 0, 0x6c), S.GATE32, VECTOR.NP, S.GATE32],
  ["null code selector", gate(1, 0, 0xec), S.GATE32, VECTOR.GP, 0],
  ["code selector beyond the GDT", gate(S.LIMIT + 1, 0, 0xec), S.GATE32, VECTOR.GP, S.LIMIT + 1],
  ["data segment", gate(S.DATA3, 0, 0xec), S.GATE32, VECTOR.GP, S.DATA3],
  ["absent code", gate(S.ABSENT_CODE, 0, 0xec), S.GATE32, VECTOR.NP, S.ABSENT_CODE],
];

Deno.test("call gates are checked as volume 2 lists", () => {
  for (const [what, entry, selector, vector, error] of GATES) {
    for (const semantics of ["jmp_far", "call_far"]) {
      const machine = protectedMachine(3);
      machine.describe(selector, entry);
      const fault = machine.step(semantics, to(selector));
      assertEquals([fault?.vector, fault?.error], [vector, error], `${semantics}: ${what}`);
    }
  }
  // JMP cannot raise the privilege; a gate is less privileged than its selector's RPL allows.
  assertEquals(protectedMachine(3).step("jmp_far", to(S.GATE32))?.error, S.CODE0);
  const machine = protectedMachine();
  machine.describe(S.GATE32, gate(S.CODE0, 0, 0x8c));
  assertEquals(machine.step("call_far", to(S.GATE32 | 1))?.error, S.GATE32);
});

Deno.test("the inner stack of a call gate is checked like an interrupt's, without EXT", () => {
  const cases: [string, (machine: Machine) => void, number, number][] = [
    ["null", (m) => m.memory.view.setUint16(AT.TSS + 8, 0, true), VECTOR.TS, 0],
    ["RPL", (m) => m.memory.view.setUint16(AT.TSS + 8, S.DATA0 | 1, true), VECTOR.TS, S.DATA0],
    ["no room", (m) => m.describe(S.DATA0, [0x0fff, 0x409300]), VECTOR.SS, S.DATA0],
    ["no page", (m) => m.memory.absent.add((AT.STACK0 - 1) >>> 12), VECTOR.PF, 2],
  ];
  for (const [what, change, vector, error] of cases) {
    const machine = protectedMachine(3);
    change(machine);
    const fault = machine.step("call_far", to(S.GATE32));
    assertEquals([fault?.vector, fault?.error], [vector, error], what);
  }
});

Deno.test("real and virtual-8086 mode: a far transfer loads CS as a paragraph, within its limit", () => {
  for (const machine of [realMachine(), virtual8086Machine(0)]) {
    const { cpu } = machine;
    const cs = cpu.selector(SEG.CS);
    assertEquals(machine.step("call_far", { operandSize: 2, ...to(0x345, 0x678) }), undefined);
    assertEquals([cpu.segmentBase(SEG.CS), cpu.eip, ...machine.stacked(2, 2)], [0x3450, 0x678, 0x102, cs]);
    assertEquals(machine.step("jmp_far", to(0x345, 0x1_0000))?.vector, VECTOR.GP);
    assertEquals(machine.step("call_far", to(0x345, 0x1_0000))?.vector, VECTOR.GP);
  }
});
