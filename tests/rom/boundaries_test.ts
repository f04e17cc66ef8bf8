import { AT, hex, PORT, Rom, S, TRAP } from "./rom.ts";
import { runRom } from "./run.ts";

const TF = 0x100, IF = 0x200;
/** A byte that the interrupt handler leaves alone. */
const SEEN = 0x700;

/** An interrupt handler that counts and notes where it came from, then returns. */
const COUNTING = `counting: push eax
  mov eax, [esp + 4]
  mov [${SEEN + 4}], eax
  mov eax, [esp + 12]
  mov [${SEEN + 8}], eax
  inc dword [${SEEN}]
  pop eax
  iretd`;

/** A handler of #DB that notes each address where it stopped. */
const TRACING = `tracing: push eax
  push ebx
  mov eax, [esp + 8]
  mov ebx, [${SEEN}]
  mov [${SEEN + 16} + ebx * 4], eax
  inc dword [${SEEN}]
  mov eax, dr6
  or [${SEEN + 12}], eax
  pop ebx
  pop eax
  iretd`;

function gate(vector: number, label: string): string {
  return `mov dword [${AT.IDT + vector * 8}], (${label} & 0xffff) | ${hex(S.CODE0 << 16)}
    mov dword [${AT.IDT + vector * 8 + 4}], (${label} & 0xffff0000) | 0x8e00`;
}

const reset = `mov dword [${SEEN}], 0\nmov dword [${SEEN + 4}], 0\nmov dword [${SEEN + 12}], 0`;

function interrupts(name: string): Rom {
  return new Rom(name, "protected").apart(COUNTING).apart(TRACING).code(gate(0x20, "counting")).code(
    gate(1, "tracing"),
  );
}

Deno.test("an interrupt is taken at the exact instruction", () => {
  const rom = interrupts("interrupts");
  for (const after of [0, 1, 2, 3, 7, 20, 49, 50, 60]) {
    rom.code(`${reset}
        sti
        mov eax, ${after}
        out ${PORT.INTERRUPT}, eax
        at${after}: times 64 nop
        cli`)
      .value(`once, ${after} instructions later`, SEEN, 1)
      .value(`after ${after} instructions`, SEEN + 4, `at${after} + ${after}`);
  }
  for (const after of [0, 1, 2, 5, 30, 100]) {
    rom.code(`${reset}
        mov edi, ${AT.DATA}
        mov ecx, 200
        sti
        mov eax, ${after}
        out ${PORT.INTERRUPT}, eax
        mov esi, ecx
        string${after}: rep stosb
        cli`)
      .value(`once inside a string, ${after}`, SEEN, 1)
      .value(`the string's own address, ${after}`, SEEN + 4, after === 0 ? `string${after} - 2` : `string${after}`)
      .check(`the string went on to its end, ${after}`, `cmp edi, ${AT.DATA + 200}`);
  }
  rom.code(`${reset}\nsti\nmov ecx, 1000\nmov eax, 777\nout ${PORT.INTERRUPT}, eax\nloop_at: loop loop_at\ncli`)
    .value("in a loop of one instruction", SEEN, 1)
    .value("its address", SEEN + 4, "loop_at")
    .code(`${reset}\nmov eax, 3\nout ${PORT.INTERRUPT}, eax\nnop\nnop\nnop\nnop\nnop`)
    .value("not with IF clear", SEEN, 0)
    .code("sti\nwaits: nop\nlate: nop\ncli")
    .value("after STI", SEEN, 1)
    .value("one instruction after STI", SEEN + 4, "late")
    .code(`${reset}\nmov eax, 5\nout ${PORT.INTERRUPT}, eax\nsti\nhlt\nwoken: cli`)
    .value("HLT ends with an interrupt", SEEN, 1)
    .value("after HLT", SEEN + 4, "woken")
    .check("IF is restored", `test dword [${SEEN + 8}], ${IF}`, "jnz");
  runRom(rom);
});

Deno.test("STI, MOV SS and POP SS hold interrupts off for one instruction", () => {
  const rom = interrupts("shadows");
  const request = `${reset}\nout ${PORT.REQUEST}, al`;
  const taken = (description: string, code: string, label: string) =>
    rom.code(`${request}\n${code}\ncli`).value(`${description}: once`, SEEN, 1).value(description, SEEN + 4, label);
  taken("STI; NOP", "sti\nnop\ntaken1: nop", "taken1");
  taken("STI; STI", "sti\nsti\ntaken2: nop", "taken2");
  rom.code(`${request}\nsti\ncli`).value("STI; CLI lets nothing in", SEEN, 0).code("sti\nnop\nnop\ncli").value(
    "it stays pending",
    SEEN,
    1,
  );
  taken("STI; HLT", "sti\nhlt\ntaken3: nop", "taken3");
  rom.code(`mov dx, ${S.DATA0}`);
  taken("STI; MOV SS holds on", "sti\nmov ss, dx\nnop\ntaken4: nop", "taken4");
  taken("IF set, then MOV SS", `pushfd\nor dword [esp], ${IF}\nmov ss, dx\npopfd\ntaken5: nop\nnop`, "taken5");
  rom.code(
    `${reset}\nsti\nnop\nmov ebx, ${
      AT.STACK - 0x40
    }\nmov eax, 0\nout ${PORT.INTERRUPT}, eax\nafter_out: mov ss, dx\nmov esp, ${AT.STACK}\ntaken6: nop\ncli`,
  )
    .value("at once after OUT", SEEN + 4, "after_out")
    .code(
      `${reset}\nsti\nnop\nmov eax, 1\nout ${PORT.INTERRUPT}, eax\nmov ss, dx\nmov esp, ${AT.STACK}\ntaken7: nop\ncli`,
    )
    .value("after MOV SS and its successor", SEEN + 4, "taken7")
    .code(`${reset}\npush ss\nsti\nnop\nmov eax, 1\nout ${PORT.INTERRUPT}, eax\npop ss\nnop\ntaken8: nop\ncli`)
    .value("after POP SS and its successor", SEEN + 4, "taken8")
    .code(`${reset}\nsti\nnop\nmov eax, 1\nout ${PORT.INTERRUPT}, eax\nmov ds, dx\ntaken9: nop\ncli`)
    .value("MOV DS holds nothing off", SEEN + 4, "taken9");
  taken("POPF has no shadow", `pushfd\nor dword [esp], ${IF}\npopfd\ntaken10: nop\nnop`, "taken10");
  taken(
    "IRET has none",
    `pushfd\nor dword [esp], ${IF}\npush cs\npush dword taken11\niretd\ntaken11: nop\nnop`,
    "taken11",
  );
  runRom(rom);
});

Deno.test("TF traps after each instruction", () => {
  const rom = interrupts("single steps");
  const on = `pushfd\nor dword [esp], ${TF}\npopfd`;
  const off = `pushfd\nand dword [esp], ${hex(~TF)}\npopfd`;
  const steps = (description: string, code: string, labels: readonly string[]) => {
    rom.code(`${reset}\n${code}`);
    labels.forEach((label, i) => rom.value(`${description}: step ${i + 1}`, SEEN + 16 + i * 4, label));
    rom.value(`${description}: how many`, SEEN, labels.length).check(
      `${description}: DR6.BS`,
      `test dword [${SEEN + 12}], 0x4000`,
      "jnz",
    );
  };
  steps(
    "plain instructions",
    `${on}\ns1: nop\ns2: mov eax, 1\ns3: pushfd\ns4: and dword [esp], ${hex(~TF)}\ns5: popfd\ns6:`,
    ["s2", "s3", "s4", "s5", "s6"],
  );
  steps(
    "a repeated string traps after each iteration",
    `mov edi, ${AT.DATA}\nmov ecx, 3\n${on}\nr1: rep stosb\nr2: ${off}\nr3:`,
    [
      "r1",
      "r1",
      "r2",
      "r2 + 1",
      "r2 + 8",
      "r3",
    ],
  );
  steps("a branch", `${on}\njmp short b1\nnop\nb1: ${off}\nb2:`, ["b1", "b1 + 1", "b1 + 8", "b2"]);
  steps("MOV SS holds the trap off", `mov dx, ${S.DATA0}\n${on}\nmov ss, dx\nnop\nm1: ${off}\nm2:`, [
    "m1",
    "m1 + 1",
    "m1 + 8",
    "m2",
  ]);
  rom.code(gate(0x21, "quiet")).apart("quiet: nop\nnop\niretd");
  // The INT's own handler runs without TF; its IRET sets TF again, which traps after the instruction that follows.
  steps("INT n clears TF in its handler", `${on}\nint 0x21\ni1: nop\ni2: ${off}\ni3:`, [
    "i2",
    "i2 + 1",
    "i2 + 8",
    "i3",
  ]);
  rom.fault("a fault is not followed by a single step", { vector: 6 }, `${reset}\n${on}\nud2`)
    .value("no step", SEEN, 0)
    .check("the image has TF", `test dword [${TRAP.EFLAGS}], ${TF}`, "jnz")
    .check("the handler has not", `test dword [${TRAP.INNER_EFLAGS}], ${TF}`, "jz");
  steps("IRET that sets TF", `pushfd\nor dword [esp], ${TF}\npush cs\npush dword t1\niretd\nt1: nop\nt2: ${off}\nt3:`, [
    "t2",
    "t2 + 1",
    "t2 + 8",
    "t3",
  ]);
  rom.code(gate(1, "stub1"));
  rom.user("in ring 3", { vector: 1, cs: S.CODE3 }, "nop", 0x302);
  runRom(rom);
});

Deno.test("retired instructions are counted exactly", () => {
  const rom = interrupts("retired instructions");
  /** `code` between two reads of the counter; the first IN itself counts, the second does not. */
  const count = (description: string, expected: number, code: string, before = "") =>
    rom.code(`${before}\nin eax, ${PORT.RETIRED}\nmov ebx, eax\n${code}\nin eax, ${PORT.RETIRED}\nsub eax, ebx`)
      .check(description, `cmp eax, ${expected + 2}`);
  count("nothing", 0, "");
  count("plain instructions", 5, "nop\nnop\nadd ecx, 1\npush ecx\npop ecx");
  count("a long block", 100, "times 100 nop");
  count("a loop", 30, "count1: nop\ndec ecx\njnz count1", "mov ecx, 10");
  count("LOOP", 1000, "count2: loop count2", "mov ecx, 1000");
  count("a call and a return", 3, "call count3\njmp short count4\ncount3: ret\ncount4:");
  count("a repeated string: one for each iteration", 50, "rep stosb", `mov edi, ${AT.DATA}\nmov ecx, 50`);
  count("one that spans pages", 5000, "rep stosd", `mov edi, ${AT.DATA}\nmov ecx, 5000`);
  count("a repeated string of no iterations: one", 1, "rep movsb", "xor ecx, ecx");
  count(
    "REPNE SCASB that stops early",
    5,
    "mov al, 5\nrepne scasb",
    `mov dword [${AT.DATA}], 0x05000000\nmov edi, ${AT.DATA}\nmov ecx, 50`,
  );
  count("REP INSB", 7, "rep insb", `mov edi, ${AT.DATA}\nmov edx, 0x99\nmov ecx, 7`);
  count("REP OUTSW", 9, "rep outsw", `mov esi, ${AT.DATA}\nmov edx, 0x99\nmov ecx, 9`);
  count("system instructions", 4, "mov eax, cr0\nmov cr0, eax\nrdtsc\nmov ax, ds");
  rom.apart("ignore: add dword [esp], 2\niretd").code(gate(6, "ignore"));
  count("a faulting instruction does not count, its handler does", 2 + 1, "ud2\nnop");
  rom.code(gate(0x21, "two")).apart("two: nop\niretd");
  count("INT counts", 3, "int 0x21");
  rom.code(
    `mov edi, ${AT.CODE + 0xff0}\nmov ecx, 40\nmov al, 0x90\nrep stosb\nmov byte [${
      AT.CODE + 0x1010
    }], 0xc3\nmov esi, ${AT.CODE + 0xff0}`,
  );
  count("a block across a page", 32 + 2, "call esi");
  runRom(rom);
});
