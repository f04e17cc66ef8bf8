import { assertEquals } from "@std/assert";
import { REPEAT } from "../instruction.ts";
import { FLAG, GPR, SEG, STATE, VECTOR } from "../registers.ts";
import {
  AT,
  immediate,
  type Machine,
  memoryAt,
  protectedMachine,
  register,
  S,
  virtual8086Machine,
} from "./test_support.ts";

const insBytes = { repeat: REPEAT.F3, operands: [memoryAt(0, 1, SEG.ES), register(GPR.DX, 2)] };
const insWords = { repeat: REPEAT.F3, operands: [memoryAt(0, 2, SEG.ES), register(GPR.DX, 2)] };
const outsDwords = { repeat: REPEAT.F3, operands: [register(GPR.DX, 2), memoryAt(0, 4)] };

function stringMachine(count: number, pointer: number, budget = 1_000_000): Machine {
  const machine = protectedMachine();
  machine.cpu.setGpr32(GPR.DX, 0x1f0);
  machine.cpu.setGpr32(GPR.CX, count);
  machine.cpu.setGpr32(GPR.DI, pointer);
  machine.cpu.setGpr32(GPR.SI, pointer);
  machine.cpu.i32[STATE.BUDGET >> 2] = budget;
  return machine;
}

Deno.test("IN and OUT move the accumulator's bytes and leave the rest of it", () => {
  const machine = protectedMachine();
  machine.cpu.setGpr32(GPR.AX, 0xffff_ffff);
  machine.cpu.setGpr32(GPR.DX, 0x1_0cf8);
  machine.step("in", { operands: [register(GPR.AX, 1), immediate(-1)] });
  assertEquals(machine.cpu.gpr32(GPR.AX), 0xffff_ff01);
  machine.step("in", { operands: [register(GPR.AX, 2), register(GPR.DX, 2)] });
  assertEquals(machine.cpu.gpr32(GPR.AX), 0xffff_0302);
  machine.step("out", { operands: [register(GPR.DX, 2), register(GPR.AX, 4)] });
  assertEquals(machine.bus.calls, ["read ff 1", "read cf8 2", "write cf8 4"]);
  assertEquals(machine.bus.written, [2, 3, 0xff, 0xff]);
});

/** [I/O map base, byte of the map at port 40h, port, size, allowed] */
const MAP: [number, number, number, number, boolean][] = [
  [0x68, 0x00, 0x40, 1, true],
  [0x68, 0x01, 0x40, 1, false],
  [0x68, 0x02, 0x40, 1, true],
  [0x68, 0x02, 0x40, 2, false],
  [0x68, 0x08, 0x40, 4, false],
  [0x68, 0x10, 0x40, 4, true],
  [0x68, 0x00, 0x47, 2, false],
  // The map ends before the byte that follows the port's.
  [0x2ff - 8, 0x00, 0x40, 1, false],
  [0x2ff - 9, 0x00, 0x40, 1, true],
];

Deno.test("beyond IOPL, and always in virtual-8086 mode, the TSS's map decides", () => {
  for (const make of [() => protectedMachine(3), () => virtual8086Machine(3)]) {
    for (const [base, byte, port, size, allowed] of MAP) {
      const machine = make();
      machine.memory.view.setUint16(AT.TSS + 102, base, true);
      machine.memory.bytes[AT.TSS + base + 8] = byte;
      if (base === 0x68) machine.memory.bytes[AT.TSS + base + 9] = 0xff;
      machine.cpu.setGpr32(GPR.DX, port);
      const fault = machine.step("in", { operands: [register(GPR.AX, size), register(GPR.DX, 2)] });
      assertEquals(fault?.vector, allowed ? undefined : VECTOR.GP, `${base.toString(16)} ${byte} ${port} ${size}`);
    }
  }
  const allowed = protectedMachine(3);
  allowed.cpu.setEflags(FLAG.IOPL, ~0);
  assertEquals(allowed.step("in", { operands: [register(GPR.AX, 1), immediate(0x40)] }), undefined);
  const small = protectedMachine(3);
  small.load(SEG.TR, S.TSS16);
  assertEquals(small.step("in", { operands: [register(GPR.AX, 1), immediate(0x40)] })?.error, 0);
});

Deno.test("REP INS moves whole pages as blocks and counts its iterations", () => {
  const machine = stringMachine(0x900, 0x5f00);
  assertEquals(machine.step("ins", insWords), undefined);
  const { cpu, memory, bus } = machine;
  assertEquals(bus.calls, ["read block 1f0 2 x 128", "read block 1f0 2 x 2048", "read block 1f0 2 x 128"]);
  assertEquals([cpu.gpr32(GPR.CX), cpu.gpr32(GPR.DI), cpu.eip], [0, 0x5f00 + 0x1200, 0x102]);
  assertEquals(cpu.i32[STATE.EXTRA >> 2], 0x8ff);
  for (let i = 0; i < 0x1200; i++) assertEquals(memory.bytes[0x5f00 + i], (i + 1) & 0xff);
});

Deno.test("REP OUTS hands the device memory's bytes in order", () => {
  const machine = stringMachine(3, 0x5000);
  machine.memory.bytes.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 0x5000);
  assertEquals(machine.step("outs", outsDwords), undefined);
  assertEquals(machine.bus.written, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assertEquals(machine.cpu.gpr32(GPR.SI), 0x500c);
});

Deno.test("a device that moves fewer items is asked again", () => {
  const machine = stringMachine(5, 0x5000);
  machine.bus.most = 2;
  assertEquals(machine.step("ins", insBytes), undefined);
  assertEquals([...machine.memory.bytes.subarray(0x5000, 0x5006)], [1, 2, 3, 4, 5, 0]);
});

Deno.test("with DF set items move downward, one by one", () => {
  const machine = stringMachine(3, 0x5000);
  machine.cpu.setEflags(FLAG.DF, ~0);
  assertEquals(machine.step("ins", insBytes), undefined);
  assertEquals([...machine.memory.bytes.subarray(0x4ffe, 0x5001)], [3, 2, 1]);
  assertEquals(machine.cpu.gpr32(GPR.DI), 0x4ffd);
});

Deno.test("a count of zero does nothing", () => {
  const machine = stringMachine(0, 0x5000);
  assertEquals(machine.step("ins", insBytes), undefined);
  assertEquals([machine.bus.calls.length, machine.cpu.i32[STATE.EXTRA >> 2], machine.cpu.eip], [0, 0, 0x102]);
});

Deno.test("the budget and pending interrupts end the instruction between iterations", () => {
  let machine = stringMachine(100, 0x5000, 30);
  machine.step("ins", insBytes);
  assertEquals([machine.cpu.gpr32(GPR.CX), machine.cpu.eip, machine.cpu.i32[STATE.EXTRA >> 2]], [70, 0x100, 29]);

  for (const [pending, flags, left] of [[1, 0, 0], [1, FLAG.IF, 99], [2, 0, 99], [0, FLAG.TF, 99]] as const) {
    machine = stringMachine(100, 0x5000);
    machine.bus.most = 1;
    machine.cpu.setEflags(flags, ~0);
    machine.cpu.i32[STATE.PENDING >> 2] = pending;
    machine.step("ins", insBytes);
    assertEquals([machine.cpu.gpr32(GPR.CX), machine.cpu.eip], [left, left === 0 ? 0x102 : 0x100]);
  }
});

Deno.test("a fault in an iteration keeps the ones before it, and reads no port", () => {
  const machine = stringMachine(0x20, 0x5ff0);
  machine.memory.absent.add(6);
  const fault = machine.step("ins", insBytes);
  assertEquals([fault?.vector, machine.cpu.gpr32(GPR.CX), machine.cpu.gpr32(GPR.DI)], [VECTOR.PF, 0x10, 0x6000]);
  assertEquals([machine.bus.calls, machine.cpu.i32[STATE.EXTRA >> 2]], [["read block 1f0 1 x 16"], 16]);

  const limited = stringMachine(0x20, 0x5ff0);
  limited.cpu.loadSegmentCache(SEG.ES, S.DATA0, 0, 0x5fff, 0x409300);
  assertEquals([limited.step("ins", insBytes)?.vector, limited.cpu.gpr32(GPR.CX)], [VECTOR.GP, 0x10]);
});

Deno.test("16-bit addresses wrap and use CX and DI alone", () => {
  const machine = stringMachine(0x5_0004, 0x5_fffe);
  assertEquals(machine.step("ins", { ...insBytes, addressSize: 2 }), undefined);
  assertEquals([machine.cpu.gpr32(GPR.CX), machine.cpu.gpr32(GPR.DI)], [0x5_0000, 0x5_0002]);
  assertEquals([...machine.memory.bytes.subarray(0xfffe, 0x10000)], [1, 2]);
  assertEquals([...machine.memory.bytes.subarray(0, 2)], [3, 4]);
});
