import { assertEquals } from "@std/assert";
import { GPR, VECTOR } from "../registers.ts";
import { immediate, memoryAt, protectedMachine, realMachine, register } from "./test_support.ts";

Deno.test("BOUND raises #BR outside its signed bounds", () => {
  for (const size of [2, 4]) {
    for (const [index, inside] of [[-5, true], [5, true], [-6, false], [6, false], [0, true]] as const) {
      const machine = protectedMachine();
      const { view } = machine.memory;
      if (size === 2) {
        view.setInt16(0x5000, -5, true);
        view.setInt16(0x5002, 5, true);
      } else {
        view.setInt32(0x5000, -5, true);
        view.setInt32(0x5004, 5, true);
      }
      machine.cpu.setGpr32(GPR.AX, index);
      const operands = [register(GPR.AX, size), memoryAt(0x5000, 2 * size)];
      const fault = machine.step("bound", { operandSize: size, operands });
      assertEquals(fault?.vector, inside ? undefined : VECTOR.BR);
    }
  }
});

Deno.test("INT with an immediate of 128 or more is the unsigned vector", () => {
  const machine = realMachine();
  machine.memory.view.setUint16(0xff * 4, 0x777, true);
  machine.step("int", { operandSize: 2, operands: [immediate(-1)] });
  assertEquals(machine.cpu.eip, 0x777);
});
