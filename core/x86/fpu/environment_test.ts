import { assertEquals } from "@std/assert";
import { SEG, STATE } from "../registers.ts";
import { EXCEPTION } from "./context.ts";
import { FpuMachine } from "./fpu_machine.ts";
import { STATUS } from "./stack.ts";

/** The environment at 2000h: seven fields of `size` bytes. */
function environment(machine: FpuMachine, size: 2 | 4): string[] {
  return Array.from({ length: 7 }, (_, i) => machine.get(size, 0x2000 + i * size));
}

Deno.test("the 32-bit protected-mode environment holds offsets and selectors", () => {
  const machine = new FpuMachine().control({ unmask: EXCEPTION.ZERO_DIVIDE });
  machine.put("00000000").run("fld1\n fdiv dword [1000h]\n fnstenv [2000h]");
  assertEquals(environment(machine, 4), [
    "ffff037b",
    "ffffb884",
    "ffff3fff",
    "00000102",
    // D8 35: opcode bits 000 00110101.
    "00350008",
    "00001000",
    "ffff0010",
  ]);
  assertEquals(machine.cpu.i32[STATE.FPU_CONTROL >> 2], 0x37f);
  assertEquals(machine.status & STATUS.ERROR_SUMMARY, 0);
});

Deno.test("the 16-bit protected-mode environment holds their low words", () => {
  const machine = new FpuMachine().put("00000000").run("fldz\n fadd dword [1000h]\n o16 fnstenv [2000h]");
  assertEquals(environment(machine, 2), ["037f", "3800", "7fff", "0102", "0008", "1000", "0010"]);
});

Deno.test("the real-mode environments hold linear addresses", () => {
  const machine = new FpuMachine().realMode();
  machine.cpu.loadRealSegment(SEG.DS, 0xe000);
  machine.cpu.loadSegmentCache(SEG.DS, 0xe000, 0, 0xffff, 0x9300);
  machine.run("fldz\n fadd dword [1000h]\n fnstenv [2000h]");
  assertEquals(environment(machine, 2), ["037f", "3800", "7fff", "0102", "0000", "1000", "e000"]);
  machine.run("fnstenv [2000h]");
  machine.run("o32 fnstenv [2000h]");
  assertEquals(environment(machine, 4).slice(3), ["ffff0102", "00000000", "ffff1000", "0000e000"]);
});

Deno.test("FLDENV takes from a tag only whether the register is empty, and makes an unmasked flag pending", () => {
  const machine = new FpuMachine().run("fldz\n fld1\n fnstenv [2000h]");
  assertEquals(machine.tags, 0x4fff & ~0x3000);
  machine.view.setUint16(0x2000, 0x37e, true);
  machine.view.setUint16(0x2004, machine.status | EXCEPTION.INVALID, true);
  machine.view.setUint16(0x2008, 0xafff, true);
  machine.run("fldenv [2000h]");
  assertEquals(machine.tags, 0x4fff);
  assertEquals(machine.status & STATUS.ERROR_SUMMARY, STATUS.ERROR_SUMMARY);
});

Deno.test("FNSAVE stores everything and initializes; FRSTOR brings it back", () => {
  for (const prefix of ["", "o16 "]) {
    const machine = new FpuMachine().run("fldpi\n fldz\n fld1\n fldl2e");
    const before = [machine.status, machine.tags, ...[0, 1, 2, 3].map((i) => machine.st(i))];
    machine.run(`${prefix}fnsave [2000h]`);
    assertEquals([machine.status, machine.tags], [0, 0xffff]);
    machine.run(`${prefix}frstor [2000h]`);
    assertEquals([machine.status, machine.tags, ...[0, 1, 2, 3].map((i) => machine.st(i))], before);
  }
});
