import { assert, assertEquals } from "@std/assert";
import { GuestFault } from "../fault.ts";
import { FLAG, GPR, SEG, STATE, VECTOR } from "../registers.ts";
import { deliver, raise } from "./interrupts.ts";
import { AT, gate, immediate, protectedMachine, realMachine, S, virtual8086Machine } from "./test_support.ts";

const INTERRUPT32 = 0x8e;
const TRAP32 = 0x8f;
const INTERRUPT16 = 0x86;
const TRAP16 = 0x87;
const DPL3 = 0x60;

Deno.test("real mode: the vector table gives CS:IP; FLAGS, CS and IP are pushed; IF and TF are cleared", () => {
  const { cpu, memory, ...machine } = realMachine();
  memory.view.setUint32(0x21 * 4, 0x1234_5678, true);
  cpu.setEflags(FLAG.IF | FLAG.CF | FLAG.OF | FLAG.AC, ~0);
  deliver(cpu, 0x21, -1, "external");
  assertEquals([cpu.selector(SEG.CS), cpu.segmentBase(SEG.CS), cpu.eip], [0x1234, 0x12340, 0x5678]);
  assertEquals(cpu.eflags, FLAG.CF | FLAG.OF | 2);
  assertEquals(cpu.gpr32(GPR.SP), AT.STACK0 - 6);
  assertEquals(memory.view.getUint16(AT.STACK0 - 6, true), 0x100);
  assertEquals(memory.view.getUint16(AT.STACK0 - 4, true), 0);
  assertEquals(memory.view.getUint16(AT.STACK0 - 2, true), FLAG.CF | FLAG.OF | FLAG.IF | 2);
  assert(machine.bus.calls.length === 0);
});

Deno.test("real mode: exceptions push no error code", () => {
  const { cpu } = realMachine();
  raise(cpu, new GuestFault(VECTOR.GP, 0));
  assertEquals(cpu.gpr32(GPR.SP), AT.STACK0 - 6);
});

Deno.test("real mode: an odd stack that wraps shuts the CPU down", () => {
  const { cpu } = realMachine();
  cpu.setGpr16(GPR.SP, 1);
  raise(cpu, new GuestFault(VECTOR.UD));
  assert(cpu.shutdown);
  assertEquals(cpu.eip, 0x100);
});

Deno.test("real mode: a vector beyond the IDT limit is #GP, then #DF, then shutdown as the limit shrinks", () => {
  for (const [limit, vector] of [[0x3ff, 0x21], [0x83, 13], [0x33, 8], [0x1f, -1]] as const) {
    const { cpu, memory } = realMachine();
    for (let i = 0; i < 256; i++) memory.view.setUint32(i * 4, i, true);
    cpu.u32[STATE.IDTR_LIMIT >> 2] = limit;
    deliver(cpu, 0x21, -1, "external");
    if (vector < 0) assert(cpu.shutdown);
    else assertEquals(cpu.eip, vector);
  }
});

Deno.test("a gate at the same privilege pushes EFLAGS, CS and EIP of the gate's size", () => {
  const cases = [[INTERRUPT32, 4, true], [TRAP32, 4, false], [INTERRUPT16, 2, true], [TRAP16, 2, false]] as const;
  for (const [access, size, clearsIf] of cases) {
    const machine = protectedMachine();
    const { cpu } = machine;
    machine.vector(0x21, gate(S.CODE0, 0x5_6789, access));
    cpu.setEflags(FLAG.IF | FLAG.NT | FLAG.TF | FLAG.ZF, ~0);
    deliver(cpu, 0x21, -1, "external");
    assertEquals(cpu.eip, size === 4 ? 0x5_6789 : 0x6789);
    assertEquals(cpu.eflags, FLAG.ZF | 2 | (clearsIf ? 0 : FLAG.IF));
    assertEquals(machine.stacked(3, size), [0x100, S.CODE0, FLAG.IF | FLAG.NT | FLAG.TF | FLAG.ZF | 2]);
    assertEquals(cpu.gpr32(GPR.SP), 0x7000 - 3 * size);
  }
});

Deno.test("faults push RF and the error code of the vectors that have one; interrupts do neither", () => {
  for (let vector = 0; vector < 20; vector++) {
    const machine = protectedMachine();
    machine.vector(vector, gate(S.CODE0, 0x800, INTERRUPT32));
    raise(machine.cpu, new GuestFault(vector, 0x55));
    const withCode = [8, 10, 11, 12, 13, 14, 17].includes(vector);
    assertEquals(
      machine.stacked(withCode ? 4 : 3),
      [...(withCode ? [0x55] : []), 0x100, S.CODE0, FLAG.RF | 2],
      `vector ${vector}`,
    );
    assertEquals(machine.cpu.gpr32(GPR.SP), withCode ? 0x6ff0 : 0x6ff4);
  }
  const machine = protectedMachine();
  machine.vector(13, gate(S.CODE0, 0x800, INTERRUPT32));
  deliver(machine.cpu, 13, 0x55, "external");
  assertEquals(machine.stacked(3), [0x100, S.CODE0, 2]);
});

Deno.test("a more privileged handler runs on the TSS's stack, which holds SS and ESP too", () => {
  for (const [access, size] of [[INTERRUPT32, 4], [INTERRUPT16, 2]] as const) {
    const machine = protectedMachine(3);
    const { cpu } = machine;
    machine.vector(14, gate(S.CODE0, 0x800, access));
    raise(cpu, new GuestFault(VECTOR.PF, 6));
    assertEquals([cpu.cpl, cpu.selector(SEG.CS), cpu.selector(SEG.SS)], [0, S.CODE0, S.DATA0]);
    assertEquals(cpu.gpr32(GPR.SP), AT.STACK0 - 6 * size);
    const flags = size === 4 ? FLAG.RF | 2 : 2;
    assertEquals(machine.stacked(6, size), [6, 0x100, S.CODE3 | 3, flags, 0x7000, S.DATA3 | 3]);
    assertEquals(cpu.selector(SEG.DS), S.DATA3 | 3);
  }
});

Deno.test("a 16-bit TSS gives SP and SS of its own layout", () => {
  const machine = protectedMachine(3);
  const { cpu, memory } = machine;
  machine.load(SEG.TR, S.TSS16);
  memory.view.setUint16(AT.TSS16 + 2, 0x8800, true);
  memory.view.setUint16(AT.TSS16 + 4, S.DATA0, true);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32));
  deliver(cpu, 0x40, -1, "external");
  assertEquals(cpu.gpr32(GPR.SP), 0x8800 - 20);
});

Deno.test("a conforming handler runs at the interrupted privilege, on the same stack", () => {
  const machine = protectedMachine(3);
  machine.vector(0x40, gate(S.CONFORMING0, 0x800, INTERRUPT32));
  deliver(machine.cpu, 0x40, -1, "external");
  assertEquals([machine.cpu.cpl, machine.cpu.selector(SEG.CS)], [3, S.CONFORMING0 | 3]);
  assertEquals(machine.stacked(3), [0x100, S.CODE3 | 3, 2]);
});

/** [what, IDT entry or limit, vector and error code of INT 40h, the same of an external interrupt] at CPL 3. */
const GATE_FAULTS: [string, [number, number], number, number, number][] = [
  ["not a gate", gate(S.CODE0, 0, 0x8c), VECTOR.GP, 0x202, 0x203],
  ["a segment", gate(S.CODE0, 0, 0x9b), VECTOR.GP, 0x202, 0x203],
  ["not present", gate(S.CODE0, 0, 0x0e | DPL3), VECTOR.NP, 0x202, 0x203],
  ["null code selector", gate(3, 0, INTERRUPT32 | DPL3), VECTOR.GP, 0, 1],
  ["code selector beyond the GDT", gate(S.LIMIT + 1, 0, INTERRUPT32 | DPL3), VECTOR.GP, S.LIMIT + 1, S.LIMIT + 2],
  ["code selector in no LDT", gate(4, 0, INTERRUPT32 | DPL3), VECTOR.GP, 4, 5],
  ["data segment", gate(S.DATA0 | 2, 0, INTERRUPT32 | DPL3), VECTOR.GP, S.DATA0, S.DATA0 | 1],
  ["absent code segment", gate(S.ABSENT_CODE, 0, INTERRUPT32 | DPL3), VECTOR.NP, S.ABSENT_CODE, S.ABSENT_CODE | 1],
  ["offset beyond the limit", gate(S.SMALL_CODE, 0x100, INTERRUPT32 | DPL3), VECTOR.GP, 0, 1],
];

Deno.test("faults of a gate name the IDT entry or the selector, with EXT for external events", () => {
  for (const [what, entry, vector, software, external] of GATE_FAULTS) {
    let machine = protectedMachine(3);
    machine.vector(0x40, entry);
    const fault = machine.step("int", { operands: [immediate(0x40)] });
    assertEquals([fault?.vector, fault?.error], [vector, software], what);

    machine = protectedMachine(3);
    machine.vector(0x40, entry);
    machine.vector(vector, gate(S.CODE0, 0x900, INTERRUPT32));
    deliver(machine.cpu, 0x40, -1, "external");
    assertEquals([machine.cpu.eip, machine.stacked(1)[0]], [0x900, external], what);
  }
});

Deno.test("software interrupts need the gate's privilege; INT1 and hardware do not", () => {
  const machine = protectedMachine(3);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32));
  machine.vector(3, gate(S.CODE0, 0x800, INTERRUPT32));
  machine.vector(1, gate(S.CODE0, 0x810, INTERRUPT32));
  assertEquals(machine.step("int", { operands: [immediate(0x40)] })?.error, 0x202);
  assertEquals(machine.step("int3")?.error, 3 * 8 + 2);
  assertEquals(machine.step("int1"), undefined);
  assertEquals(machine.cpu.eip, 0x810);
});

Deno.test("INT n saves the next instruction's address and no RF", () => {
  const machine = protectedMachine(3);
  machine.vector(0x80, gate(S.CODE0, 0x800, TRAP32 | DPL3));
  machine.cpu.setEflags(FLAG.IF, ~0);
  assertEquals(machine.step("int", { operands: [immediate(-128)] }), undefined);
  assertEquals(machine.stacked(5), [0x102, S.CODE3 | 3, FLAG.IF | 2, 0x7000, S.DATA3 | 3]);
  assertEquals(machine.cpu.eip, 0x800);
  assertEquals(machine.cpu.eflags & FLAG.IF, FLAG.IF);
});

Deno.test("INTO interrupts only when OF is set", () => {
  const machine = protectedMachine();
  machine.vector(4, gate(S.CODE0, 0x800, TRAP32));
  assertEquals(machine.step("into"), undefined);
  assertEquals(machine.cpu.eip, 0x102);
  machine.cpu.setEflags(FLAG.OF, FLAG.OF);
  assertEquals(machine.step("into"), undefined);
  assertEquals(machine.cpu.eip, 0x800);
});

Deno.test("faults of the inner stack are #TS or #SS with its selector", () => {
  const cases: [string, number, number, number][] = [
    ["null", 0, VECTOR.TS, 0],
    ["beyond the GDT", S.LIMIT + 1, VECTOR.TS, S.LIMIT + 1],
    ["RPL", S.DATA0 | 3, VECTOR.TS, S.DATA0],
    ["DPL", S.DATA3, VECTOR.TS, S.DATA3],
    ["code", S.CODE0, VECTOR.TS, S.CODE0],
    ["read-only", S.READ_ONLY, VECTOR.TS, S.READ_ONLY],
  ];
  for (const [what, selector, vector, error] of cases) {
    const machine = protectedMachine(3);
    machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32 | DPL3));
    machine.memory.view.setUint16(AT.TSS + 8, selector, true);
    const fault = machine.step("int", { operands: [immediate(0x40)] });
    assertEquals([fault?.vector, fault?.error], [vector, error], what);
  }
  const machine = protectedMachine(3);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32 | DPL3));
  machine.describe(S.DATA0, [0xffff, 0xcf1300]);
  const absent = machine.step("int", { operands: [immediate(0x40)] });
  assertEquals([absent?.vector, absent?.error], [VECTOR.SS, S.DATA0]);
});

Deno.test("a TSS too short for the inner stack is #TS with the TSS's selector", () => {
  const machine = protectedMachine(3);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32 | DPL3));
  machine.cpu.loadSegmentCache(SEG.TR, S.TSS, AT.TSS, 8, 0x8b00);
  const fault = machine.step("int", { operands: [immediate(0x40)] });
  assertEquals([fault?.vector, fault?.error], [VECTOR.TS, S.TSS]);
});

Deno.test("an inner stack without room is #SS with its selector, a current one with error code 0 or EXT", () => {
  let machine = protectedMachine(3);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32 | DPL3));
  machine.describe(S.DATA0, [0x0fff, 0x409300]);
  machine.memory.view.setUint32(AT.TSS + 4, 0x1010, true);
  let fault = machine.step("int", { operands: [immediate(0x40)] });
  assertEquals([fault?.vector, fault?.error], [VECTOR.SS, S.DATA0]);

  machine = protectedMachine();
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32));
  machine.cpu.loadSegmentCache(SEG.SS, S.DATA0, 0, 0xffff, 0x409300);
  machine.cpu.setGpr32(GPR.SP, 8);
  fault = machine.step("int", { operands: [immediate(0x40)] });
  assertEquals([fault?.vector, fault?.error], [VECTOR.SS, 0]);
});

Deno.test("a page fault while the frame is pushed leaves everything as it was", () => {
  const machine = protectedMachine(3);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32 | DPL3));
  machine.memory.absent.add((AT.STACK0 - 1) >>> 12);
  const fault = machine.step("int", { operands: [immediate(0x40)] });
  assertEquals([fault?.vector, fault?.error], [VECTOR.PF, 2]);
});

Deno.test("table 6-5: contributory exceptions and page faults make double faults; benign ones do not", () => {
  const code = gate(S.CODE0, 0x800, INTERRUPT32);
  const absent = gate(S.CODE0, 0x800, 0x0e);
  for (const first of [0, 1, 3, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17]) {
    const machine = protectedMachine();
    const { cpu } = machine;
    // Delivering the first raises #NP.
    for (let i = 0; i < 20; i++) machine.vector(i, gate(S.CODE0, 0x800 + i, INTERRUPT32));
    machine.vector(first, absent);
    if (first !== 11) machine.vector(11, code);
    raise(cpu, new GuestFault(first, 0));
    const double = [0, 10, 11, 12, 13, 14].includes(first);
    assertEquals(cpu.eip, double ? 0x808 : 0x800, `first ${first}`);
    assertEquals(machine.stacked(1)[0], double ? 0 : first * 8 + 3, `first ${first}`);
    assert(!cpu.shutdown);
  }
});

Deno.test("a page fault while a contributory exception is delivered is delivered itself", () => {
  const machine = protectedMachine(3);
  machine.memory.absent.add((AT.STACK0 - 1) >>> 12);
  machine.vector(13, gate(S.CODE0, 0x800, INTERRUPT32));
  machine.vector(14, gate(S.CONFORMING3, 0x900, INTERRUPT32));
  raise(machine.cpu, new GuestFault(VECTOR.GP, 0));
  assertEquals([machine.cpu.eip, machine.stacked(1)[0]], [0x900, 2]);
});

Deno.test("a fault while a double fault is delivered shuts the CPU down where it was", () => {
  const machine = protectedMachine();
  machine.cpu.u32[STATE.IDTR_LIMIT >> 2] = 0;
  raise(machine.cpu, new GuestFault(VECTOR.UD));
  assert(machine.cpu.shutdown);
  assertEquals([machine.cpu.eip, machine.cpu.gpr32(GPR.SP)], [0x100, 0x7000]);
  assertEquals(machine.cpu.lastVector, VECTOR.DF);
});

Deno.test("delivery sets the accessed bits of code and stack segments", () => {
  const machine = protectedMachine(3);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32));
  for (const selector of [S.CODE0, S.DATA0]) machine.memory.bytes[AT.GDT + selector + 5]! &= ~1;
  deliver(machine.cpu, 0x40, -1, "external");
  for (const selector of [S.CODE0, S.DATA0]) assertEquals(machine.memory.bytes[AT.GDT + selector + 5]! & 1, 1);
  assertEquals(machine.cpu.segmentAttributes(SEG.CS) & 0x100, 0x100);
});

Deno.test("virtual-8086 mode: a handler at ring 0 finds the data segments on its stack and null in the registers", () => {
  for (const [access, size] of [[INTERRUPT32, 4], [INTERRUPT16, 2]] as const) {
    const machine = virtual8086Machine(0);
    const { cpu } = machine;
    cpu.loadVirtual8086Segment(SEG.GS, 0x44);
    machine.vector(13, gate(S.CODE0, 0x800, access));
    const flags = cpu.eflags | FLAG.RF;
    raise(cpu, new GuestFault(VECTOR.GP, 0));
    assertEquals([cpu.cpl, cpu.eip, cpu.virtual8086], [0, 0x800, false]);
    assertEquals(
      machine.stacked(10, size),
      [0, 0x100, 0x10, size === 4 ? flags : flags & 0xffff, 0x100, 0x700, 0x20, 0x20, 0x20, 0x44],
    );
    for (const segment of [SEG.DS, SEG.ES, SEG.FS, SEG.GS]) {
      assertEquals([cpu.selector(segment), cpu.segmentAttributes(segment) & 1], [0, 1]);
    }
  }
});

Deno.test("virtual-8086 mode: a handler that is not at ring 0, or conforming, is #GP with its selector", () => {
  for (const selector of [S.CODE1, S.CONFORMING0, S.CODE3]) {
    const machine = virtual8086Machine(3);
    machine.vector(0x40, gate(selector, 0x800, INTERRUPT32 | DPL3));
    const fault = machine.step("int", { operands: [immediate(0x40)] });
    assertEquals([fault?.vector, fault?.error], [VECTOR.GP, selector]);
  }
});

Deno.test("virtual-8086 mode: INT n needs IOPL 3; INT3 does not", () => {
  const machine = virtual8086Machine(0);
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32 | DPL3));
  machine.vector(3, gate(S.CODE0, 0x900, INTERRUPT32 | DPL3));
  const fault = machine.step("int", { operands: [immediate(0x40)] });
  assertEquals([fault?.vector, fault?.error], [VECTOR.GP, 0]);
  assertEquals(machine.step("int3"), undefined);
  assertEquals(machine.cpu.eip, 0x900);
});

Deno.test("an event ends a halt and an interrupt shadow", () => {
  const machine = protectedMachine();
  machine.vector(0x40, gate(S.CODE0, 0x800, INTERRUPT32));
  assertEquals(machine.step("hlt"), undefined);
  assert(machine.cpu.halted);
  machine.cpu.i32[STATE.SHADOW >> 2] = 1;
  deliver(machine.cpu, 0x40, -1, "external");
  assert(!machine.cpu.halted);
  assertEquals([machine.cpu.i32[STATE.SHADOW >> 2], machine.stacked(1)[0]], [0, 0x102]);
});
