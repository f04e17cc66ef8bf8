import { assertEquals } from "@std/assert";
import { AT, Bench, gate, identityPages, onException, REPORT, segment, SEL, summary } from "./bench.ts";

const NT = 0x4000, RF = 0x1_0000, VM = 0x2_0000;
const TS = 8;

/** Selectors of the test's own. */
const TASK = SEL.FREE, GATE = SEL.FREE + 8, TASK16 = SEL.FREE + 16, MARK = SEL.FREE + 32;
const TSS = AT.TASKS, TSS16 = AT.TASKS + 0x200;
const TASK_STACK = 0x5800;

/** A 32-bit TSS at `TSS` for a task at a label. */
function task32(bench: Bench, label: string, changes: Record<number, number> = {}, access = 0x89): void {
  bench.describe(TASK, segment(TSS, 0x67, access, 0));
  bench.describe(GATE, gate(TASK, 0, 0x85));
  const fields: Record<number, number> = {
    28: 0,
    32: bench.at(label),
    36: 2,
    40: 0xa0a0_a0a0,
    44: 0xc1c1_c1c1,
    56: TASK_STACK,
    72: SEL.DATA0,
    76: SEL.CODE0,
    80: SEL.DATA0,
    84: SEL.DATA0,
    88: 0,
    92: 0,
    96: 0,
    ...changes,
  };
  for (const [offset, value] of Object.entries(fields)) bench.write32(TSS + Number(offset), value);
}

/** A 16-bit TSS at `TSS16`. */
function task16(bench: Bench, label: string, changes: Record<number, number> = {}): void {
  bench.describe(TASK16, segment(TSS16, 0x2b, 0x81, 0));
  const fields: Record<number, number> = {
    14: bench.at(label),
    16: 2,
    18: 0xa0a0,
    26: TASK_STACK,
    34: SEL.DATA0,
    36: SEL.CODE0,
    38: SEL.DATA0,
    40: SEL.DATA0,
    42: 0,
    ...changes,
  };
  for (const [offset, value] of Object.entries(fields)) bench.write16(TSS16 + Number(offset), value);
}

const type = (bench: Bench, selector: number) => bench.read8(AT.GDT + selector + 5) & 15;

Deno.test("JMP to a TSS saves the old task, loads the new one, and moves the busy bit", () => {
  const bench = new Bench(`
    mov ebx, 0b0b0b0bh
    mov esi, 51515151h
    push dword 803h
    popfd
    jmp ${TASK}:0
    back: jmp end_of_program
    task: ${REPORT}
    mov eax, ecx
    ${REPORT}
    mov eax, esp
    ${REPORT}
    str eax
    ${REPORT}
    mov eax, cr0
    and eax, ${TS}
    ${REPORT}
    pushfd
    pop eax
    ${REPORT}`);
  task32(bench, "task");
  assertEquals(bench.run(), [0xa0a0_a0a0, 0xc1c1_c1c1, TASK_STACK, TASK, TS, 2]);
  assertEquals(bench.read32(AT.TSS + 32), bench.at("back"));
  assertEquals(bench.read32(AT.TSS + 36), 0x803);
  assertEquals([bench.read32(AT.TSS + 52), bench.read32(AT.TSS + 64)], [0x0b0b_0b0b, 0x5151_5151]);
  assertEquals(bench.read32(AT.TSS + 56), AT.STACK0);
  assertEquals([0, 4, 8, 12].map((at) => bench.read16(AT.TSS + 72 + at)), [
    SEL.DATA0,
    SEL.CODE0,
    SEL.DATA0,
    SEL.DATA0,
  ]);
  assertEquals([type(bench, SEL.TSS), type(bench, TASK), bench.read16(TSS)], [9, 11, 0]);
});

Deno.test("CALL nests: NT, the link, both busy; IRET returns and makes the task available again", () => {
  for (const selector of [TASK, GATE]) {
    const bench = new Bench(`
      push dword 2
      popfd
      call ${selector}:12345678h
      pushfd
      pop eax
      ${REPORT}
      jmp end_of_program
      task: pushfd
      pop eax
      ${REPORT}
      iretd
      mov eax, 99
      ${REPORT}
      iretd`);
    task32(bench, "task");
    const types: number[][] = [];
    while (bench.bus.events.length < 1) bench.vcpu.run(1);
    types.push([type(bench, SEL.TSS), type(bench, TASK), bench.read16(TSS)]);
    assertEquals(bench.run(), [NT | 2, 2]);
    types.push([type(bench, SEL.TSS), type(bench, TASK)]);
    assertEquals(types, [[11, 11, SEL.TSS], [11, 9]]);
    // The task is saved behind its IRET, NT cleared.
    assertEquals(bench.read8(bench.read32(TSS + 32)), 0xb8);
    assertEquals(bench.read32(TSS + 36) & NT, 0);
  }
});

Deno.test("a second CALL goes on behind the task's IRET", () => {
  const bench = new Bench(`
    call ${TASK}:0
    call ${TASK}:0
    jmp end_of_program
    task: mov eax, 1
    ${REPORT}
    iretd
    mov eax, 2
    ${REPORT}
    iretd`);
  task32(bench, "task");
  assertEquals(bench.run(), [1, 2]);
});

Deno.test("a 16-bit task gives and keeps the lower halves", () => {
  const bench = new Bench(`
    mov edi, 12345678h
    call ${TASK16}:0
    mov eax, edi
    ${REPORT}
    jmp end_of_program
    task: and eax, 0ffffh
    ${REPORT}
    mov edi, 77778888h
    iretd`);
  task16(bench, "task");
  assertEquals(bench.run(), [0xa0a0, 0x1234_5678]);
  assertEquals([bench.read16(TSS16), bench.read16(TSS16 + 32)], [SEL.TSS, 0x8888]);
  assertEquals(bench.read16(TSS16 + 42), 0);
});

Deno.test("an interrupt through a task gate: INT n and external ones push nothing; faults push their error code, save RF", () => {
  const bench = new Bench(`
    int 40h
    jmp end_of_program
    task: mov eax, esp
    ${REPORT}
    pushfd
    pop eax
    ${REPORT}
    iretd`);
  task32(bench, "task");
  bench.vector(0x40, gate(TASK, 0, 0x85));
  assertEquals(bench.run(), [TASK_STACK, NT | 2]);

  const faulting = new Bench(`
    bad: mov ax, 0fff8h
    fault: mov ds, ax
    after: jmp end_of_program
    task: pop eax
    ${REPORT}
    mov dword [${AT.TSS + 32}], after
    iretd`);
  task32(faulting, "task");
  faulting.vector(13, gate(TASK, 0, 0x85));
  assertEquals(faulting.run(), [0xfff8]);
  assertEquals(faulting.read32(AT.TSS + 36) & RF, RF);

  const external = new Bench(`
    sti
    spin: jmp spin
    task: mov eax, esp
    ${REPORT}
    mov dword [${AT.TSS + 32}], end_of_program
    iretd`);
  task32(external, "task");
  external.vector(0x40, gate(TASK, 0, 0x85));
  external.interrupt(0x40);
  assertEquals(external.run(), [TASK_STACK]);
});

/** What is wrong before the switch: [how the TSS is spoilt, vector, error code] for JMP and CALL. */
const BEFORE: [string, (bench: Bench) => void, string, number, number][] = [
  ["busy TSS", (b) => task32(b, "task", {}, 0x8b), `${TASK}:0`, 13, TASK],
  ["TSS not present", (b) => task32(b, "task", {}, 0x09), `${TASK}:0`, 11, TASK],
  ["gate not present", (b) => b.describe(GATE, gate(TASK, 0, 0x05)), `${GATE}:0`, 11, GATE],
  ["gate to a busy TSS", (b) => task32(b, "task", {}, 0x8b), `${GATE}:0`, 13, TASK],
  ["gate to an absent TSS", (b) => task32(b, "task", {}, 0x09), `${GATE}:0`, 11, TASK],
  ["gate to the LDT", (b) => b.describe(GATE, gate(TASK | 4, 0, 0x85)), `${GATE}:0`, 13, TASK | 4],
  ["gate to nothing", (b) => b.describe(GATE, gate(0, 0, 0x85)), `${GATE}:0`, 13, 0],
  ["gate beyond the GDT", (b) => b.describe(GATE, gate(0x800, 0, 0x85)), `${GATE}:0`, 13, 0x800],
  ["TSS too short", (b) => b.describe(TASK, segment(TSS, 0x66, 0x89, 0)), `${TASK}:0`, 10, TASK],
  ["16-bit TSS too short", (b) => b.describe(TASK, segment(TSS, 0x2a, 0x81, 0)), `${TASK}:0`, 10, TASK],
];

Deno.test("faults before the switch are the old task's, and change nothing", () => {
  for (const [what, spoil, target, vector, error] of BEFORE) {
    for (const name of ["jmp", "call"]) {
      const bench = new Bench(`
        ${onException("end_of_program")}
        here: ${name} ${target}
        task:`);
      task32(bench, "task");
      spoil(bench);
      const before = type(bench, TASK);
      const [event] = bench.run();
      assertEquals(event, { ...(event as object), vector, error, eip: bench.at("here"), cs: SEL.CODE0 } as never, what);
      assertEquals([type(bench, SEL.TSS), type(bench, TASK), bench.read16(TSS)], [11, before, 0], what);
      assertEquals(bench.vcpu.cpu.selector(7), SEL.TSS);
    }
  }
});

Deno.test("privilege: DPL of the TSS or gate against CPL and RPL; the TSS behind a gate is open", () => {
  const from3 = (target: number, prepare: (bench: Bench) => void) => {
    const bench = new Bench(`
      ${onException("end_of_program")}
      mov eax, ${SEL.DATA3}
      mov ds, eax
      push eax
      push dword ${AT.STACK3}
      push dword 2
      push dword ${SEL.CODE3}
      push dword code
      iretd
      code: call ${target}:0
      int3
      task: mov eax, 7
      ${REPORT}
      iretd`);
    task32(bench, "task");
    prepare(bench);
    return summary(bench.run());
  };
  assertEquals(from3(TASK, () => {}), [[13, TASK]]);
  assertEquals(from3(GATE, () => {}), [[13, GATE]]);
  assertEquals(from3(GATE, (b) => b.describe(GATE, gate(TASK, 0, 0xe5))), [7, [3, 0]]);
  const rpl = new Bench(`${onException("end_of_program")}\n call ${TASK | 3}:0\n task:`);
  task32(rpl, "task");
  assertEquals(summary(rpl.run()), [[13, TASK]]);
});

Deno.test("a TSS that is not paged in is #PF in the old task", () => {
  const bench = new Bench(`
    ${identityPages(AT.TABLES, 0x100)}
    ${onException("end_of_program")}
    here: call ${TASK}:0
    task:`);
  task32(bench, "task");
  bench.describe(TASK, segment(0x20_0000, 0x67, 0x89, 0));
  const [event] = bench.run();
  assertEquals(typeof event === "object" && [event.vector, event.error, event.eip], [14, 0, bench.at("here")]);
  assertEquals(type(bench, TASK), 9);
});

/** What is wrong after the switch: [TSS fields, other spoiling, vector, error code]. */
const AFTER: [string, Record<number, number>, (bench: Bench) => void, number, number][] = [
  ["LDT beyond the GDT", { 96: 0x800 }, () => {}, 10, 0x800],
  ["LDT in the LDT", { 96: SEL.LDT | 4 }, () => {}, 10, SEL.LDT | 4],
  ["LDT no LDT", { 96: SEL.DATA0 }, () => {}, 10, SEL.DATA0],
  ["LDT not present", { 96: MARK }, (b) => b.describe(MARK, segment(AT.LDT, 0xff, 0x02, 0)), 10, MARK],
  ["CS null", { 76: 0 }, () => {}, 10, 0],
  ["CS data", { 76: SEL.DATA0 }, () => {}, 10, SEL.DATA0],
  ["CS RPL", { 76: SEL.CODE3 & ~3 }, () => {}, 10, SEL.CODE3 & ~3],
  ["CS not present", { 76: MARK }, (b) => b.describe(MARK, segment(0, 0xfffff, 0x1b, 0xc)), 11, MARK],
  ["SS null", { 80: 0 }, () => {}, 10, 0],
  ["SS code", { 80: SEL.CODE0 }, () => {}, 10, SEL.CODE0],
  ["SS DPL", { 80: SEL.DATA3 }, () => {}, 10, SEL.DATA3 & ~3],
  ["SS not present", { 80: MARK }, (b) => b.describe(MARK, segment(0, 0xfffff, 0x13, 0xc)), 12, MARK],
  ["FS beyond the GDT", { 88: 0x7f8 + 8 }, () => {}, 10, 0x800],
  ["GS a TSS", { 92: SEL.TSS }, () => {}, 10, SEL.TSS],
  ["GS not present", { 92: MARK }, (b) => b.describe(MARK, segment(0, 0xfffff, 0x13, 0xc)), 11, MARK],
  ["GS in no LDT", { 92: 0xc }, () => {}, 10, 0xc],
  ["EIP beyond the limit", { 76: MARK, 32: 0x2000 }, (b) => b.describe(MARK, segment(0, 0xfff, 0x9b, 4)), 13, 0],
];

Deno.test("faults after the switch are the new task's, before its first instruction", () => {
  for (const [what, changes, spoil, vector, error] of AFTER) {
    for (const how of [`jmp ${TASK}:0`, `call ${TASK}:0`, "int 40h"]) {
      const bench = new Bench(`
        ${onException("end_of_program")}
        ${how}
        hlt
        task: hlt
        handler: mov ax, ${SEL.DATA0}
        mov ds, ax
        mov edx, 0e9h
        pop eax
        out dx, eax
        str eax
        out dx, eax
        mov eax, [${TSS + 32}]
        out dx, eax`);
      task32(bench, "task", changes);
      spoil(bench);
      bench.vector(0x40, gate(TASK, 0, 0x85));
      // The handler is a task of its own: the new one's stack may be what is wrong.
      bench.describe(TASK16, segment(TSS16, 0x67, 0x89, 0));
      for (
        const [at, value] of [
          [32, bench.at("handler")],
          [36, 2],
          [56, TASK_STACK - 0x100],
          [72, SEL.DATA0],
          [76, SEL.CODE0],
          [80, SEL.DATA0],
          [84, SEL.DATA0],
        ]
      ) {
        bench.write32(TSS16 + at!, value!);
      }
      bench.vector(vector, gate(TASK16, 0, 0x85));
      const eip = changes[32] ?? bench.at("task");
      assertEquals(bench.run(), [error, TASK16, eip], `${what}, ${how}`);
      assertEquals(bench.read16(TSS16), TASK, what);
      assertEquals([type(bench, TASK), type(bench, SEL.TSS)], [11, how.startsWith("jmp") ? 9 : 11], what);
    }
  }
});

Deno.test("faults of a task gate that an external event goes through have EXT set", () => {
  const bench = new Bench(`
    ${onException("end_of_program")}
    sti
    spin: jmp spin
    task:`);
  task32(bench, "task", {}, 0x8b);
  bench.vector(0x40, gate(TASK, 0, 0x85));
  bench.interrupt(0x40);
  assertEquals(summary(bench.run()), [[13, TASK | 1]]);
});

Deno.test("IRET with NT: the link must name a busy TSS in the GDT; its faults are #TS and #NP", () => {
  const cases: [string, number, number, number, number][] = [
    ["null", 0, 0, 10, 0],
    ["in the LDT", TASK | 4, 0x8b, 10, TASK | 4],
    ["beyond the GDT", 0x800, 0x8b, 10, 0x800],
    ["available", TASK, 0x89, 10, TASK],
    ["not present", TASK, 0x0b, 11, TASK],
  ];
  for (const [what, link, access, vector, error] of cases) {
    const bench = new Bench(`
      ${onException("end_of_program")}
      push dword ${NT | 2}
      popfd
      iretd
      task:`);
    task32(bench, "task", {}, access);
    bench.write16(AT.TSS, link);
    assertEquals(summary(bench.run()), [[vector, error]], what);
  }
});

Deno.test("the T bit traps in the new task before its first instruction", () => {
  const bench = new Bench(`
    jmp ${TASK}:0
    task: nop
    jmp end_of_program`);
  task32(bench, "task", { 100: 1 });
  const [event] = bench.run();
  assertEquals(typeof event === "object" && [event.vector, event.eip, event.dr6 & 0xe00f], [
    1,
    bench.at("task"),
    0x8000,
  ]);
});

Deno.test("TF in the new task's flags traps after its first instruction; the old one's does not reach over", () => {
  const bench = new Bench(`
    push dword 102h
    popfd
    jmp ${TASK}:0
    task: nop
    second: jmp end_of_program`);
  task32(bench, "task");
  assertEquals(bench.run(), []);
  const stepped = new Bench(`
    jmp ${TASK}:0
    task: nop
    second: push dword 2
    popfd`);
  task32(stepped, "task", { 36: 0x102 });
  const [event] = stepped.run();
  assertEquals(typeof event === "object" && [event.vector, event.eip], [1, stepped.at("second")]);
});

Deno.test("a switch disables local breakpoints and keeps global ones", () => {
  const bench = new Bench(`
    mov eax, 3ffh
    mov dr7, eax
    jmp ${TASK}:0
    task: mov eax, dr7
    ${REPORT}
    xor eax, eax
    mov dr7, eax`);
  task32(bench, "task");
  assertEquals(bench.run(), [0x6aa]);
});

Deno.test("a switch loads CR3 under paging, and the LDT", () => {
  const other = AT.TABLES + 0x8000;
  const bench = new Bench(`
    ${identityPages(AT.TABLES, 0x200)}
    mov dword [${AT.DATA}], 111h
    mov dword [${AT.DATA + 0x1000}], 222h
    mov eax, [${AT.DATA}]
    ${REPORT}
    call ${TASK}:0
    mov eax, [${AT.DATA}]
    ${REPORT}
    jmp end_of_program
    task: mov eax, [${AT.DATA}]
    ${REPORT}
    mov eax, [fs:4]
    ${REPORT}
    sldt eax
    ${REPORT}
    iretd`);
  // The other directory has its own table, in which one page differs.
  bench.write32(other, other + 0x1000 + 7);
  for (let page = 0; page < 0x200; page++) bench.write32(other + 0x1000 + page * 4, page << 12 | 7);
  bench.write32(other + 0x1000 + (AT.DATA >> 10), AT.DATA + 0x1000 + 7);
  task32(bench, "task", { 28: other, 96: SEL.LDT, 88: 0xc });
  bench.write32(AT.LDT + 8, segment(AT.DATA + 0x2000, 0xff, 0x93, 4)[0]);
  bench.write32(AT.LDT + 12, segment(AT.DATA + 0x2000, 0xff, 0x93, 4)[1]);
  bench.write32(AT.DATA + 0x2004, 0x333);
  bench.write32(AT.TSS + 28, AT.TABLES);
  assertEquals(bench.run(), [0x111, 0x222, 0x333, SEL.LDT, 0x111]);
});

Deno.test("a task may be in virtual-8086 mode, and an interrupt may leave it for a task", () => {
  const bench = new Bench(`
    jmp ${TASK}:0
    bits 16
    task: mov ax, cs
    int3
    bits 32
    handler: mov eax, [${TSS + 36}]
    and eax, ${VM}
    ${REPORT}
    movzx eax, word [${TSS + 76}]
    ${REPORT}
    movzx eax, word [${TSS + 40}]
    ${REPORT}`);
  const cs = bench.at("task") >> 4;
  task32(bench, "task", { 32: bench.at("task") & 15, 36: VM | 0x3002, 56: 0x100, 72: 0, 76: cs, 80: 0x500, 84: 0 });
  bench.describe(TASK16, segment(TSS16, 0x67, 0x89, 0));
  for (
    const [at, value] of [[32, bench.at("handler")], [36, 2], [56, TASK_STACK], [72, SEL.DATA0], [76, SEL.CODE0], [
      80,
      SEL.DATA0,
    ], [84, SEL.DATA0]]
  ) {
    bench.write32(TSS16 + at!, value!);
  }
  bench.vector(3, gate(TASK16, 0, 0xe5));
  assertEquals(bench.run(), [VM, cs, cs]);
});

Deno.test("a double fault goes through its task gate with error code 0", () => {
  const bench = new Bench(`
    mov esp, 0
    ud2
    task: pop eax
    ${REPORT}`);
  task32(bench, "task");
  bench.vector(8, gate(TASK, 0, 0x85));
  bench.vector(6, gate(0, 0, 0x8e));
  bench.vector(13, gate(0, 0, 0x8e));
  assertEquals(bench.run(), [0]);
});
