import { AT, hex, Rom, S, TRAP } from "./rom.ts";
import { runRom } from "./run.ts";

const VM = 0x2_0000, IF = 0x200;

/** Where the guest code is: CS 2000h, at offset 100h. */
const SEGMENT = 0x2000, OFFSET = 0x100;

/** Enters virtual-8086 mode at 2000:0100 with `flags`, stack 3000:1000, the other segments 1100h to 1400h. */
function enter(flags: number, offset = OFFSET): string {
  return `push dword 0x1400
    push dword 0x1300
    push dword 0x1200
    push dword 0x1100
    push dword 0x3000
    push dword 0x1000
    push dword ${hex(VM | 2 | flags)}
    push dword ${SEGMENT}
    push dword ${offset}
    iretd`;
}

/** Copies 16-bit code between two labels to 2000:0100. */
const install = (name: string) =>
  `mov esi, ${name}\nmov edi, ${SEGMENT * 16 + OFFSET}\nmov ecx, ${name}_end - ${name}\nrep movsb`;

class Virtual8086Rom extends Rom {
  #routines = 0;

  constructor(name: string) {
    super(name, "protected");
  }

  /** Runs 16-bit code in virtual-8086 mode. */
  run(description: string, expected: Parameters<Rom["fault"]>[1], code: string, flags = IF): this {
    const name = `routine${this.#routines++}`;
    this.apart(`bits 16\n${name}: ${code}\n${name}_end:\nbits 32`);
    return this.code(install(name)).fault(description, expected, enter(flags));
  }
}

const IOPL3 = 0x3000;

Deno.test("virtual-8086 mode is entered and left with all segments", () => {
  const rom = new Virtual8086Rom("virtual-8086 mode");
  rom.run("an exception leaves to ring 0", { vector: 6, eip: OFFSET, cs: SEGMENT }, "ud2")
    .check("the saved flags have VM", `test dword [${TRAP.EFLAGS}], ${VM}`, "jnz")
    .check("VM is clear in the handler", `test dword [${TRAP.INNER_EFLAGS}], ${VM}`, "jz")
    .value("the frame has nine items", TRAP.FRAME, AT.STACK0 - 36)
    .value("SP", TRAP.ESP, 0x1000)
    .value("SS", TRAP.SS, 0x3000)
    .value("saved ES", AT.STACK0 - 16, 0x1100)
    .value("saved DS", AT.STACK0 - 12, 0x1200)
    .value("saved FS", AT.STACK0 - 8, 0x1300)
    .value("saved GS", AT.STACK0 - 4, 0x1400)
    .value("DS is null in the handler", TRAP.DS, 0)
    .value("ES is null in the handler", TRAP.ES, 0)
    .value("FS is null in the handler", TRAP.FS, 0)
    .value("GS is null in the handler", TRAP.GS, 0)
    .run(
      "segments are paragraphs",
      { vector: 6 },
      `mov ax, 0x1234
      mov ds, ax
      mov word [8], 0x5678
      ud2`,
    )
    .check("the word at 1234:0008", "cmp word [0x12348], 0x5678")
    .run("64 KB limits", { vector: 13, error: 0 }, "mov bx, 0xffff\nmov ax, [bx]")
    .run("32-bit addresses beyond 64 KB", { vector: 13, error: 0 }, "mov ebx, 0x10000\nmov al, [ebx]")
    .run("beyond 64 KB on the stack", { vector: 12, error: 0 }, "mov bp, 0xffff\nmov ax, [bp]")
    .run("a 16-bit stack wraps", { vector: 6 }, "mov esp, 0x10000\npush ax\nud2")
    .check("SP after the push", `cmp word [${TRAP.ESP}], 0xfffe`)
    .run("CPL is 3: privileged instructions", { vector: 13, error: 0, eip: OFFSET }, "hlt", IF | IOPL3)
    .run("MOV from CR0", { vector: 13, error: 0 }, "mov eax, cr0", IF | IOPL3)
    .run("LGDT", { vector: 13, error: 0 }, "lgdt [0]", IF | IOPL3)
    .run("LAR is undefined", { vector: 6 }, "db 0x0f, 0x02, 0xc3")
    .run("ARPL is undefined", { vector: 6 }, "db 0x63, 0xc3")
    .run("LLDT is undefined", { vector: 6 }, "db 0x0f, 0x00, 0xd0")
    .run(
      "a far jump",
      { vector: 6, eip: OFFSET + 0x40, cs: SEGMENT },
      `jmp ${SEGMENT}:${OFFSET + 0x40}\ntimes 0x3b db 0x90\nud2`,
    )
    .run(
      "a far jump to another paragraph",
      { vector: 6, eip: OFFSET + 0x30, cs: SEGMENT + 1 },
      `jmp ${SEGMENT + 1}:${OFFSET + 0x30}
      times 0x3b db 0x90
      ud2`,
    );
  runRom(rom);
});

Deno.test("the instructions that touch IF depend on IOPL in virtual-8086 mode", () => {
  const rom = new Virtual8086Rom("virtual-8086 IOPL");
  for (
    const [name, code] of [
      ["CLI", "cli"],
      ["STI", "sti"],
      ["PUSHF", "pushf"],
      ["PUSHFD", "pushfd"],
      ["POPF", "popf"],
      ["POPFD", "popfd"],
      ["INT n", "int 0x30"],
      ["IRET", "iret"],
      ["IRETD", "iretd"],
    ] as const
  ) rom.run(`${name} with IOPL 0`, { vector: 13, error: 0, eip: OFFSET, cs: SEGMENT }, code);
  rom.run("INT3 with IOPL 0", { vector: 3, eip: OFFSET + 1 }, "int3")
    .run("INTO with IOPL 0", { vector: 4 }, "mov al, 0x7f\nadd al, 1\ninto")
    .run("INT n with IOPL 3", { vector: 0x30, eip: OFFSET + 2 }, "int 0x30", IF | IOPL3)
    .run("INT n with IOPL 3 checks the gate's DPL", { vector: 13, error: 0x20 * 8 + 2 }, "int 0x20", IF | IOPL3)
    .run("CLI with IOPL 3", { vector: 6 }, "cli\nud2", IF | IOPL3)
    .check("IF is clear", `test dword [${TRAP.EFLAGS}], ${IF}`, "jz")
    .run(
      "PUSHF and POPF with IOPL 3",
      { vector: 6 },
      "pushf\npop ax\nmov cx, ax\nxor ax, 0x0201\npush ax\npopf\nud2",
      IF | IOPL3,
    )
    .check("PUSHF shows IF and IOPL", `mov eax, [${TRAP.ECX}]\nand eax, 0x3200\ncmp eax, 0x3200`)
    .check(
      "POPF clears IF, sets CF and keeps VM",
      `mov eax, [${TRAP.EFLAGS}]\nand eax, ${hex(VM | IF | 1)}\ncmp eax, ${hex(VM | 1)}`,
    )
    .run("POPF cannot change IOPL", { vector: 6 }, "push word 0x0002\npopf\nud2", IF | IOPL3)
    .check("IOPL stays", `mov eax, [${TRAP.EFLAGS}]\nand eax, 0x3000\ncmp eax, 0x3000`)
    .run("PUSHFD hides VM and RF", { vector: 6 }, "pushfd\npop ecx\nud2", IF | IOPL3)
    .check("VM reads as 0", `test dword [${TRAP.ECX}], 0x30000`, "jz")
    .run(
      "IRET with IOPL 3",
      { vector: 6, eip: OFFSET + 0x30, cs: SEGMENT },
      `push word 0x0202
      push word ${SEGMENT}
      push word ${OFFSET + 0x30}
      iret
      times 0x26 db 0x90
      ud2`,
      IF | IOPL3,
    )
    .code(`mov word [${AT.IDT + 0x31 * 8 + 2}], ${S.CONFORMING}`)
    .run("a conforming handler is refused", { vector: 13, error: S.CONFORMING }, "int 0x31", IF | IOPL3)
    .code(`mov word [${AT.IDT + 0x31 * 8 + 2}], ${S.CODE1}`)
    .run("a handler in ring 1 is refused", { vector: 13, error: S.CODE1 & ~3 }, "int 0x31", IF | IOPL3)
    .run("ports need the I/O map, whatever IOPL is", { vector: 13, error: 0 }, "in al, 0x50", IF | IOPL3)
    .code(`mov byte [${AT.TSS + 0x68 + 10}], 0`)
    .run("an allowed port", { vector: 6 }, "in al, 0x50\nud2");
  runRom(rom);
});
