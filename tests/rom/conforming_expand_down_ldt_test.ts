import { assertEquals } from "@std/assert";
import { AT, Bench, gate, onException, REPORT, segment, SEL, summary, toRing3 } from "./bench.ts";

const SEGMENT = SEL.FREE, GATE = SEL.FREE + 8;

/** Loads FS with a segment and runs one access. */
function access(descriptor: readonly [number, number], instruction: string) {
  const bench = new Bench(`
    ${onException("end_of_program")}
    mov eax, ${SEGMENT}
    mov fs, eax
    ${instruction}
    int3`);
  bench.describe(SEGMENT, descriptor);
  return summary(bench.run())[0];
}

const PASSED: [number, number] = [3, 0], GP: [number, number] = [13, 0];

Deno.test("expand-down segments: offsets above the limit, up to 64 KB or 4 GB by B", () => {
  const small = segment(AT.DATA, 0xfff, 0x97, 0), big = segment(0, 0x1ff, 0x97, 0xc);
  const cases: [readonly [number, number], string, boolean][] = [
    [small, "mov al, [fs:1000h]", true],
    [small, "mov al, [fs:0fffh]", false],
    [small, "mov eax, [fs:0ffdh]", false],
    [small, "mov eax, [fs:0fffch]", true],
    [small, "mov eax, [fs:0fffdh]", false],
    [small, "mov al, [fs:10000h]", false],
    [small, "mov [fs:1000h], al", true],
    [big, "mov al, [fs:200000h]", true],
    [big, "mov al, [fs:1fffffh]", false],
    [big, "mov eax, [fs:0fffffffch]", true],
    [big, "mov eax, [fs:0fffffffdh]", false],
    [segment(AT.DATA, 0xfff, 0x95, 0), "mov [fs:1000h], al", false],
    // The whole segment is out of bounds when its limit is the highest offset.
    [segment(AT.DATA, 0xffff, 0x97, 0), "mov al, [fs:0ffffh]", false],
  ];
  for (const [descriptor, instruction, passes] of cases) {
    assertEquals(access(descriptor, instruction), passes ? PASSED : GP, instruction);
  }
});

Deno.test("an expand-down stack grows to its limit, then is #SS(0)", () => {
  const bench = new Bench(`
    ${onException("end_of_program")}
    mov eax, ${SEGMENT}
    mov ss, eax
    mov esp, 1008h
    push eax
    push eax
    mov eax, esp
    ${REPORT.replace("push edx\n", "").replace("pop edx\n", "")}
    push eax`);
  bench.describe(SEGMENT, segment(AT.DATA, 0xfff, 0x97, 4));
  bench.vector(12, gate(0, 0, 0));
  bench.describe(GATE, segment(AT.TASKS, 0x67, 0x89, 0));
  // #SS needs another stack: a task.
  bench.vector(12, gate(GATE, 0, 0x85));
  for (
    const [at, value] of [[32, bench.at("end_of_program")], [36, 2], [56, 0x5800], [72, SEL.DATA0], [76, SEL.CODE0], [
      80,
      SEL.DATA0,
    ], [84, SEL.DATA0]]
  ) bench.write32(AT.TASKS + at!, value!);
  assertEquals(bench.run(), [0x1000]);
  assertEquals(bench.read32(0x5800 - 4), 0);
});

Deno.test("execute-only, read-only and null segments", () => {
  assertEquals(access(segment(0, 0xfffff, 0x9b, 0xc), `mov al, [fs:${AT.DATA}]`), PASSED);
  assertEquals(access(segment(0, 0xfffff, 0x9b, 0xc), `mov [fs:${AT.DATA}], al`), GP);
  assertEquals(access(segment(0, 0xfffff, 0x91, 0xc), `mov [fs:${AT.DATA}], al`), GP);
  assertEquals(access(segment(0, 0xfffff, 0x99, 0xc), "nop"), [13, SEGMENT]);
  assertEquals(access(segment(0, 0xfffff, 0x93, 0xc), "xor eax, eax\n mov fs, eax\n mov al, [fs:0]"), GP);
});

/** From ring 3: a far transfer to `SEGMENT`, whose code reports CS. */
function conforming(transfer: string, access: number) {
  const bench = new Bench(`
    ${onException("end_of_program")}
    ${toRing3("code", 0x3002)}
    code: ${transfer}
    back: mov eax, 99
    ${REPORT}
    int3
    target: mov eax, cs
    ${REPORT}
    retf`);
  bench.describe(SEGMENT, segment(0, 0xfffff, access, 0xc));
  bench.describe(GATE, gate(SEGMENT, bench.at("target"), 0xec));
  return summary(bench.run());
}

Deno.test("a conforming segment runs at the caller's level: direct, by gate, called and jumped to", () => {
  const DPL0 = 0x9f, DPL3 = 0xff;
  assertEquals(conforming(`call ${SEGMENT}:target`, DPL0), [SEGMENT | 3, 99, PASSED]);
  assertEquals(conforming(`call ${SEGMENT | 3}:target`, DPL0), [SEGMENT | 3, 99, PASSED]);
  assertEquals(conforming(`call ${GATE}:0`, DPL0), [SEGMENT | 3, 99, PASSED]);
  assertEquals(conforming(`call ${SEGMENT}:target`, DPL3), [SEGMENT | 3, 99, PASSED]);
  assertEquals(
    conforming(`push dword ${SEL.CODE3}\n push dword back\n jmp ${SEGMENT}:target`, DPL0),
    [SEGMENT | 3, 99, PASSED],
  );
  // A non-conforming one of ring 0 is out of reach, but for a call gate.
  assertEquals(conforming(`call ${SEGMENT}:target`, 0x9b), [[13, SEGMENT]]);
  assertEquals(conforming(`jmp ${GATE}:0`, 0x9b), [[13, SEGMENT]]);
  assertEquals(conforming(`call ${GATE}:0`, 0x9b), [SEGMENT, 99, PASSED]);
});

Deno.test("an outer conforming segment is not open to an inner ring", () => {
  const bench = new Bench(`${onException("end_of_program")} call ${SEGMENT}:target\n target:`);
  bench.describe(SEGMENT, segment(0, 0xfffff, 0xff, 0xc));
  assertEquals(summary(bench.run()), [[13, SEGMENT]]);
});

Deno.test("data in a conforming segment is readable from any ring, whatever the RPL", () => {
  const bench = new Bench(`
    ${onException("end_of_program")}
    ${toRing3("code", 0x3002)}
    code: mov eax, ${SEGMENT | 3}
    mov fs, eax
    mov eax, [fs:${AT.DATA}]
    ${REPORT}`);
  bench.describe(SEGMENT, segment(0, 0xfffff, 0x9f, 0xc));
  bench.write32(AT.DATA, 0x1234);
  assertEquals(bench.run()[0], 0x1234);
});

Deno.test("LDT: LLDT, segments of it, its limit, its privilege, a null one", () => {
  const bench = new Bench(`
    ${onException("first")}
    mov eax, 0ch
    mov fs, eax
    first: ${onException("second")}
    mov eax, ${SEL.LDT}
    lldt ax
    mov eax, 0ch
    mov fs, eax
    mov eax, [fs:0]
    ${REPORT}
    sldt eax
    ${REPORT}
    call 14h:target
    mov eax, 104h
    mov fs, eax
    second: ${onException("third")}
    mov eax, ${SEL.DATA0}
    lldt ax
    third: ${onException("fourth")}
    mov eax, ${SEL.LDT | 4}
    lldt ax
    fourth: ${onException("end_of_program")}
    xor eax, eax
    lldt ax
    mov eax, [fs:0]
    ${REPORT}
    mov eax, 0ch
    mov es, eax
    target: mov eax, cs
    ${REPORT}
    retf`);
  const put = (at: number, [low, high]: readonly [number, number]) => {
    bench.write32(AT.LDT + at, low);
    bench.write32(AT.LDT + at + 4, high);
  };
  put(8, segment(AT.DATA, 0xff, 0x92, 4));
  put(16, segment(0, 0xfffff, 0x9a, 0xc));
  bench.write32(AT.DATA, 0x4444);
  assertEquals(summary(bench.run()), [
    [13, 0xc],
    0x4444,
    SEL.LDT,
    0x14,
    [13, 0x104],
    [13, SEL.DATA0],
    [13, SEL.LDT | 4],
    // What was loaded stays loaded.
    0x4444,
    [13, 0xc],
  ]);
  // Loading sets the accessed bit.
  assertEquals([bench.read8(AT.LDT + 13), bench.read8(AT.LDT + 21)], [0x93, 0x9b]);
});

Deno.test("16-bit gates push words; a 16-bit call gate from ring 3 takes words as parameters, from a 16-bit TSS its stack", () => {
  const bench = new Bench(`
    ${toRing3("code", 0x3002)}
    code: push word 2222h
    push word 1111h
    call ${GATE}:0
    mov eax, esp
    ${REPORT}
    int3
    target: mov eax, esp
    ${REPORT}
    mov eax, [esp]
    ${REPORT}
    mov eax, [esp+4]
    ${REPORT}
    mov eax, [esp+8]
    ${REPORT}
    o16 retf 4`);
  bench.describe(GATE, gate(SEL.CODE0, bench.at("target"), 0xe4, 2));
  bench.write16(AT.TASKS + 2, 0x5800);
  bench.write16(AT.TASKS + 4, SEL.DATA0);
  bench.vcpu.cpu.loadSegmentCache(7, SEL.TSS, AT.TASKS, 0x2b, 0x8300);
  const next = bench.at("code");
  const events = bench.bus.events;
  try {
    bench.run();
  } catch { /* INT3's own frame is not looked at */ }
  const ip = (events[1] as number) & 0xffff;
  assertEquals(events.slice(0, 5), [
    0x5800 - 12,
    (SEL.CODE3 << 16 | ip) >>> 0,
    0x2222_1111,
    (SEL.DATA3 << 16 | (AT.STACK3 - 4)) >>> 0,
    AT.STACK3,
  ]);
  assertEquals(ip > (next & 0xffff), true);
});

Deno.test("16-bit interrupt and trap gates push three words, the error code too", () => {
  const bench = new Bench(`
    mov ax, 0fff8h
    mov fs, ax
    done: jmp end_of_program
    target: movzx eax, word [esp]
    ${REPORT}
    movzx eax, word [esp+4]
    ${REPORT}
    lea eax, [esp]
    ${REPORT}
    add esp, 2
    mov word [esp], done
    o16 iret`);
  bench.vector(13, gate(SEL.CODE0, bench.at("target"), 0x86));
  assertEquals(bench.run(), [0xfff8, SEL.CODE0, AT.STACK0 - 8]);
});
