import { assertEquals } from "@std/assert";
import { FLAG, GPR, MODE, MSR_SLOT, SEG, STATE, VECTOR } from "../registers.ts";
import { protectedMachine, realMachine } from "./test_support.ts";

Deno.test("SYSENTER and SYSEXIT load the fixed segments, and fault without a selector or privilege", () => {
  const machine = protectedMachine(3);
  const { cpu } = machine;
  assertEquals(machine.step("sysenter")?.error, 0);
  const slots = STATE.MSR >> 2;
  cpu.u32[slots + MSR_SLOT.SYSENTER_CS * 2] = 0x60;
  cpu.u32[slots + MSR_SLOT.SYSENTER_ESP * 2] = 0x8000;
  cpu.u32[slots + MSR_SLOT.SYSENTER_EIP * 2] = 0x4321;
  assertEquals(machine.step("sysexit")?.error, 0);
  cpu.setEflags(FLAG.IF | FLAG.CF, ~0);
  assertEquals(machine.step("sysenter"), undefined);
  assertEquals([cpu.cpl, cpu.eip, cpu.gpr32(GPR.SP), cpu.eflags], [0, 0x4321, 0x8000, FLAG.CF | 2]);
  assertEquals([cpu.selector(SEG.CS), cpu.selector(SEG.SS)], [0x60, 0x68]);
  cpu.setGpr32(GPR.CX, 0x7000);
  cpu.setGpr32(GPR.DX, 0x1234);
  assertEquals(machine.step("sysexit"), undefined);
  assertEquals([cpu.cpl, cpu.eip, cpu.gpr32(GPR.SP)], [3, 0x1234, 0x7000]);
  assertEquals([cpu.selector(SEG.CS), cpu.selector(SEG.SS)], [0x73, 0x7b]);
  assertEquals(cpu.i32[STATE.MODE >> 2], MODE.D | MODE.FLAT);
  const real = realMachine();
  real.cpu.u32[slots + MSR_SLOT.SYSENTER_CS * 2] = 8;
  assertEquals(real.step("sysenter")?.vector, VECTOR.GP);
});
