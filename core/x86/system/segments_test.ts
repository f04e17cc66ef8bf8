import { assertEquals } from "@std/assert";
import { GPR, MODE, SEG, STATE, VECTOR, WINDOW } from "../registers.ts";
import {
  AT,
  memoryAt,
  protectedMachine,
  realMachine,
  register,
  S,
  segment,
  segmentRegister,
  virtual8086Machine,
} from "./test_support.ts";

/** [register, selector, CPL, vector and error code; vector -1 when the load succeeds] */
const LOADS: [number, number, 0 | 3, number, number][] = [
  [SEG.DS, 0, 3, -1, 0],
  [SEG.DS, 3, 0, -1, 0],
  [SEG.DS, S.DATA3 | 3, 3, -1, 0],
  [SEG.ES, S.READ_ONLY | 3, 3, -1, 0],
  [SEG.FS, S.CODE3, 3, -1, 0],
  [SEG.GS, S.CONFORMING0 | 3, 3, -1, 0],
  [SEG.GS, S.EXPAND_DOWN, 3, -1, 0],
  [SEG.DS, S.DATA0, 3, VECTOR.GP, S.DATA0],
  [SEG.DS, S.DATA0 | 3, 0, VECTOR.GP, S.DATA0],
  [SEG.DS, S.EXECUTE_ONLY, 3, VECTOR.GP, S.EXECUTE_ONLY],
  [SEG.DS, S.TSS, 0, VECTOR.GP, S.TSS],
  [SEG.DS, S.LIMIT + 1, 0, VECTOR.GP, S.LIMIT + 1],
  [SEG.DS, 0xc, 0, VECTOR.GP, 0xc],
  [SEG.DS, S.ABSENT_DATA, 0, VECTOR.NP, S.ABSENT_DATA],
  [SEG.SS, S.DATA0, 0, -1, 0],
  [SEG.SS, 0, 0, VECTOR.GP, 0],
  [SEG.SS, 3, 3, VECTOR.GP, 0],
  [SEG.SS, S.DATA3, 3, VECTOR.GP, S.DATA3],
  [SEG.SS, S.DATA3 | 3, 0, VECTOR.GP, S.DATA3],
  [SEG.SS, S.READ_ONLY | 3, 3, VECTOR.GP, S.READ_ONLY],
  [SEG.SS, S.CODE0, 0, VECTOR.GP, S.CODE0],
  [SEG.SS, S.ABSENT_DATA | 3, 3, VECTOR.SS, S.ABSENT_DATA],
  [SEG.CS, S.CODE0, 0, VECTOR.UD, -1],
];

Deno.test("MOV and POP check a segment's type and privilege as volume 2 lists", () => {
  for (const [target, selector, cpl, vector, error] of LOADS) {
    for (const semantics of ["mov_to_segment", "pop_segment"]) {
      if (target === SEG.CS && semantics === "pop_segment") continue;
      const machine = protectedMachine(cpl);
      const { cpu } = machine;
      cpu.setGpr32(GPR.AX, 0xffff_0000 | selector);
      cpu.push(selector, 4);
      const fault = machine.step(semantics, { operands: [segmentRegister(target), register(GPR.AX, 2)] });
      const name = `${semantics} ${target} ${selector.toString(16)} at CPL ${cpl}`;
      assertEquals([fault?.vector ?? -1, fault?.error ?? 0], [vector, error], name);
      if (vector < 0) {
        assertEquals(cpu.selector(target), selector, name);
        assertEquals(cpu.i32[STATE.SHADOW >> 2], target === SEG.SS ? 2 : 0);
        assertEquals(cpu.gpr32(GPR.SP), semantics === "pop_segment" ? 0x7000 : 0x6ffc);
      }
    }
  }
});

Deno.test("a null data segment faults when it is used; the stack segment's faults are #SS", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  assertEquals(machine.step("mov_to_segment", { operands: [segmentRegister(SEG.DS), register(GPR.AX, 2)] }), undefined);
  const load = { operands: [segmentRegister(SEG.ES), memoryAt(0x5000, 2)] };
  assertEquals(machine.step("mov_to_segment", load)?.vector, VECTOR.GP);
  cpu.loadSegmentCache(SEG.SS, S.DATA0, 0, 0x4fff, 0x409300);
  const stack = { operands: [segmentRegister(SEG.ES), memoryAt(0x5000, 2, SEG.SS)] };
  assertEquals(machine.step("mov_to_segment", stack)?.vector, VECTOR.SS);
});

Deno.test("loading a segment sets its accessed bit", () => {
  const machine = protectedMachine();
  const at = AT.GDT + S.DATA3 + 5;
  machine.memory.bytes[at]! &= ~1;
  machine.cpu.setGpr32(GPR.AX, S.DATA3);
  machine.step("mov_to_segment", { operands: [segmentRegister(SEG.DS), register(GPR.AX, 2)] });
  assertEquals(machine.memory.bytes[at]! & 1, 1);
});

Deno.test("a segment may come from the LDT", () => {
  const machine = protectedMachine();
  machine.put(AT.LDT + 0x18, segment(0x5000, 0xff, 0x93, 4));
  machine.load(SEG.LDTR, S.LDT);
  machine.cpu.setGpr32(GPR.AX, 0x1c);
  assertEquals(
    machine.step("mov_to_segment", { operands: [segmentRegister(SEG.DS), register(GPR.AX, 2)] }),
    undefined,
  );
  assertEquals([machine.cpu.segmentBase(SEG.DS), machine.cpu.segmentLimit(SEG.DS)], [0x5000, 0xff]);
  machine.cpu.setGpr32(GPR.AX, 0x24);
  assertEquals(
    machine.step("mov_to_segment", { operands: [segmentRegister(SEG.DS), register(GPR.AX, 2)] })?.error,
    0x24,
  );
});

Deno.test("real and virtual-8086 mode: any selector is a paragraph", () => {
  for (const machine of [realMachine(), virtual8086Machine(0)]) {
    machine.cpu.setGpr32(GPR.AX, 0xf00d);
    machine.step("mov_to_segment", { operands: [segmentRegister(SEG.DS), register(GPR.AX, 2)] });
    assertEquals([machine.cpu.segmentBase(SEG.DS), machine.cpu.segmentLimit(SEG.DS)], [0xf00d0, 0xffff]);
  }
});

Deno.test("real mode keeps a limit that protected mode loaded", () => {
  const machine = realMachine();
  machine.cpu.loadSegmentCache(SEG.DS, 0, 0, 0xffff_ffff, 0x8f9300);
  machine.step("mov_to_segment", { operands: [segmentRegister(SEG.DS), register(GPR.AX, 2)] });
  assertEquals(machine.cpu.segmentLimit(SEG.DS), 0xffff_ffff);
});

Deno.test("LDS, LES, LFS, LGS and LSS load the segment, then the register", () => {
  for (const [mnemonic, target] of [["lds", 3], ["les", 0], ["lfs", 4], ["lgs", 5], ["lss", 2]] as const) {
    const machine = protectedMachine();
    machine.memory.view.setUint32(0x5000, 0xdead_beef, true);
    machine.memory.view.setUint16(0x5004, S.DATA0, true);
    const options = { mnemonic, operands: [register(GPR.AX), memoryAt(0x5000, 6)] };
    assertEquals(machine.step("load_far_pointer", options), undefined);
    assertEquals([machine.cpu.gpr32(GPR.AX), machine.cpu.selector(target)], [0xdead_beef, S.DATA0]);
    machine.memory.view.setUint16(0x5004, S.TSS, true);
    assertEquals(machine.step("load_far_pointer", options)?.error, S.TSS);
  }
});

Deno.test("MOV from a segment register zero-extends into a register and stores 16 bits", () => {
  const machine = protectedMachine(3);
  const { cpu, memory } = machine;
  memory.view.setUint32(0x5000, 0xffff_ffff, true);
  cpu.setGpr32(GPR.AX, 0xffff_ffff);
  machine.step("mov_from_segment", { operands: [register(GPR.AX), segmentRegister(SEG.DS)] });
  machine.step("mov_from_segment", { operands: [memoryAt(0x5000, 2), segmentRegister(SEG.DS)] });
  assertEquals(
    [cpu.gpr32(GPR.AX), memory.view.getUint32(0x5000, true)],
    [S.DATA3 | 3, 0xffff_0000 | S.DATA3 | 3 | 0]
      .map((value) => value >>> 0),
  );
});

Deno.test("access windows admit exactly the accesses that fit sixteen bytes below the limit", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  const window = (index: number) =>
    [WINDOW.BASE, WINDOW.LOW, WINDOW.READ, WINDOW.WRITE, WINDOW.MASK].map((field) =>
      cpu.u32[(STATE.WINDOWS + index * WINDOW.SIZE + field) >> 2]
    );
  cpu.loadSegmentCache(SEG.DS, 0, 0x1000, 0xff, 0x409300);
  assertEquals(window(SEG.DS), [0x1000, 0, 0xf1, 0xf1, 0xffff_ffff]);
  assertEquals(window(SEG.DS + WINDOW.ADDRESS16), [0x1000, 0, 0xf1, 0xf1, 0xffff]);
  cpu.loadSegmentCache(SEG.DS, 0, 0, 0xfff, 0x409700);
  assertEquals(window(SEG.DS), [0, 0x1000, 0xffff_eff1, 0xffff_eff1, 0xffff_ffff]);
  cpu.loadSegmentCache(SEG.DS, 0, 0, 0xfff, 0x9700);
  assertEquals(window(SEG.DS), [0, 0x1000, 0xeff1, 0xeff1, 0xffff_ffff]);
  cpu.loadSegmentCache(SEG.DS, 0, 0, 0xffff_ffff, 0xc09900);
  assertEquals(window(SEG.DS), [0, 0, 0, 0, 0xffff_ffff]);
  cpu.loadSegmentCache(SEG.DS, 0, 0, 0xffff_ffff, 0xc09b00);
  assertEquals(window(SEG.DS), [0, 0, 0xffff_fff1, 0, 0xffff_ffff]);
  cpu.loadSegmentCache(SEG.SS, 0, 0, 0xffff, 0x9300);
  assertEquals(window(WINDOW.STACK), [0, 0, 0xfff1, 0xfff1, 0xffff]);
});

Deno.test("the exact check admits the last byte of a segment and no more", () => {
  const { cpu } = protectedMachine();
  const fits = (offset: number, size: number) => {
    try {
      cpu.linear(SEG.DS, offset, size, true);
      return true;
    } catch {
      return false;
    }
  };
  cpu.loadSegmentCache(SEG.DS, 0, 0, 0xff, 0x409300);
  assertEquals([fits(0xfc, 4), fits(0xfd, 4), fits(0xff, 1), fits(0x100, 1)], [true, false, true, false]);
  cpu.loadSegmentCache(SEG.DS, 0, 0, 0xff, 0x9700);
  assertEquals([fits(0xff, 1), fits(0x100, 1), fits(0xfffc, 4), fits(0xfffd, 4)], [false, true, true, false]);
  cpu.loadSegmentCache(SEG.DS, 0, 0, 0xffff_ffff, 0xc09300);
  assertEquals([fits(0xffff_fffc, 4), fits(0xffff_fffd, 4)], [true, false]);
});

Deno.test("MODE is flat only while CS, DS, ES and SS are", () => {
  const machine = protectedMachine();
  const { cpu } = machine;
  const mode = () => cpu.i32[STATE.MODE >> 2];
  assertEquals(mode(), MODE.D | MODE.FLAT);
  machine.load(SEG.DS, S.READ_ONLY);
  assertEquals(mode(), MODE.D);
  machine.load(SEG.DS, S.DATA0);
  machine.load(SEG.SS, S.DATA16);
  assertEquals(mode(), MODE.D);
  machine.load(SEG.SS, S.DATA0);
  machine.load(SEG.FS, S.DATA16);
  assertEquals(mode(), MODE.D | MODE.FLAT);
  machine.load(SEG.CS, S.CODE16);
  assertEquals(mode(), 0);
  assertEquals(virtual8086Machine(0).cpu.i32[STATE.MODE >> 2], 0);
});
