import { assertEquals } from "@std/assert";
import {
  AT,
  Bench,
  type Event,
  type Exception,
  gate,
  identityPages,
  onException,
  REPORT,
  run,
  SEL,
  setCr4,
  toRing3,
} from "./bench.ts";

const DE = 1 << 3, TF = 0x100, RF = 0x1_0000;
const BS = 1 << 14, BD = 1 << 13;

/** DR7 for breakpoint 0. `kind`: 0 execute, 1 write, 2 port, 3 access; `length`: the LEN field. */
const dr7 = (kind: number, length: number) => 1 | kind << 16 | length << 18;

const WATCH = AT.DATA + 0x100;

/** DR0 and DR7 are set, then the instructions run. */
const watched = (address: number | string, control: number, instructions: string) => `
  mov eax, ${address}
  mov dr0, eax
  mov eax, ${control}
  mov dr7, eax
  ${instructions}
  xor eax, eax
  mov dr7, eax`;

const isException = (event: Event): event is Exception => typeof event !== "number";

/** Of each exception: vector, EIP relative to a label, DR6 bits, RF in the saved image. */
function traps(events: readonly Event[], origin: number): (number | [number, number, number, boolean])[] {
  return events.map((event) =>
    isException(event)
      ? [event.vector, event.eip - origin, event.dr6 & 0xe00f, (event.eflags & RF) !== 0] as [
        number,
        number,
        number,
        boolean,
      ]
      : event
  );
}

/** Runs and gives the exceptions relative to the label `at`. */
function trapsOf(source: string) {
  const bench = new Bench(source);
  return traps(bench.run(), bench.at("at"));
}

Deno.test("an instruction breakpoint is a fault before the instruction, with RF in the image, which lets it run once", () => {
  assertEquals(
    trapsOf(watched("at", dr7(0, 0), "mov ecx, 2\n again: nop\n at: inc ebx\n loop again\n mov eax, ebx\n" + REPORT)),
    [[1, 0, 1, true], [1, 0, 1, true], 2],
  );
});

Deno.test("an instruction breakpoint meets the first byte only, and no data access", () => {
  assertEquals(trapsOf(watched("at+1", dr7(0, 0), `at: mov ebx, 1\n mov ebx, [at+1]`)), []);
});

Deno.test("a breakpoint on a repeated string meets it once", () => {
  const source = `mov edi, ${WATCH}\n mov ecx, 5\n at: rep stosb\n mov eax, ecx\n${REPORT}`;
  assertEquals(trapsOf(watched("at", dr7(0, 0), source)), [[1, 0, 1, true], 0]);
});

/** [what, instruction (2 bytes or so), address and DR7, whether it traps]. */
const DATA: [string, number, number, boolean][] = [
  [`mov [${WATCH}], al`, WATCH, dr7(1, 0), true],
  [`mov al, [${WATCH}]`, WATCH, dr7(1, 0), false],
  [`mov al, [${WATCH}]`, WATCH, dr7(3, 0), true],
  [`mov al, [${WATCH + 1}]`, WATCH, dr7(3, 0), false],
  [`mov al, [${WATCH + 1}]`, WATCH, dr7(3, 1), true],
  [`mov al, [${WATCH + 3}]`, WATCH + 1, dr7(3, 3), true],
  [`mov al, [${WATCH + 4}]`, WATCH + 1, dr7(3, 3), false],
  [`mov eax, [${WATCH - 3}]`, WATCH, dr7(3, 0), true],
  [`mov eax, [${WATCH - 4}]`, WATCH, dr7(3, 0), false],
  [`add dword [${WATCH}], 1`, WATCH, dr7(1, 3), true],
  [`cmp dword [${WATCH}], 1`, WATCH, dr7(1, 3), false],
  [`push dword [${WATCH}]`, WATCH, dr7(3, 3), true],
  [`push eax`, AT.STACK0 - 4, dr7(1, 3), true],
  [`sidt [${WATCH}]`, WATCH + 4, dr7(1, 3), true],
  [`fld tword [${WATCH}]`, WATCH + 8, dr7(3, 1), true],
  [`mov ax, ${SEL.DATA16}\n mov fs, ax`, AT.GDT + SEL.DATA16, dr7(3, 3), true],
  [`lea eax, [${WATCH}]`, WATCH, dr7(3, 3), false],
];

Deno.test("data breakpoints trap after the instruction that touched the range: by kind, length and alignment", () => {
  for (const [instruction, address, control, hits] of DATA) {
    const expected = hits ? [[1, 0, 1, false]] : [];
    assertEquals(trapsOf(watched(address, control, `${instruction}\n at: nop`)), expected as never, instruction);
  }
});

Deno.test("a data breakpoint in a repeated string traps after the iteration, with RF while iterations remain", () => {
  const string = `mov edi, ${WATCH - 2}\n mov ecx, 4\n xor eax, eax\n at: rep stosb\n mov eax, ecx\n${REPORT}`;
  assertEquals(trapsOf(watched(WATCH, dr7(1, 0), string)), [[1, 0, 1, true], 0]);
  assertEquals(trapsOf(watched(WATCH + 1, dr7(1, 0), string)), [[1, 2, 1, false], 0]);
});

Deno.test("an instruction that faults leaves no data breakpoint behind", () => {
  assertEquals(
    trapsOf(`
      ${onException("after")}
      ${watched(WATCH, dr7(3, 3), `at: div dword [${WATCH}]`)}
      after: mov dword [resume], 0
      xor eax, eax
      mov dr7, eax`),
    [[0, 0, 0, true]],
  );
});

Deno.test("several conditions are told at once; breakpoints that are not enabled are not", () => {
  const events = trapsOf(`
    mov eax, ${WATCH}
    mov dr0, eax
    mov dr1, eax
    mov dr2, eax
    mov eax, ${0b100001 | 0x333 << 16}
    mov dr7, eax
    mov al, [${WATCH}]
    at: xor eax, eax
    mov dr7, eax`);
  assertEquals(events, [[1, 0, 5, false]]);
});

Deno.test("port breakpoints need CR4.DE; IN and OUT trap after the access, INS and OUTS after the iteration", () => {
  const access = (instruction: string) =>
    trapsOf(
      `${setCr4(DE)}
       ${watched(0x80, dr7(2, 1), `mov edx, 81h\n mov esi, ${WATCH}\n mov edi, esi\n mov ecx, 2\n ${instruction}`)}`,
    );
  assertEquals(access("in al, dx\n at:"), [[1, 0, 1, false]]);
  assertEquals(access("out dx, al\n at:"), [[1, 0, 1, false]]);
  assertEquals(access("in al, 82h\n at:"), []);
  assertEquals(access("in eax, 7eh\n at:"), [[1, 0, 1, false]]);
  assertEquals(access("at: rep outsb"), [[1, 0, 1, true], [1, 2, 1, false]]);
  assertEquals(access("at: rep insb"), [[1, 0, 1, true], [1, 2, 1, false]]);
  assertEquals(trapsOf(watched(0x80, dr7(2, 0), "out 80h, al\n at:")), []);
});

Deno.test("MOV SS holds its own data breakpoint and the next instruction's breakpoint for one instruction", () => {
  const load = `mov word [${WATCH}], ${SEL.DATA0}`;
  assertEquals(trapsOf(`${load}\n ${watched(WATCH, dr7(3, 1), `mov ss, [${WATCH}]\n nop\n at: nop`)}`), [
    [1, 0, 1, false],
  ]);
  assertEquals(trapsOf(watched("at", dr7(0, 0), `mov eax, ss\n mov ss, eax\n at: nop`)), []);
});

Deno.test("INT n after MOV SS: the held breakpoint is reported at the handler's first instruction", () => {
  const events = trapsOf(`
    mov word [${WATCH}], ${SEL.DATA0}
    mov dword [${AT.IDT + 0x40 * 8}], at
    mov word [${AT.IDT + 0x40 * 8 + 2}], ${SEL.CODE0}
    mov dword [${AT.IDT + 0x40 * 8 + 4}], 8e00h
    ${watched(WATCH, dr7(3, 1), `mov ss, [${WATCH}]\n int 40h\n jmp end\n at: iretd\n end:`)}`);
  assertEquals(events, [[1, 0, 1, false]]);
});

Deno.test("general detect: any access to a debug register is a fault with BD, and clears GD", () => {
  const events = trapsOf(`
    mov eax, 2000h
    mov dr7, eax
    at: mov ebx, dr0
    mov eax, dr7
    ${REPORT}`);
  assertEquals(events, [[1, 0, BD, true], 0x400]);
});

Deno.test("an instruction breakpoint under TF: the trap of the instruction before it comes first", () => {
  const events = trapsOf(`
    ${onException("first")}
    mov eax, at
    mov dr0, eax
    mov eax, 1
    mov dr7, eax
    push dword ${TF | 2}
    popfd
    nop
    at: nop
    first:
    ${onException("second")}
    jmp at
    second:
    mov dword [resume], 0
    xor eax, eax
    mov dr7, eax`);
  assertEquals(events, [[1, 0, BS, false], [1, 0, 1, true]]);
});

Deno.test("a breakpoint comes before the fault of fetching its instruction", () => {
  const events = run(`
    ${identityPages(AT.TABLES, 0x200)}
    ${onException("first")}
    mov eax, 300000h
    mov dr0, eax
    mov eax, 1
    mov dr7, eax
    jmp 300000h
    first: mov dword [resume], second
    mov ebx, dr6
    at: push dword ${RF | 2}
    push dword ${SEL.CODE0}
    push dword 300000h
    iretd
    second: mov dword [resume], 0
    xor eax, eax
    mov dr7, eax`);
  assertEquals(events.map((event) => isException(event) && [event.vector, event.eip, event.dr6 & 15]), [
    [1, 0x30_0000, 1],
    [14, 0x30_0000, 0],
  ]);
});

Deno.test("breakpoints work in ring 3, and #DB needs no privilege of the program", () => {
  const events = trapsOf(`
    ${onException("")}
    mov eax, ${WATCH}
    mov dr0, eax
    mov eax, ${dr7(1, 3)}
    mov dr7, eax
    ${toRing3("code")}
    code: mov [${WATCH}], eax
    at: mov eax, 1
    ${REPORT.replaceAll("out dx, eax", "nop")}
    mov dword [resume], end_of_program
    int3`.replace(onException(""), ""));
  assertEquals(events.slice(0, 1), [[1, 0, 1, false]]);
});

Deno.test("an interrupt between two iterations saves RF", () => {
  const bench = new Bench(`
    mov edi, ${WATCH}
    mov ecx, 100
    sti
    at: rep stosb
    cli`);
  bench.vector(0x40, gate(SEL.CODE0, bench.at("v3"), 0x8e));
  while ((bench.vcpu.cpu.gpr32(1)) !== 50) bench.vcpu.run(1);
  bench.interrupt(0x40);
  assertEquals(traps(bench.run(), bench.at("at")), [[3, 0, 0, true]]);
});
