import { assertEquals } from "@std/assert";
import { GPR, SEG, STATE, VECTOR } from "../registers.ts";
import { AT, memoryAt, protectedMachine, register, S } from "./test_support.ts";

Deno.test("LGDT and LIDT load 24 bits of base with 16-bit operands; SGDT and SIDT store all", () => {
  const machine = protectedMachine();
  const { cpu, memory } = machine;
  memory.view.setUint16(0x5000, 0x1234, true);
  memory.view.setUint32(0x5002, 0xabcd_ef01, true);
  for (const [load, store] of [["lgdt", "sgdt"], ["lidt", "sidt"]] as const) {
    for (const [size, base] of [[2, 0xcd_ef01], [4, 0xabcd_ef01]] as const) {
      machine.step(load, { operandSize: size, operands: [memoryAt(0x5000, 6)] });
      machine.step(store, { operandSize: size, operands: [memoryAt(0x5010, 6)] });
      assertEquals([memory.view.getUint16(0x5010, true), memory.view.getUint32(0x5012, true)], [0x1234, base]);
    }
    assertEquals(machine.step(load, { operands: [register(GPR.AX)] })?.vector, VECTOR.UD);
  }
  assertEquals(cpu.u32[STATE.IDTR_LIMIT >> 2], 0x1234);
});

Deno.test("LLDT takes an LDT of the GDT, or null", () => {
  const cases: [number, number, number][] = [
    [S.LDT, -1, 0],
    [0, -1, 0],
    [S.LDT | 4, VECTOR.GP, S.LDT | 4],
    [S.LIMIT + 1, VECTOR.GP, S.LIMIT + 1],
    [S.DATA0, VECTOR.GP, S.DATA0],
    [S.TSS16, VECTOR.GP, S.TSS16],
  ];
  for (const [selector, vector, error] of cases) {
    const machine = protectedMachine();
    machine.cpu.setGpr32(GPR.AX, selector);
    const fault = machine.step("lldt", { operands: [register(GPR.AX, 2)] });
    assertEquals([fault?.vector ?? -1, fault?.error ?? 0], [vector, error]);
  }
  const machine = protectedMachine();
  machine.describe(S.LDT, [0xffff, 0x0200]);
  machine.cpu.setGpr32(GPR.AX, S.LDT);
  assertEquals(machine.step("lldt", { operands: [register(GPR.AX, 2)] })?.vector, VECTOR.NP);
});

Deno.test("LTR takes an available TSS of the GDT and makes it busy", () => {
  const cases: [number, number, number][] = [
    [S.TSS16, -1, 0],
    [0, VECTOR.GP, 0],
    [S.TSS, VECTOR.GP, S.TSS],
    [S.TSS16 | 4, VECTOR.GP, S.TSS16 | 4],
    [S.LDT, VECTOR.GP, S.LDT],
  ];
  for (const [selector, vector, error] of cases) {
    const machine = protectedMachine();
    machine.cpu.setGpr32(GPR.AX, selector);
    const fault = machine.step("ltr", { operands: [register(GPR.AX, 2)] });
    assertEquals([fault?.vector ?? -1, fault?.error ?? 0], [vector, error]);
    if (vector < 0) {
      assertEquals(machine.memory.bytes[AT.GDT + selector + 5], 0x83);
      machine.step("str", { operands: [register(GPR.CX)] });
      assertEquals([machine.cpu.gpr32(GPR.CX), machine.cpu.segmentBase(SEG.TR)], [selector, AT.TSS16]);
    }
  }
});
