import { assertEquals } from "@std/assert";
import { CR4, GPR, STATE } from "../registers.ts";
import { protectedMachine, unbuiltBy } from "./test_support.ts";

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
  for (const msr of [0, 0x1b, 0x277, 0xc000_0080]) {
    cpu.setGpr32(GPR.CX, msr);
    assertEquals(machine.step("rdmsr")?.error, 0);
    assertEquals(machine.step("wrmsr")?.error, 0);
  }
  cpu.setGpr32(GPR.CX, 0x1d9);
  cpu.setGpr32(GPR.AX, 0);
  assertEquals(machine.step("wrmsr"), undefined);
  cpu.setGpr32(GPR.AX, 1);
  assertEquals(
    unbuiltBy(() => machine.step("wrmsr")),
    "branch trace and last branch recording (IA32_DEBUGCTL)",
  );
});
