import { assertEquals } from "@std/assert";
import { OPERAND } from "../instruction.ts";
import { CR0, CR4, GPR, MODE, SEG, STATE, VECTOR } from "../registers.ts";
import {
  type InstructionOptions,
  type Machine,
  memoryAt,
  protectedMachine,
  realMachine,
  register,
} from "./test_support.ts";

const control = (number: number) => ({ operands: [{ kind: OPERAND.CONTROL, register: number }, register(GPR.AX)] });

function write(machine: Machine, semantics: string, options: InstructionOptions, value: number) {
  machine.cpu.setGpr32(GPR.AX, value);
  return machine.step(semantics, options);
}

Deno.test("MOV CR0 refuses inconsistent bits, ignores reserved ones and keeps ET", () => {
  const machine = protectedMachine();
  assertEquals(write(machine, "mov_to_control", control(0), CR0.PG)?.error, 0);
  assertEquals(write(machine, "mov_to_control", control(0), CR0.PE | CR0.NW)?.error, 0);
  assertEquals(write(machine, "mov_to_control", control(0), CR0.PE | 1 << 10 | CR0.NE), undefined);
  assertEquals(machine.cpu.i32[STATE.CR0 >> 2], CR0.PE | CR0.ET | CR0.NE);
});

Deno.test("changes of paging and protection flush translations", () => {
  const cases: [number, number, string[]][] = [
    [0, CR0.PE | CR0.TS, []],
    [0, CR0.PE | CR0.WP, ["flush false"]],
    [0, CR0.PE | CR0.PG, ["flush false"]],
    [3, 0x5000, ["flush false"]],
    [4, CR4.PSE, ["flush false"]],
    [4, CR4.TSD, []],
  ];
  for (const [number, value, calls] of cases) {
    const machine = protectedMachine();
    assertEquals(write(machine, "mov_to_control", control(number), value), undefined);
    assertEquals(machine.memory.calls, calls);
  }
  const machine = protectedMachine();
  write(machine, "mov_to_control", control(4), CR4.PGE);
  write(machine, "mov_to_control", control(3), 0x1234_5fff);
  assertEquals(machine.memory.calls, ["flush false", "flush true"]);
  assertEquals(machine.cpu.u32[STATE.CR3 >> 2], 0x1234_5ff8);
  machine.step("invlpg", { operands: [memoryAt(0x5678, 0)] });
  assertEquals(machine.memory.calls[2], "flushPage 5678");
});

Deno.test("CR4 bits of features that CPUID does not claim are reserved", () => {
  for (let bit = 0; bit < 32; bit++) {
    const claimed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].includes(bit);
    const fault = write(protectedMachine(), "mov_to_control", control(4), 1 << bit);
    assertEquals(fault?.error, claimed ? undefined : 0, `bit ${bit}`);
  }
});

Deno.test("control registers that do not exist are #UD, at any privilege", () => {
  for (const number of [1, 5, 6, 7]) {
    for (const machine of [protectedMachine(), protectedMachine(3)]) {
      assertEquals(machine.step("mov_to_control", control(number))?.vector, VECTOR.UD);
    }
  }
});

Deno.test("entering and leaving protected mode keeps the segments' hidden parts", () => {
  const machine = realMachine();
  const { cpu } = machine;
  assertEquals(write(machine, "mov_to_control", control(0), CR0.PE), undefined);
  assertEquals([cpu.protectedMode, cpu.segmentLimit(SEG.DS), cpu.cpl], [true, 0xffff, 0]);
  cpu.loadSegmentCache(SEG.DS, 8, 0, 0xffff_ffff, 0xc09100);
  assertEquals(cpu.i32[STATE.MODE >> 2]! & MODE.FLAT, 0);
  assertEquals(write(machine, "mov_to_control", control(0), 0), undefined);
  // The type does not count in real-address mode, the limit does.
  cpu.write(SEG.DS, 0x1_0000, 1, 0x55);
  assertEquals(machine.memory.bytes[0x1_0000], 0x55);
});

Deno.test("LMSW sets PE but does not clear it; SMSW and CLTS see its bits", () => {
  const machine = realMachine();
  machine.cpu.setGpr32(GPR.AX, 0xffff_000f);
  machine.step("lmsw", { operands: [register(GPR.AX, 2)] });
  assertEquals(machine.cpu.i32[STATE.CR0 >> 2]! & 0x1f, 0x1f);
  machine.cpu.setGpr32(GPR.AX, 0);
  machine.step("lmsw", { operands: [register(GPR.AX, 2)] });
  assertEquals(machine.cpu.i32[STATE.CR0 >> 2]! & 0x1f, 0x11);
  machine.cpu.i32[STATE.CR0 >> 2]! |= CR0.TS;
  machine.step("clts");
  machine.step("smsw", { operands: [register(GPR.CX)] });
  assertEquals(machine.cpu.gpr32(GPR.CX), (CR0.CD | CR0.NW | 0x11) >>> 0);
});
