import { assertEquals } from "@std/assert";
import { FLAG, GPR } from "../registers.ts";
import { memoryAt, protectedMachine, register, S } from "./test_support.ts";

/** [selector, VERR, VERW, LAR, LSL] at CPL 3. */
const VISIBLE: [number, boolean, boolean, number, number][] = [
  [0, false, false, -1, -1],
  [S.LIMIT + 1, false, false, -1, -1],
  [S.DATA3 | 3, true, true, 0xcff300, 0xffff_ffff],
  [S.DATA0, false, false, -1, -1],
  [S.READ_ONLY, true, false, 0xcff100, 0xffff_ffff],
  [S.EXECUTE_ONLY, false, false, 0xcff900, 0xffff_ffff],
  [S.CODE3, true, false, 0xcffb00, 0xffff_ffff],
  [S.CONFORMING0 | 3, true, false, 0xcf9f00, 0xffff_ffff],
  [S.ABSENT_DATA, true, true, 0xcf7300, 0xffff_ffff],
  [S.GATE32, false, false, 0xec00, -1],
  [S.TASK_GATE, false, false, 0xe500, -1],
];

Deno.test("VERR, VERW, LAR and LSL answer by type and privilege, in ZF alone", () => {
  for (const [selector, readable, writable, rights, limit] of VISIBLE) {
    const machine = protectedMachine(3);
    const { cpu } = machine;
    const ask = (name: string) => {
      cpu.setGpr32(GPR.AX, selector);
      cpu.setGpr32(GPR.CX, 0x55);
      cpu.setEflags(FLAG.CF | FLAG.SF, ~0);
      const operands = name.startsWith("ver") ? [register(GPR.AX, 2)] : [register(GPR.CX), register(GPR.AX, 2)];
      assertEquals(machine.step(name, { operands }), undefined);
      assertEquals(cpu.eflags & ~FLAG.ZF, FLAG.CF | FLAG.SF | 2);
      return (cpu.eflags & FLAG.ZF) !== 0;
    };
    const value = (name: string) => ask(name) ? cpu.gpr32(GPR.CX) : -1;
    assertEquals([ask("verr"), ask("verw"), value("lar"), value("lsl")], [readable, writable, rights, limit]);
    assertEquals(ask("lsl") ? 0 : cpu.gpr32(GPR.CX), limit < 0 ? 0x55 : 0);
  }
});

Deno.test("ARPL raises the RPL, and says so in ZF", () => {
  const machine = protectedMachine(3);
  const { cpu, memory } = machine;
  memory.view.setUint16(0x5000, 0x21, true);
  cpu.setGpr32(GPR.AX, 0x12);
  machine.step("arpl", { operands: [memoryAt(0x5000, 2), register(GPR.AX, 2)] });
  assertEquals([memory.view.getUint16(0x5000, true), cpu.eflags & FLAG.ZF], [0x22, FLAG.ZF]);
  machine.step("arpl", { operands: [memoryAt(0x5000, 2), register(GPR.AX, 2)] });
  assertEquals([memory.view.getUint16(0x5000, true), cpu.eflags & FLAG.ZF], [0x22, 0]);
});
