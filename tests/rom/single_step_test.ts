import { assertEquals } from "@std/assert";
import { AT, Bench, gate, onException, REPORT, SEL, toRing3 } from "./bench.ts";

const TF = 0x100, RF = 0x1_0000, BS = 1 << 14;

/** Runs with TF set from the label `at` on; gives the addresses, relative to it, where #DB was reported, and other exceptions negated. */
function steps(body: string, prepare: (bench: Bench) => void = () => {}): number[] {
  const bench = new Bench(`
    push dword ${TF | 2}
    popfd
    at:
    ${body}
    push dword 2
    popfd
    off:`);
  prepare(bench);
  return bench.run().map((event) => {
    if (typeof event === "number") return event;
    if (event.vector !== 1) return -event.vector;
    assertEquals(event.dr6 & 0xe00f, BS);
    const offset = event.eip - bench.at("at");
    return event.eip >= bench.at("off") ? Infinity : offset;
  });
}

/** The steps over the code that ends every program: PUSH imm8 and POPF. */
const end = (at: number) => [at, at + 2, Infinity];

Deno.test("POPF that sets TF traps after the next instruction; the one that clears it still traps", () => {
  assertEquals(steps("nop"), [...end(1)]);
  assertEquals(steps("nop\n inc eax\n nop"), [1, 2, ...end(3)]);
});

Deno.test("IRET that sets TF traps after the next instruction", () => {
  const bench = new Bench(`
    push dword ${TF | 2}
    push dword ${SEL.CODE0}
    push dword at
    iretd
    at: nop
    push dword 2
    popfd`);
  const eips = bench.run().map((event) => typeof event === "number" ? event : event.eip - bench.at("at"));
  assertEquals(eips, [1, 3, 4]);
});

Deno.test("every iteration of a repeated string traps, with RF while iterations remain", () => {
  const bench = new Bench(`
    mov edi, ${AT.DATA}
    mov ecx, 3
    push dword ${TF | 2}
    popfd
    at: rep stosb
    push dword 2
    popfd`);
  const events = bench.run().map((event) =>
    typeof event === "number" ? event : [event.eip - bench.at("at"), event.eflags & RF]
  );
  assertEquals(events, [[0, RF], [0, RF], [2, 0], [4, 0], [5, 0]]);
});

Deno.test("a repeated string of no iterations traps once", () => {
  assertEquals(steps("mov ecx, 0\n rep stosb"), [5, ...end(7)]);
});

Deno.test("MOV SS and POP SS do not trap; the instruction after them does", () => {
  assertEquals(steps("mov eax, ss\n mov ss, eax\n nop"), [2, 5, ...end(5)].slice(0, 2).concat(end(5).slice(1)));
  assertEquals(steps("push ss\n pop ss\n nop"), [1, ...end(3)]);
});

Deno.test("LSS and MOV to other segments trap as any instruction", () => {
  assertEquals(steps("mov eax, ds\n mov ds, eax"), [2, ...end(4)]);
});

Deno.test("STI traps although it inhibits interrupts", () => {
  assertEquals(steps("sti\n nop"), [1, ...end(2)]);
});

Deno.test("INT n is not stepped into, and its return is stepped again", () => {
  // After IRET TF is set again: the trap follows the instruction behind INT n.
  assertEquals(
    steps("int 40h\n nop", (bench) => bench.vector(0x40, gate(SEL.CODE0, bench.at("v3"), 0x8e))),
    [-3, ...end(3)],
  );
});

Deno.test("an instruction that faults does not trap", () => {
  const body = "ud2\n nop\n jmp skip\n undefined: add dword [esp], 2\n iretd\n skip:";
  assertEquals(steps(body, (bench) => bench.vector(6, gate(SEL.CODE0, bench.at("undefined"), 0x8e)))[0], 3);
});

Deno.test("INT1 raises #DB without BS", () => {
  const bench = new Bench(`${onException("after")}\n at: int1\n after:`);
  const [event] = bench.run();
  assertEquals(typeof event === "object" && [event.vector, event.eip, event.dr6 & 0xe00f], [1, bench.at("at"), 0]);
});

Deno.test("a trap comes before an interrupt that waits; its handler runs with interrupts off", () => {
  const bench = new Bench(`
    push dword ${TF | 0x202}
    popfd
    at: nop
    nop
    push dword 2
    popfd`);
  bench.vector(0x40, gate(SEL.CODE0, bench.at("v3"), 0x8e));
  while (bench.vcpu.cpu.eip !== bench.at("at")) bench.vcpu.run(1);
  bench.vcpu.run(1);
  bench.interrupt(0x40);
  const order = bench.run().slice(0, 3).map((event) =>
    typeof event === "object" && [event.vector, event.eip - bench.at("at")]
  );
  assertEquals(order, [[1, 1], [3, 1], [1, 2]]);
});

Deno.test("BTF traps after taken branches only, and a debug exception clears it", () => {
  const bench = new Bench(`
    mov ecx, 1d9h
    mov eax, 2
    xor edx, edx
    wrmsr
    push dword ${TF | 2}
    popfd
    at: nop
    nop
    test eax, eax
    jz at
    jmp there
    nop
    there: nop
    push dword 2
    popfd
    mov ecx, 1d9h
    rdmsr
    ${REPORT}`);
  const events = bench.run().map((event) => typeof event === "number" ? event : event.eip - bench.at("there"));
  assertEquals(events, [0, 1, 3, 4, 0]);
});

Deno.test("ring 3 steps too, into the kernel by an exception and not further", () => {
  const bench = new Bench(`
    ${onException("end_of_program")}
    ${toRing3("code", TF | 2)}
    code: nop
    nop`);
  const [event] = bench.run();
  assertEquals(typeof event === "object" && [event.vector, event.cs, event.eip - bench.at("code")], [1, SEL.CODE3, 1]);
});
