import { DEVICE, INTERRUPT_VECTOR } from "./machine.ts";
import { hex, Rom } from "./rom.ts";
import { runRom } from "./run.ts";

const REQUEST = hex(DEVICE.REQUEST), BY_READ = hex(DEVICE.REQUEST_BY_READ), AFTER = hex(DEVICE.INTERRUPT);

/** RAM that no debugger watches: one that refuses an access lets the instruction read its device a second time. */
const UNWATCHED = hex(0x3_0000);

/** An instruction, and where the interrupt that it brings about must be taken; the instruction after it must not run. */
function noticed(rom: Rom, name: string, instruction: string): void {
  rom.code("mov ebx, 1")
    .fault(
      name,
      { vector: INTERRUPT_VECTOR, eip: `then_${name}` },
      `sti\nnop\n${instruction}\nthen_${name}: inc ebx\ninc ebx`,
    )
    .check(`${name}: not one instruction more`, "cmp ebx, 1");
}

Deno.test("a line that a device raises when it is accessed as memory interrupts before the next instruction", () => {
  const rom = new Rom("device memory", "protected").code(`mov eax, 0x600\nmov cr4, eax\nfninit\nxor eax, eax`);
  noticed(rom, "store", `mov [${REQUEST}], eax`);
  noticed(rom, "store_byte", `mov [${REQUEST}], al`);
  noticed(rom, "load", `mov ecx, [${BY_READ}]`);
  noticed(rom, "load_extended", `movzx ecx, word [${BY_READ}]`);
  noticed(rom, "modify", `add dword [${REQUEST}], 1`);
  noticed(rom, "test", `test byte [${BY_READ}], 1`);
  noticed(rom, "exchange", `xchg [${REQUEST}], ecx`);
  noticed(rom, "push", `mov esp, ${UNWATCHED}\npush dword [${BY_READ}]`);
  noticed(rom, "divide", `mov dword [${BY_READ}], 3\nmov eax, 9\nxor edx, edx\ndiv dword [${BY_READ}]`);
  noticed(rom, "compare", `cmpxchg8b [${REQUEST}]`);
  noticed(rom, "vector_store", `movups [${REQUEST}], xmm0`);
  noticed(rom, "vector_load", `paddd xmm0, [${BY_READ}]`);
  noticed(rom, "fpu", `fild dword [${BY_READ}]`);
  noticed(rom, "fpu_store", `fistp dword [${REQUEST}]`);
  noticed(rom, "string", `mov edi, ${REQUEST}\nstosd`);
  rom.user(
    "push",
    { vector: INTERRUPT_VECTOR, eip: "pushed" },
    `mov esp, ${hex(DEVICE.REQUEST + 0x100)}\npush eax\npushed: inc ebx\njmp pushed`,
  );
  runRom(rom);
});

Deno.test("so do the instructions that jump", () => {
  const rom = new Rom("jumps", "protected").code(`mov dword [${BY_READ}], there`);
  const interrupted = { vector: INTERRUPT_VECTOR, eip: "there" };
  const inPlace = (description: string) => rom.check(description, "cmp ebx, 1").code("mov ebx, 1");
  rom.code("mov ebx, 1").fault("JMP", interrupted, `sti\nnop\njmp [${BY_READ}]`);
  inPlace("JMP: not one instruction more");
  rom.fault("CALL through memory", interrupted, `mov esp, ${UNWATCHED}\nsti\nnop\ncall [${BY_READ}]`);
  inPlace("CALL through memory: not one instruction more");
  rom.user("CALL with its stack there", interrupted, `mov esp, ${hex(DEVICE.REQUEST + 0x100)}\ncall there`);
  inPlace("CALL: not one instruction more");
  rom.user("RET", interrupted, `mov esp, ${BY_READ}\nret`);
  inPlace("RET: not one instruction more");
  rom.apart("there: inc ebx\njmp there");
  runRom(rom);
});

Deno.test("a repeated string is interrupted after the iteration", () => {
  const rom = new Rom("strings", "protected")
    .fault(
      "REP STOSD",
      { vector: INTERRUPT_VECTOR, eip: "stos" },
      `sti\nmov edi, ${REQUEST}\nmov ecx, 5\nstos: rep stosd`,
    )
    .check("one iteration", "cmp ecx, 4")
    .fault(
      "REP MOVSD",
      { vector: INTERRUPT_VECTOR, eip: "movs" },
      `sti\nmov esi, ${BY_READ}\nmov edi, ${UNWATCHED}\nmov ecx, 7\nmovs: rep movsd`,
    )
    .check("one iteration", "cmp ecx, 6")
    .fault(
      "REPE SCASB",
      { vector: INTERRUPT_VECTOR, eip: "scas" },
      `sti\nmov dword [${BY_READ}], 0\nxor eax, eax\nmov edi, ${BY_READ}\nmov ecx, 2\nscas: repe scasb`,
    )
    .check("one iteration", "cmp ecx, 1")
    .fault(
      "the last iteration ends the instruction",
      { vector: INTERRUPT_VECTOR, eip: "after" },
      `sti\nmov edi, ${REQUEST}\nmov ecx, 1\nrep stosd\nafter: inc ecx`,
    );
  runRom(rom);
});

Deno.test("an alarm that an access to device memory arms rings after exactly its instructions", () => {
  const rom = new Rom("alarms", "protected");
  for (const instructions of [0, 1, 3]) {
    rom.code("mov ebx, 1").fault(
      `after ${instructions}`,
      { vector: INTERRUPT_VECTOR, eip: `place${instructions}_${instructions}` },
      `sti\nnop\nmov dword [${AFTER}], ${instructions}
      ${[0, 1, 2, 3, 4].map((n) => `place${instructions}_${n}: inc ebx`).join("\n")}`,
    );
  }
  runRom(rom);
});

Deno.test("with interrupts off the line waits for STI and the instruction after it", () => {
  const rom = new Rom("STI", "protected").fault(
    "after STI's shadow",
    { vector: INTERRUPT_VECTOR, eip: "open" },
    `cli\nmov [${REQUEST}], eax\nmov ebx, 1\nsti\ninc ebx\nopen: inc ebx`,
  )
    .check("and not earlier", "cmp ebx, 2");
  runRom(rom);
});

Deno.test("the code that was left is whole when it runs again", () => {
  const rom = new Rom("again", "protected").code(`mov dword [${UNWATCHED}], 20\nonce_more:`);
  noticed(rom, "store", `mov [${REQUEST}], eax`);
  noticed(rom, "jump", `mov dword [${BY_READ}], then_jump\njmp [${BY_READ}]`);
  rom.code(`mov ebx, 1\nmov [${REQUEST}], eax\ninc ebx\ninc ebx`)
    .check("with interrupts off the store's block runs to its end", "cmp ebx, 3")
    .fault("later", { vector: INTERRUPT_VECTOR, eip: "later" }, "sti\nnop\nlater: inc ebx")
    .code(`dec dword [${UNWATCHED}]\njnz near once_more`);
  runRom(rom);
});
