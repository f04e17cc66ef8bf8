import { assertEquals } from "@std/assert";
import { OPERAND } from "../instruction.ts";
import { CR4, GPR, STATE, VECTOR } from "../registers.ts";
import { type InstructionOptions, type Machine, protectedMachine, register } from "./test_support.ts";

const debug = (number: number) => ({ operands: [{ kind: OPERAND.DEBUG, register: number }, register(GPR.AX)] });

function write(machine: Machine, semantics: string, options: InstructionOptions, value: number) {
  machine.cpu.setGpr32(GPR.AX, value);
  return machine.step(semantics, options);
}

Deno.test("debug registers keep their fixed bits; DR4 and DR5 are DR6 and DR7", () => {
  const machine = protectedMachine();
  for (
    const [number, value, read] of [[0, 0x1234, 0x1234], [6, 0, 0xffff_0ff0], [7, 0, 0x400], [
      7,
      0xffff_df00,
      0xffff_0700,
    ]]
  ) {
    write(machine, "mov_to_debug", debug(number!), value!);
    machine.step("mov_from_debug", { operands: [register(GPR.CX), { kind: OPERAND.DEBUG, register: number! }] });
    assertEquals(machine.cpu.gpr32(GPR.CX), read);
  }
  machine.step("mov_from_debug", { operands: [register(GPR.CX), { kind: OPERAND.DEBUG, register: 4 }] });
  assertEquals(machine.cpu.gpr32(GPR.CX), 0xffff_0ff0);
  machine.cpu.i32[STATE.CR4 >> 2] = CR4.DE;
  assertEquals(machine.step("mov_from_debug", { operands: [register(GPR.CX), { register: 4 }] })?.vector, VECTOR.UD);
});

Deno.test("general detect raises #DB once", () => {
  const machine = protectedMachine();
  write(machine, "mov_to_debug", debug(7), 1 << 13);
  assertEquals(write(machine, "mov_to_debug", debug(0), 0)?.vector, VECTOR.DB);
  assertEquals(write(machine, "mov_to_debug", debug(0), 0), undefined);
  assertEquals(machine.cpu.i32[(STATE.DR >> 2) + 12]! & 0x2000, 0x2000);
});
