import { AT, hex, PORT, Rom, S, TRAP } from "./rom.ts";
import { runRom } from "./run.ts";

const idt = (vector: number) => AT.IDT + vector * 8;
const POST_SUCCESS = `mov dx, ${PORT.POST}\nmov al, 0xff\nout dx, al`;

Deno.test("exceptions save the right address, error code and flags", () => {
  const rom = new Rom("exceptions", "protected");
  rom.fault(
    "#DE saves the instruction's address",
    { vector: 0, eip: "div_at" },
    "xor ecx, ecx\nmov eax, 5\ndiv_at: div ecx",
  )
    .value("EAX stays", TRAP.EAX, 5)
    .fault("#DE of a quotient that is too large", { vector: 0 }, "mov edx, 1\nxor eax, eax\nmov ecx, 1\ndiv ecx")
    .fault("#DE of IDIV", { vector: 0 }, "mov eax, 0x80000000\ncdq\nmov ecx, -1\nidiv ecx")
    .fault("#DE of AAM 0", { vector: 0 }, "aam 0")
    .fault("#BP saves the next address", { vector: 3, eip: "after_bp" }, "int3\nafter_bp:")
    .fault("INT 3 of two bytes too", { vector: 3, eip: "after_cd03" }, "db 0xcd, 3\nafter_cd03:")
    .fault("#OF", { vector: 4, eip: "after_of" }, "mov al, 0x80\nsub al, 1\ninto\nafter_of:")
    .fault(
      "#BR saves the instruction's address",
      { vector: 5, eip: "bound_at" },
      `mov dword [${AT.DATA}], 0xfffffffe
      mov dword [${AT.DATA + 4}], 5
      mov eax, 6
      bound_at: bound eax, [${AT.DATA}]`,
    )
    .code("mov eax, -2\nbound eax, [0x10000]\nmov eax, 5\nbound eax, [0x10000]")
    .fault("#BR below", { vector: 5 }, `mov eax, -3\nbound eax, [${AT.DATA}]`)
    .fault("#UD", { vector: 6, eip: "ud_at" }, "ud_at: ud2")
    .fault("#UD of an undefined opcode", { vector: 6 }, "db 0x0f, 0xff")
    .fault("#UD of POP /1", { vector: 6 }, "db 0x8f, 0xc8")
    .fault("#UD of FE /2", { vector: 6 }, "db 0xfe, 0xd0")
    .fault("#UD of FF /7", { vector: 6 }, "db 0xff, 0xf8")
    .fault("#UD of CALL FAR of a register", { vector: 6 }, "db 0xff, 0xd8")
    .fault("#UD of LES of a register", { vector: 6 }, "db 0xc4, 0xc0")
    .fault("#UD of CMPXCHG8B of a register", { vector: 6 }, "db 0x0f, 0xc7, 0xc8")
    .fault("#NM with EM", { vector: 7, eip: "em_at" }, "mov eax, cr0\nor al, 4\nmov cr0, eax\nem_at: fninit")
    .fault(
      "#NM with TS",
      { vector: 7, eip: "ts_at" },
      "mov eax, cr0\nand al, 0xfb\nor al, 8\nmov cr0, eax\nts_at: fninit",
    )
    .code("fwait_ok: fwait")
    .fault("#NM of WAIT with TS and MP", { vector: 7 }, "mov eax, cr0\nor al, 2\nmov cr0, eax\nwait")
    .code("clts\nmov eax, cr0\nand al, 0xfd\nor al, 0x20\nmov cr0, eax")
    .fault(
      "#MF at the next x87 instruction",
      { vector: 16, eip: "mf_at" },
      "fninit\npush word 0x037b\nfldcw [esp]\nfld1\nfldz\nfdivp\nmf_at: fld1",
    )
    .code("fnclex\nfninit")
    .fault(
      "the stack's #SS comes before the page's #PF",
      { vector: 12 },
      `mov ax, ${S.SMALL}\nmov ss, ax\nmov esp, 0x80\nmov eax, [ss:0x200]`,
    )
    .fault("RF is set in the image of a fault", { vector: 6 }, "ud2")
    .check("RF", `test dword [${TRAP.EFLAGS}], 0x10000`, "jnz")
    .fault("and not of a trap", { vector: 3 }, "int3")
    .check("no RF", `test dword [${TRAP.EFLAGS}], 0x10000`, "jz")
    .fault("flags of the instructions before", { vector: 6 }, "mov al, 1\nsub al, 2\nud2")
    .check("CF, AF, SF and PF", `mov eax, [${TRAP.EFLAGS}]\nand eax, 0x8d5\ncmp eax, 0x95`);
  runRom(rom);
});

Deno.test("a fault while a fault is delivered is a double fault where the classes say so", () => {
  const rom = new Rom("double faults", "protected");
  const broken = (vector: number) => `mov byte [${idt(vector) + 5}], 0x0e`;
  const mended = (vector: number) => `mov byte [${idt(vector) + 5}], 0x8e`;
  rom.code(broken(13)).code(broken(11))
    .fault("#NP during #GP", { vector: 8, error: 0, eip: "gp_at" }, "mov ax, 0x1f8\ngp_at: mov fs, ax")
    .code(mended(11))
    .fault(
      "#GP, whose gate is missing, raises #NP, which makes #DF",
      { vector: 8, error: 0 },
      "mov ax, 0x1f8\nmov fs, ax",
    )
    .code(mended(13)).code(broken(6))
    .fault("#UD is benign: its #NP is delivered", { vector: 11, error: 6 * 8 + 3 }, "ud2")
    .code(mended(6)).code(broken(0))
    .fault("#DE is contributory", { vector: 8, error: 0 }, "xor ecx, ecx\ndiv ecx")
    .code(mended(0)).code(broken(3))
    .fault("INT3 is no exception of the first kind", { vector: 11, error: 3 * 8 + 2 }, "int3")
    .code(`mov byte [${idt(3) + 5}], 0xee`);
  runRom(rom);
});

Deno.test("page faults during delivery", () => {
  const rom = new Rom("page faults during delivery", "protected");
  rom.code(`mov edi, ${AT.PAGES}
      mov ecx, 0x800
      xor eax, eax
      rep stosd
      mov dword [${AT.PAGES}], ${AT.PAGES + 0x1000 | 7}
      mov edi, ${AT.PAGES + 0x1000}
      mov eax, 7
      identity: stosd
      add eax, 0x1000
      cmp edi, ${AT.PAGES + 0x2000}
      jne identity
      mov eax, ${AT.PAGES}
      mov cr3, eax
      mov eax, cr0
      or eax, 0x80000000
      mov cr0, eax
      mov dword [${AT.TSS + 12}], 0x800000`)
    .user("#PF during a benign exception is delivered", { vector: 14, error: 2 }, `call ${S.GATE1}:0`)
    .code(`mov esi, ${AT.IDT}\nmov edi, 0x60000\nmov ecx, 0x200\nrep movsd
      mov word [0x61000], 0x7ff
      mov dword [0x61002], 0x60000
      lidt [0x61000]`)
    .code(`mov word [0x60000 + 13 * 8 + 2], ${S.CODE1}`)
    .code(`mov dword [0x60000 + 13 * 8], (stub13 & 0xffff) | ${hex(S.CODE1 << 16)}`)
    .user("#PF during #GP is delivered: a contributory first, a page fault second", { vector: 14, error: 2 }, "hlt")
    .code(`mov dword [0x60000 + 14 * 8], (stub14 & 0xffff) | ${hex(S.CODE1 << 16)}`)
    .user("#PF during #PF is a double fault", { vector: 8, error: 0, cr2: 0x80_0000 - 4 }, "mov eax, [0xc00000]");
  runRom(rom);
});

for (
  const [name, code] of [
    ["no IDT at all", `lidt [no_idt]\n${POST_SUCCESS}\nint3`],
    ["a ring-0 stack that is gone", `${POST_SUCCESS}\nxor esp, esp\nmov ax, ${S.SMALL}\nmov ss, ax\nmov esp, 4\nud2`],
    [
      "a missing page directory",
      `${POST_SUCCESS}\nmov eax, 0x300000\nmov cr3, eax\nmov eax, cr0\nor eax, 0x80000000\nmov cr0, eax\nnop`,
    ],
  ] as const
) {
  Deno.test(`a triple fault shuts the CPU down: ${name}`, () => {
    const rom = new Rom(name, "protected").code(code).apart("no_idt: dw 0\ndd 0");
    runRom(rom, "shutdown");
  });
}
