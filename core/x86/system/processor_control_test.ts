import { assertEquals } from "@std/assert";
import { OPERAND } from "../instruction.ts";
import { GPR, VECTOR } from "../registers.ts";
import { memoryAt, protectedMachine, realMachine, register, virtual8086Machine } from "./test_support.ts";

const control = (number: number) => ({ operands: [{ kind: OPERAND.CONTROL, register: number }, register(GPR.AX)] });

Deno.test("privileged instructions are #GP(0) outside ring 0 and in virtual-8086 mode", () => {
  const names = ["hlt", "lgdt", "lidt", "lmsw", "clts", "invlpg", "invd", "wbinvd", "rdmsr", "wrmsr"];
  for (const machine of [protectedMachine(3), protectedMachine(1), virtual8086Machine(3)]) {
    for (const name of names) {
      const fault = machine.step(name, { operands: [memoryAt(0x50, 6)] });
      assertEquals([fault?.vector, fault?.error], [VECTOR.GP, 0], name);
    }
    for (const name of ["mov_to_control", "mov_to_debug"]) assertEquals(machine.step(name, control(0))?.error, 0, name);
  }
});

Deno.test("instructions of protected mode are #UD elsewhere", () => {
  for (const machine of [realMachine(), virtual8086Machine(3)]) {
    for (const name of ["lldt", "ltr", "sldt", "str", "lar", "lsl", "verr", "verw", "arpl"]) {
      const fault = machine.step(name, { operands: [register(GPR.AX, 2), register(GPR.CX, 2)] });
      assertEquals(fault?.vector, VECTOR.UD, name);
    }
  }
});

Deno.test("undefined instructions are #UD, RDPMC is #GP(0)", () => {
  for (const name of ["ud0", "ud1", "ud2", "rsm"]) assertEquals(protectedMachine().step(name)?.vector, VECTOR.UD);
  assertEquals(protectedMachine().step("rdpmc")?.error, 0);
});
