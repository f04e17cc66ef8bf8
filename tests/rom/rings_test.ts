import { AT, hex, Rom, S, TRAP, TSS_LIMIT } from "./rom.ts";
import { runRom } from "./run.ts";

/** Where gate targets leave what they found. */
const FOUND = 0x600;

const idt = (vector: number) => AT.IDT + vector * 8;

Deno.test("call gates switch stacks, copy parameters and return", () => {
  const rom = new Rom("call gates", "protected");
  rom.user(
    "a call with three parameters returns to ring 3",
    { vector: 0x30, cs: S.CODE3 },
    `
      push dword 11
      push dword 22
      push dword 33
      call ${S.GATE_PARAMETERS}:0
      after_gate: mov ecx, esp
      mov esi, [${FOUND + 40}]
      int 0x30`,
  )
    .value("ESP after RET 12", TRAP.ECX, AT.STACK3)
    .value("the return address", FOUND, "after_gate")
    .value("the return CS", FOUND + 4, S.CODE3)
    .value("the last parameter", FOUND + 8, 33)
    .value("the second parameter", FOUND + 12, 22)
    .value("the first parameter", FOUND + 16, 11)
    .value("the outer ESP", FOUND + 20, AT.STACK3 - 12)
    .value("the outer SS", FOUND + 24, S.DATA3)
    .value("the gate's ESP", FOUND + 28, AT.STACK0 - 28)
    .value("the gate's SS", FOUND + 32, S.DATA0)
    .value("the gate's CS", FOUND + 36, S.CODE0)
    .value("FS of ring 0 is null in ring 3", TRAP.FS, 0)
    .value("DS of ring 3 stays", TRAP.DS, S.DATA3)
    .fault(
      "a call at the same level needs no stack switch",
      { vector: 0x30 },
      `call ${S.GATE}:0x12345678\nmov ecx, esp\nint 0x30`,
    )
    .value("its return CS", FOUND + 4, S.CODE0)
    .value("ESP in the gate's target", FOUND + 28, AT.STACK - 8)
    .user(
      "through a 16-bit gate",
      { vector: 0x30, cs: S.CODE16 },
      `push word 0x4455\ncall ${S.GATE16}:0\nafter_gate16:`,
    )
    .value("16-bit frame: IP and CS", FOUND + 0x40, `(after_gate16 & 0xffff) | ${hex(S.CODE3 << 16)}`)
    .value("16-bit frame: parameter and SP", FOUND + 0x44, `0x4455 | ((${AT.STACK3 - 2}) & 0xffff) << 16`)
    .user("gate of DPL 0 called from ring 3", { vector: 13, error: S.GATE0 }, `call ${S.GATE0 | 3}:0`)
    .user("a gate called with too high an RPL", { vector: 0x30 }, `call ${S.GATE}:0\nint 0x30`)
    .fault("RPL 3 and DPL 0", { vector: 13, error: S.GATE0 }, `call ${S.GATE0 | 3}:0`)
    .user("a gate that is not present", { vector: 11, error: S.GATE_ABSENT & ~3 }, `call ${S.GATE_ABSENT}:0`)
    .user("a gate with a null selector", { vector: 13, error: 0 }, `call ${S.GATE_NULL}:0`)
    .user("a jump through a gate cannot raise the privilege", { vector: 13, error: S.CODE0 }, `jmp ${S.GATE}:0`)
    .user("a call to code of DPL 0", { vector: 13, error: S.CODE0 }, `call ${S.CODE0 | 3}:0`)
    .user(
      "a call to conforming code stays in ring 3",
      { vector: 0x30, cs: S.CONFORMING | 3 },
      `call ${S.CONFORMING | 3}:conform
      conform: int 0x30`,
    )
    .user("to ring 1", { vector: 0x31, cs: S.CODE1 }, `call ${S.GATE1}:0\nint 0x30`)
    .value("ring 1's stack", TRAP.ESP, AT.STACK1 - 16)
    .value("ring 1's SS", TRAP.SS, S.DATA1);
  const badStack = (description: string, selector: number, vector: number, error: number) =>
    rom.code(`mov dword [${AT.TSS + 16}], ${selector}`)
      .user(description, { vector, error, eip: `gate_at${selector}` }, `gate_at${selector}: call ${S.GATE1}:0`);
  badStack("SS1 null", 0, 10, 0);
  badStack("SS1 of the wrong RPL", S.DATA3, 10, S.DATA3 & ~3);
  badStack("SS1 beyond the GDT", 0x1f9, 10, 0x1f8);
  badStack("SS1 not present", S.ABSENT_STACK | 1, 10, S.ABSENT_STACK);
  badStack("SS1 code", S.CODE1, 10, S.CODE1 & ~3);
  rom.code(`mov byte [${AT.GDT + S.ABSENT_STACK + 5}], 0x33\nmov dword [${AT.TSS + 16}], ${S.ABSENT_STACK | 1}`);
  rom.user("SS1 not present, of the right DPL", { vector: 12, error: S.ABSENT_STACK }, `call ${S.GATE1}:0`);
  rom.code(`mov dword [${AT.TSS + 16}], ${S.DATA1}`);
  rom.apart(`bits 32
    gate_target: push ecx
    mov cx, cs
    cmp cx, ${S.CODE1}
    pop ecx
    jne .zero
    int 0x31
    .zero: mov [${FOUND + 28}], esp
    mov [${FOUND + 32}], ss
    and dword [${FOUND + 32}], 0xffff
    mov [${FOUND + 36}], cs
    and dword [${FOUND + 36}], 0xffff
    mov esi, esp
    mov edi, ${FOUND}
    mov ecx, 7
    rep movsd
    cmp dword [esp + 8], 33
    jne .none
    retf 12
    .none: retf
    bits 16
    gate_target16: mov bx, sp
    mov eax, [ss:bx]
    mov [${FOUND + 0x40}], eax
    mov eax, [ss:bx + 4]
    mov [${FOUND + 0x44}], eax
    int 0x30
    bits 32`);
  runRom(rom);
});

Deno.test("interrupts and exceptions go through their gates with every check", () => {
  const rom = new Rom("gates", "protected");
  rom.user(
    "INT n from ring 3 switches to the TSS's stack",
    { vector: 0x30, cs: S.CODE3, eip: "after_int" },
    "int 0x30\nafter_int:",
  )
    .value("where the frame is", TRAP.FRAME, AT.STACK0 - 20)
    .value("the outer ESP", TRAP.ESP, AT.STACK3)
    .value("the outer SS", TRAP.SS, S.DATA3)
    .value("CS in the handler", TRAP.INNER_CS, S.CODE0)
    .check("an interrupt gate clears IF", `test dword [${TRAP.INNER_EFLAGS}], 0x200`, "jz")
    .check("the saved flags have IF", `test dword [${TRAP.EFLAGS}], 0x200`, "jnz")
    .code(`mov byte [${idt(0x31) + 5}], 0xef`)
    .user("a trap gate", { vector: 0x31 }, "int 0x31")
    .check("a trap gate keeps IF", `test dword [${TRAP.INNER_EFLAGS}], 0x200`, "jnz")
    .fault("NT is saved and cleared", { vector: 0x30 }, "pushfd\nor dword [esp], 0x4000\npopfd\nint 0x30")
    .check("saved NT", `test dword [${TRAP.EFLAGS}], 0x4000`, "jnz")
    .check("cleared NT", `test dword [${TRAP.INNER_EFLAGS}], 0x4000`, "jz")
    .fault("at the same level nothing is switched", { vector: 0x30, cs: S.CODE0 }, "int 0x30")
    .value("its frame", TRAP.FRAME, AT.STACK - 12)
    .user("a gate of DPL 0", { vector: 13, error: 0x20 * 8 + 2, eip: "int20" }, "int20: int 0x20")
    .user("an exception does not check the gate's DPL", { vector: 6, eip: "ud_at" }, "ud_at: ud2")
    .check("a fault saves RF", `test dword [${TRAP.EFLAGS}], 0x10000`, "jnz")
    .user("INT1 neither", { vector: 1 }, "db 0xf1")
    .user("INT3", { vector: 3, eip: "after_int3" }, "int3\nafter_int3:")
    .user("INTO", { vector: 4, eip: "after_into" }, "mov al, 0x7f\nadd al, 1\ninto\nafter_into:")
    .user("INTO without overflow", { vector: 0x30 }, "xor eax, eax\ninto\nint 0x30")
    .user("an empty gate", { vector: 13, error: 0x41 * 8 + 2 }, "int 0x41")
    .code(`lidt [short_idt]`)
    .fault("beyond the IDT's limit", { vector: 13, error: 0x31 * 8 + 2 }, "int 0x31")
    .code(`lidt [ram_idtr]\nmov byte [${idt(0x31) + 5}], 0x6e`)
    .user("a gate that is not present", { vector: 11, error: 0x31 * 8 + 2 }, "int 0x31")
    .code(`mov byte [${idt(0x31) + 5}], 0xec`)
    .user("a call gate in the IDT", { vector: 13, error: 0x31 * 8 + 2 }, "int 0x31")
    .code(`mov byte [${idt(0x31) + 5}], 0xee\nmov word [${idt(0x31) + 2}], 0`)
    .user("a null selector", { vector: 13, error: 0 }, "int 0x31")
    .code(`mov word [${idt(0x31) + 2}], 0x1f8`)
    .user("a selector beyond the GDT", { vector: 13, error: 0x1f8 }, "int 0x31")
    .code(`mov word [${idt(0x31) + 2}], ${S.DATA0}`)
    .user("a data selector", { vector: 13, error: S.DATA0 }, "int 0x31")
    .code(`mov word [${idt(0x31) + 2}], ${S.ABSENT_CODE}`)
    .user("code that is not present", { vector: 11, error: S.ABSENT_CODE }, "int 0x31")
    .code(`mov word [${idt(0x31) + 2}], ${S.CODE3}`)
    .fault("a less privileged handler", { vector: 13, error: S.CODE3 & ~3 }, "int 0x31")
    .code(`mov word [${idt(6) + 2}], 0`)
    .fault("an exception whose gate is null sets EXT", { vector: 13, error: 1 }, "ud2")
    .code(`mov word [${idt(6) + 2}], 0x1f8`)
    .fault("an exception whose gate's selector is bad sets EXT", { vector: 13, error: 0x1f9 }, "ud2")
    .code(`mov word [${idt(6) + 2}], ${S.CODE0}\nmov byte [${idt(6) + 5}], 0x0e`)
    .fault("an exception whose gate is not present", { vector: 11, error: 6 * 8 + 3 }, "ud2")
    .code(`mov byte [${idt(6) + 5}], 0x8e`)
    .code(`mov word [${idt(0x31) + 2}], ${S.CODE16}
      mov word [${idt(0x31)}], (int16 - 0xf0000) & 0xffff
      mov byte [${idt(0x31) + 5}], 0xe6`)
    .user("a 16-bit gate pushes words", { vector: 0x32 }, "int 0x31\nafter_int16:")
    .value("16-bit frame: IP and CS", FOUND, `(after_int16 & 0xffff) | ${hex(S.CODE3 << 16)}`)
    .check("16-bit frame: SP and SS", `cmp dword [${FOUND + 6}], ${hex((AT.STACK3 & 0xffff) | S.DATA3 << 16)}`)
    .code(`mov word [${idt(0x31) + 2}], ${S.CONFORMING}
      mov dword [${idt(0x31)}], (conforming_handler & 0xffff) | ${hex(S.CONFORMING << 16)}
      mov dword [${idt(0x31) + 4}], (conforming_handler & 0xffff0000) | 0xee00`)
    .user("a conforming handler stays in ring 3", { vector: 0x32, cs: S.CONFORMING | 3 }, "int 0x31")
    .value("on ring 3's stack", TRAP.ESP, AT.STACK3 - 12)
    .code(`mov dword [${AT.TSS + 8}], ${S.DATA1}
      mov word [${idt(0x31) + 2}], ${S.CODE1}
      mov dword [${idt(0x31)}], (ring1_handler & 0xffff) | ${hex(S.CODE1 << 16)}
      mov dword [${idt(0x31) + 4}], (ring1_handler & 0xffff0000) | 0xee00
      mov dword [${AT.TSS + 8}], ${S.DATA0}`)
    .user("a handler in ring 1", { vector: 0x32, cs: S.CODE1 }, "int 0x31")
    .value("on ring 1's stack", TRAP.ESP, AT.STACK1 - 20)
    .code(`mov dword [${AT.TSS + 16}], 0`)
    .user("a handler in ring 1 without a stack", { vector: 10, error: 0 }, "int 0x31");
  rom.apart(`bits 32
    conforming_handler: int 0x32
    ring1_handler: int 0x32
    short_idt: dw 0x31 * 8 + 6
    dd ${AT.IDT}
    bits 16
    int16: mov ebx, esp
    mov eax, [ss:ebx]
    mov [${FOUND}], eax
    mov eax, [ss:ebx + 4]
    mov [${FOUND + 4}], eax
    mov eax, [ss:ebx + 6]
    mov [${FOUND + 6}], eax
    int 0x32
    bits 32`);
  runRom(rom);
});

Deno.test("returns to outer levels check everything and clear what the level may not see", () => {
  const rom = new Rom("returns", "protected");
  const iret = (cs: number, ss: number, flags = 0x202) =>
    `push dword ${ss}\npush dword ${AT.STACK3}\npush dword ${
      hex(flags)
    }\npush dword ${cs}\npush dword outer\niret_at: iretd\n`;
  const once = (description: string, vector: number, error: number, code: string) =>
    rom.fault(description, { vector, error }, code.replace("iret_at: ", ""));
  once("IRET to a null CS", 13, 0, iret(0, S.DATA3));
  once("IRET to an inner RPL does not exist in ring 0: to data", 13, S.DATA0, iret(S.DATA0, S.DATA3));
  once("IRET to code that is not present", 11, S.ABSENT_CODE, iret(S.ABSENT_CODE, S.DATA3));
  once("IRET with a null SS", 13, 0, iret(S.CODE3, 0));
  once("IRET with SS of another RPL", 13, 0x20, iret(S.CODE3, 0x20));
  once("IRET with SS of DPL 0", 13, S.DATA0, iret(S.CODE3, S.DATA0 | 3));
  once("IRET with a read-only SS", 13, S.READ_ONLY3 & ~3, iret(S.CODE3, S.READ_ONLY3));
  once("IRET beyond the limit", 13, 0, `push dword ${S.SMALL_CODE}\npush dword 0x100\nretf`);
  rom.fault(
    "RETF to ring 3 releases on both stacks",
    { vector: 0x30, cs: S.CODE3 },
    `mov ax, ${S.DATA3}
      mov gs, ax
      mov ax, ${S.CONFORMING}
      mov fs, ax
      push dword ${S.DATA3}
      push dword ${AT.STACK3 - 8}
      push dword 1
      push dword 2
      push dword ${S.CODE3}
      push dword outer
      retf 8`,
  )
    .value("the outer ESP", TRAP.ESP, AT.STACK3)
    .value("DS of DPL 0 is null", TRAP.DS, 0)
    .value("ES of DPL 0 is null", TRAP.ES, 0)
    .value("GS of DPL 3 stays", TRAP.GS, S.DATA3)
    .value("conforming FS stays", TRAP.FS, S.CONFORMING)
    .fault(
      "IRET to ring 3 with a 16-bit stack takes SP alone",
      { vector: 0x30, cs: S.CODE3 },
      `push dword ${S.DATA16_3}
      push dword 0x5555c000
      push dword 0x202
      push dword ${S.CODE3}
      push dword outer
      iretd`,
    )
    .check("SP", `cmp word [${TRAP.ESP}], 0xc000`)
    .user(
      "IRET in ring 3 to ring 0",
      { vector: 13, error: S.CODE0 },
      `pushfd\npush dword ${S.CODE0}\npush dword outer\niretd`,
    )
    .user(
      "IRET in ring 3 changes neither IF nor IOPL",
      { vector: 0x30 },
      `push dword 0x3000\npush cs\npush dword outer\niretd`,
    )
    .check("IF and IOPL", `mov eax, [${TRAP.EFLAGS}]\nand eax, 0x3200\ncmp eax, 0x200`)
    .user("POPF in ring 3 neither", { vector: 0x30 }, "push dword 0x3000\npopfd\nint 0x30")
    .check("IF and IOPL after POPF", `mov eax, [${TRAP.EFLAGS}]\nand eax, 0x3200\ncmp eax, 0x200`)
    .user("POPF with IOPL 3 changes IF", { vector: 0x30 }, "push dword 0x0\npopfd\nint 0x30", 0x3202)
    .check("IF clear, IOPL 3", `mov eax, [${TRAP.EFLAGS}]\nand eax, 0x3200\ncmp eax, 0x3000`)
    .user("CLI with IOPL 0", { vector: 13, error: 0 }, "cli")
    .user("STI with IOPL 0", { vector: 13, error: 0 }, "sti")
    .user("CLI with IOPL 3", { vector: 0x30 }, "cli\nint 0x30", 0x3202)
    .check("IF is clear", `test dword [${TRAP.EFLAGS}], 0x200`, "jz");
  rom.apart("outer: int 0x30");
  runRom(rom);
});

Deno.test("ring 3 reaches the ports that the I/O map allows", () => {
  const rom = new Rom("I/O map", "protected");
  const map = AT.TSS + 0x68;
  rom.user("a forbidden port", { vector: 13, error: 0, eip: "in_at" }, "in_at: in al, 0x50")
    .code(`mov byte [${map + 10}], 0xfe`)
    .user("an allowed port", { vector: 0x30 }, "in al, 0x50\nint 0x30")
    .user("its neighbour", { vector: 13, error: 0 }, "in al, 0x51")
    .user("a word needs both bits", { vector: 13, error: 0 }, "in ax, 0x50")
    .code(`mov byte [${map + 10}], 0\nmov byte [${map + 11}], 0xff`)
    .user("a dword", { vector: 0x30 }, "in eax, 0x50\nin eax, 0x54\nint 0x30")
    .user("a word across the map's bytes", { vector: 13, error: 0 }, "in ax, 0x57")
    .user("a port beyond the TSS", { vector: 13, error: 0 }, "mov dx, 0x7f8\nin al, dx")
    .code(`mov byte [${AT.TSS + TSS_LIMIT}], 0xff`)
    .user("IOPL 3 needs no map", { vector: 0x30 }, "mov dx, 0x1234\nin al, dx\nin al, 0x51\nint 0x30", 0x3202)
    .user("INS checks too", { vector: 13, error: 0 }, `mov dx, 0x60\nmov edi, ${AT.DATA}\ninsb`)
    .user("REP OUTS with a count of 0 checks too", { vector: 13, error: 0 }, "mov dx, 0x60\nxor ecx, ecx\nrep outsb")
    .code(`mov word [${AT.TSS + 102}], ${TSS_LIMIT}`)
    .user("a map at the TSS's end", { vector: 13, error: 0 }, "in al, 0x0");
  runRom(rom);
});

Deno.test("SYSENTER and SYSEXIT cross the rings with the machine's own segments", () => {
  const rom = new Rom("fast system calls", "protected");
  const wrmsr = (register: number, value: string) => `mov ecx, ${register}\nmov eax, ${value}\nxor edx, edx\nwrmsr`;
  rom.user("SYSENTER without a code segment", { vector: 13, error: 0 }, "sysenter")
    .code(wrmsr(0x174, String(S.CODE0)))
    .code(wrmsr(0x175, String(AT.STACK0 - 0x100)))
    .code(wrmsr(0x176, "entered"))
    .user("there", { vector: 0x31, cs: S.CODE0 }, "sysenter")
    .value("ESP", FOUND, AT.STACK0 - 0x100)
    .value("SS", FOUND + 4, S.DATA0)
    .value("IF is clear", FOUND + 8, 0)
    .fault("and back", { vector: 0x30, cs: S.CODE3 }, `mov edx, back\nmov ecx, ${AT.STACK3 - 0x40}\nsysexit`)
    .value("ESP in ring 3", TRAP.ESP, AT.STACK3 - 0x40)
    .value("SS in ring 3", TRAP.SS, S.DATA3)
    .user("SYSEXIT in ring 3", { vector: 13, error: 0 }, "sysexit");
  rom.apart(`entered: mov ax, ${S.DATA0}
    mov ds, ax
    mov [${FOUND}], esp
    mov [${FOUND + 4}], ss
    and dword [${FOUND + 4}], 0xffff
    pushfd
    pop eax
    and eax, 0x200
    mov [${FOUND + 8}], eax
    int 0x31
    back: int 0x30`);
  runRom(rom);
});

Deno.test("system registers and tables check their operands", () => {
  const rom = new Rom("system registers", "protected");
  rom.fault("LTR of a busy TSS", { vector: 13, error: S.TSS }, `mov ax, ${S.TSS}\nltr ax`)
    .fault("LTR of a null selector", { vector: 13, error: 0 }, "xor eax, eax\nltr ax")
    .fault("LTR of data", { vector: 13, error: S.DATA0 }, `mov ax, ${S.DATA0}\nltr ax`)
    .fault("LTR of the LDT", { vector: 13, error: 0xc }, "mov ax, 0x0c\nltr ax")
    .code(`mov ax, ${S.TSS_AVAILABLE}\nltr ax\nstr bx`)
    .check("STR", `cmp bx, ${S.TSS_AVAILABLE}`)
    .check("LTR marks the TSS busy", `cmp byte [${AT.GDT + S.TSS_AVAILABLE + 5}], 0x8b`)
    .fault("LLDT of data", { vector: 13, error: S.DATA0 }, `mov ax, ${S.DATA0}\nlldt ax`)
    .code("xor eax, eax\nlldt ax\nsldt bx").check("SLDT", "cmp bx, 0")
    .fault("a selector of no LDT", { vector: 13, error: 4 }, "mov ax, 7\nmov ds, ax")
    .fault("CR0: PG without PE", { vector: 13, error: 0 }, "mov eax, 0x80000000\nmov cr0, eax")
    .fault("CR0: NW without CD", { vector: 13, error: 0 }, "mov eax, 0x20000001\nmov cr0, eax")
    .fault("CR4: a reserved bit", { vector: 13, error: 0 }, "mov eax, 0x80000000\nmov cr4, eax")
    .fault("CR1", { vector: 6 }, "db 0x0f, 0x20, 0xc8")
    .fault("an unknown MSR", { vector: 13, error: 0 }, "mov ecx, 0x12345678\nrdmsr")
    .fault("LGDT of a register", { vector: 6 }, "db 0x0f, 0x01, 0xd0")
    .fault("LOCK of an instruction that has none", { vector: 6 }, "db 0xf0, 0x90")
    .fault("LOCK of a register", { vector: 6 }, "db 0xf0, 0x01, 0xc0")
    .fault("LEA of a register", { vector: 6 }, "db 0x8d, 0xc0")
    .fault("16 bytes", { vector: 13, error: 0, eip: "long_at" }, "long_at: times 15 db 0x66\nnop")
    .code("times 14 db 0x66\nnop")
    .code(`sgdt [${FOUND}]\nsidt [${FOUND + 8}]`)
    .check("SGDT: limit", `cmp word [${FOUND}], ${S.LIMIT}`)
    .check("SGDT: base", `cmp dword [${FOUND + 2}], ${AT.GDT}`)
    .check("SIDT: base", `cmp dword [${FOUND + 10}], ${AT.IDT}`)
    .code("mov eax, cr0\nsmsw bx\nmov ecx, 0x0e\nlmsw cx\nsmsw dx")
    .check("LMSW cannot clear PE", "and edx, 0xf\ncmp edx, 0xf")
    .code("clts\nsmsw dx").check("CLTS", "test dl, 8", "jz")
    .code("mov cr0, eax");
  runRom(rom);
});
