import { assertEquals } from "@std/assert";
import { CR4, GPR, STATE } from "../registers.ts";
import { protectedMachine } from "./test_support.ts";

Deno.test("RDTSC reads the counter in halves; WRMSR moves it; CR4.TSD keeps it to ring 0", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  const read = () => {
    machine.step("rdtsc");
    return [cpu.gpr32(GPR.DX), cpu.gpr32(GPR.AX)];
  };
  assertEquals(read(), [1, 2]);
  for (const [high, low] of [[0, 0], [5, 0xffff_ffff], [0xffff_ffff, 1]] as const) {
    cpu.setGpr32(GPR.CX, 0x10);
    cpu.setGpr32(GPR.DX, high);
    cpu.setGpr32(GPR.AX, low);
    assertEquals(machine.step("wrmsr"), undefined);
    assertEquals(read(), [high, low]);
  }
  cpu.i32[STATE.CR4 >> 2] = CR4.TSD;
  assertEquals(machine.step("rdtsc"), undefined);
  const user = protectedMachine(3);
  user.cpu.i32[STATE.CR4 >> 2] = CR4.TSD;
  assertEquals(user.step("rdtsc")?.error, 0);
});

Deno.test("model-specific registers keep what they are given; unknown ones are #GP(0)", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  for (const [msr, stays] of [[0x174, true], [0x175, true], [0x176, true], [0x8b, false]] as const) {
    cpu.setGpr32(GPR.CX, msr);
    cpu.setGpr32(GPR.AX, 0x1234_5678);
    cpu.setGpr32(GPR.DX, 0);
    assertEquals(machine.step("wrmsr"), undefined);
    cpu.setGpr32(GPR.AX, 1);
    assertEquals(machine.step("rdmsr"), undefined);
    assertEquals(cpu.gpr32(GPR.AX), stays ? 0x1234_5678 : 0);
  }
  for (const msr of [2, 0x1e0, 0x210, 0xc000_0081]) {
    cpu.setGpr32(GPR.CX, msr);
    assertEquals(machine.step("rdmsr")?.error, 0);
    assertEquals(machine.step("wrmsr")?.error, 0);
  }
});

/** [MSR, EDX, EAX] that WRMSR refuses with #GP(0). */
const REFUSED: [number, number, number][] = [
  [0x17, 0, 0],
  [0x1b, 0, 0x200],
  [0xfe, 0, 0],
  [0x179, 0, 0],
  [0x17a, 0, 8],
  [0x1d9, 0, 1],
  [0x200, 0, 2],
  [0x200, 0x10, 6],
  [0x201, 0, 0x400],
  [0x250, 0, 0x0202_0202],
  [0x26f, 0x0700_0000, 0],
  [0x277, 0, 2],
  [0x2ff, 0, 0x1000],
  [0xc000_0080, 0, 1],
];

Deno.test("WRMSR refuses reserved bits and memory types", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  for (const [msr, high, low] of REFUSED) {
    cpu.setGpr32(GPR.CX, msr);
    cpu.setGpr32(GPR.DX, high);
    cpu.setGpr32(GPR.AX, low);
    assertEquals(machine.step("wrmsr")?.error, 0, `MSR ${msr.toString(16)}h`);
  }
});

/** [MSR, EDX, EAX] after RESET. */
const AFTER_RESET: [number, number, number][] = [
  [0x0, 0, 0],
  [0x1, 0, 0],
  [0x1b, 0, 0xfee0_0100],
  [0xfe, 0, 0x508],
  [0x179, 0, 0],
  [0x1a0, 0, 0x1801],
  [0x268, 0, 0],
  [0x277, 0x0007_0406, 0x0007_0406],
  [0x2ff, 0, 0],
  [0xc000_0080, 0, 0],
];

Deno.test("MTRRs, PAT, APIC base, machine check and EFER after RESET; the APIC stays disabled", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  const read = (msr: number) => {
    cpu.setGpr32(GPR.CX, msr);
    assertEquals(machine.step("rdmsr"), undefined);
    return [cpu.gpr32(GPR.DX), cpu.gpr32(GPR.AX)];
  };
  for (const [msr, ...value] of AFTER_RESET) assertEquals(read(msr), value, `MSR ${msr.toString(16)}h`);
  cpu.setGpr32(GPR.CX, 0x1b);
  cpu.setGpr32(GPR.DX, 1);
  cpu.setGpr32(GPR.AX, 0x1234_5900);
  assertEquals(machine.step("wrmsr"), undefined);
  assertEquals(read(0x1b), [1, 0x1234_5100]);
});
