import { AT, Rom, S, TRAP } from "./rom.ts";
import { runRom } from "./run.ts";

const { DATA } = AT;

/** Loads a selector into a segment register. */
const load = (register: string, selector: number) => `mov ax, ${selector}\nmov ${register}, ax`;

/** Code with FS loaded. */
const withFs = (selector: number, code: string) => `${load("fs", selector)}\n${code}`;

/** Code with SS loaded. */
const withSs = (selector: number, code: string) => `${load("ss", selector)}\n${code}`;

Deno.test("loading a segment register checks selector, type, privilege and presence", () => {
  const rom = new Rom("segment loads", "protected");
  rom.fault("SS: null", { vector: 13, error: 0 }, load("ss", 0))
    .fault("SS: null with RPL 3", { vector: 13, error: 0 }, load("ss", 3))
    .fault("SS: beyond the GDT", { vector: 13, error: 0x1f8 }, load("ss", 0x1f8))
    .fault("SS: RPL 3", { vector: 13, error: S.DATA0 }, load("ss", S.DATA0 | 3))
    .fault("SS: DPL 3", { vector: 13, error: 0x20 }, load("ss", 0x20))
    .fault("SS: read-only", { vector: 13, error: S.READ_ONLY }, load("ss", S.READ_ONLY))
    .fault("SS: code", { vector: 13, error: S.CODE0 }, load("ss", S.CODE0))
    .fault("SS: a TSS", { vector: 13, error: S.TSS }, load("ss", S.TSS))
    .fault("SS: not present", { vector: 12, error: S.ABSENT_DATA }, load("ss", S.ABSENT_DATA))
    .fault("DS: not present", { vector: 11, error: S.ABSENT_DATA }, load("ds", S.ABSENT_DATA))
    .fault("DS: execute-only code", { vector: 13, error: S.EXECUTE_ONLY }, load("ds", S.EXECUTE_ONLY))
    .fault("ES: a gate", { vector: 13, error: S.GATE & ~3 }, load("es", S.GATE))
    .fault("FS: beyond the LDT", { vector: 13, error: 0x24 }, load("fs", 0x27))
    .fault("GS: RPL 3 of DPL 0", { vector: 13, error: S.DATA0 }, load("gs", S.DATA0 | 3))
    .fault("POP DS: beyond the GDT", { vector: 13, error: 0x1f8 }, "push dword 0x1f8\npop ds")
    .fault("MOV to CS", { vector: 6 }, "db 0x8e, 0xc8")
    .fault("segment register 6", { vector: 6 }, "db 0x8e, 0xf0")
    .code(load("fs", 0)).code(load("fs", 3))
    .fault("a null FS", { vector: 13, error: 0 }, withFs(0, "mov eax, [fs:0]"))
    .fault("a null ES in a string", { vector: 13, error: 0 }, `${load("es", 0)}\nmov edi, ${DATA}\nstosb`)
    .code(load("fs", S.LDT_DATA)).check("the LDT's segment", `cmp dword [${TRAP.COUNT}], 19`)
    .code(load("fs", S.CONFORMING | 3)).check("conforming code with RPL 3 as data", `cmp dword [${TRAP.COUNT}], 19`)
    .fault(
      "LDS: the register stays",
      { vector: 13, error: 0x1f8 },
      `mov dword [${DATA}], 0x12345678
      mov word [${DATA + 4}], 0x1f8
      mov ecx, 77
      lds ecx, [${DATA}]`,
    )
    .value("ECX after the fault of LDS", TRAP.ECX, 77)
    .code(`mov dword [${AT.GDT + (S.SMALL & ~7) + 4}], 0x409201\n${load("es", S.SMALL)}`)
    .check("a load sets the accessed bit", `test byte [${AT.GDT + S.SMALL + 5}], 1`, "jnz")
    .user("ring 3 loads DPL 0", { vector: 13, error: S.DATA0 }, load("ds", S.DATA0))
    .user("ring 3 loads SS with RPL 0", { vector: 13, error: 0x20 }, load("ss", 0x20))
    .user(
      "ring 3 reads conforming code of DPL 0",
      { vector: 0x30 },
      `${load("ds", S.CONFORMING)}\nmov eax, [0xf0000]\nint 0x30`,
    );
  runRom(rom);
});

Deno.test("every access is checked against the segment's limit and type", () => {
  const rom = new Rom("limits", "protected");
  rom.code(withFs(S.SMALL, "mov al, [fs:0xff]\nmov ax, [fs:0xfe]\nmov eax, [fs:0xfc]"))
    .fault("byte at the limit + 1", { vector: 13, error: 0 }, withFs(S.SMALL, "mov al, [fs:0x100]"))
    .fault("word across the limit", { vector: 13, error: 0 }, withFs(S.SMALL, "mov ax, [fs:0xff]"))
    .fault("dword across the limit", { vector: 13, error: 0 }, withFs(S.SMALL, "mov eax, [fs:0xfd]"))
    .fault("dword at FFFFFFFFh", { vector: 13, error: 0 }, withFs(S.SMALL, "mov eax, [fs:0xffffffff]"))
    .fault("a read-modify-write across the limit", { vector: 13, error: 0 }, withFs(S.SMALL, "add dword [fs:0xfd], 1"))
    .fault("BTS far out", { vector: 13, error: 0 }, withFs(S.SMALL, "mov eax, 0x800\nbts dword [fs:0], eax"))
    .fault("CMPXCHG8B across the limit", { vector: 13, error: 0 }, withFs(S.SMALL, "cmpxchg8b [fs:0xf9]"))
    .fault(
      "an x87 store across the limit",
      { vector: 13, error: 0 },
      withFs(S.SMALL, "fninit\nfld1\nfstp qword [fs:0xf9]"),
    )
    .fault(
      "a string that runs out",
      { vector: 13, error: 0 },
      `${load("es", S.SMALL)}
      mov dword [${DATA + 0xf8}], 0\nmov dword [${DATA + 0xfc}], 0
      mov edi, 0xf8\nmov ecx, 4\nmov eax, 0x11223344\nrep stosd`,
    )
    .value("ECX after the string's fault", TRAP.ECX, 2)
    .value("EDI after the string's fault", TRAP.EDI, 0x100)
    .value("the last item that fits", DATA + 0xfc, 0x11223344)
    .code(withFs(S.GRANULAR, "mov eax, [fs:0xffc]"))
    .fault("4 KB granularity", { vector: 13, error: 0 }, withFs(S.GRANULAR, "mov eax, [fs:0xffd]"))
    .code(withFs(S.EXPAND_DOWN, "mov eax, [fs:0x1000]\nmov byte [fs:0xffffffff], 0"))
    .fault("expand-down: below", { vector: 13, error: 0 }, withFs(S.EXPAND_DOWN, "mov eax, [fs:0xffc]"))
    .fault("expand-down: at its limit", { vector: 13, error: 0 }, withFs(S.EXPAND_DOWN, "mov al, [fs:0xfff]"))
    .fault("expand-down: across FFFFFFFFh", { vector: 13, error: 0 }, withFs(S.EXPAND_DOWN, "mov ax, [fs:0xffffffff]"))
    .code(withFs(S.EXPAND_DOWN16, "mov eax, [fs:0xfffc]"))
    .fault("16-bit expand-down: above FFFFh", { vector: 13, error: 0 }, withFs(S.EXPAND_DOWN16, "mov al, [fs:0x10000]"))
    .fault("16-bit expand-down: across FFFFh", { vector: 13, error: 0 }, withFs(S.EXPAND_DOWN16, "mov ax, [fs:0xffff]"))
    .fault(
      "a write to read-only data",
      { vector: 13, error: 0 },
      withFs(S.READ_ONLY, "mov eax, [fs:0]\nmov [fs:0], eax"),
    )
    .fault("a write through CS", { vector: 13, error: 0 }, `mov eax, [cs:0]\nmov [cs:${DATA}], eax`)
    .fault(
      "a write through a code segment in FS",
      { vector: 13, error: 0 },
      withFs(S.CODE0, `mov eax, [fs:0]\nmov [fs:${DATA}], eax`),
    )
    .fault(
      "a locked read-modify-write of read-only data",
      { vector: 13, error: 0 },
      withFs(S.READ_ONLY, "lock inc dword [fs:0]"),
    )
    .fault(
      "execute-only: a read through CS",
      { vector: 13, error: 0, cs: S.EXECUTE_ONLY },
      `jmp ${S.EXECUTE_ONLY}:only
      only: mov eax, [cs:0]`,
    )
    .fault(
      "16-bit addresses wrap at FFFFh",
      { vector: 0x30 },
      `mov bx, 0xfff0
      mov byte [0x20], 0x5a
      mov al, [bx + 0x30]
      mov ecx, eax
      int 0x30`,
    )
    .check("the wrapped byte", `cmp byte [${TRAP.ECX}], 0x5a`)
    .fault(
      "a word at FFFFh of a 64 KB segment",
      { vector: 13, error: 0 },
      withFs(S.DATA16, "mov bx, 0xffff\nmov ax, [fs:bx]"),
    );
  runRom(rom);
});

Deno.test("the stack segment faults with #SS, and 16-bit stacks wrap", () => {
  const rom = new Rom("stacks", "protected");
  rom.fault(
    "an access through EBP beyond SS",
    { vector: 12, error: 0 },
    withSs(S.SMALL, "mov esp, 0x80\nmov ebp, 0x100\nmov eax, [ebp]"),
  )
    .user(
      "a push below an expand-down limit",
      { vector: 12, error: 0 },
      withSs(S.EXPAND_DOWN3, "mov esp, 0x1000\npush eax"),
    )
    .user(
      "a push that does not fit",
      { vector: 12, error: 0, eip: "push_at" },
      withSs(S.SMALL3, "mov esp, 0x104\npush_at: push eax"),
    )
    .value("a refused push keeps ESP", TRAP.ESP, 0x104)
    .user("a pop across the limit", { vector: 12, error: 0 }, withSs(S.SMALL3, "mov esp, 0xfe\npop eax"))
    .user(
      "PUSHA that does not fit writes nothing",
      { vector: 12, error: 0 },
      withSs(S.SMALL3, "mov esp, 0x1c\nmov eax, 1\npusha"),
    )
    .value("memory after the PUSHA", DATA + 0x18, 0)
    .user(
      "POPA across the limit changes no register",
      { vector: 12, error: 0 },
      withSs(S.SMALL3, "mov edi, 0x77\nmov esp, 0xe8\npopa"),
    )
    .value("EDI after the POPA", TRAP.EDI, 0x77)
    .user(
      "ENTER that does not fit",
      { vector: 12, error: 0, eip: "enter_at" },
      withSs(
        S.SMALL3,
        `
      mov esp, 0x10\nmov ebp, 0x40\nenter_at: enter 0x20, 0`,
      ),
    )
    .value("a refused ENTER keeps ESP", TRAP.ESP, 0x10)
    .user("a push across FFFFh of a 16-bit stack", { vector: 12, error: 0 }, withSs(S.DATA16_3, "mov esp, 2\npush eax"))
    .code(`${load("ss", S.DATA16)}
      mov esp, 0x12340000
      mov eax, 0x55667788
      push eax
      mov ebx, esp
      mov edx, [0xfffc]
      pop ecx
      mov ebp, esp
      ${load("ss", S.DATA0)}
      mov esp, ${AT.STACK}`)
    .check("a 16-bit stack wraps and keeps ESP's upper half", "cmp ebx, 0x1234fffc")
    .check("the pushed value is at FFFCh", "cmp edx, 0x55667788")
    .check("the popped value", "cmp ecx, 0x55667788")
    .check("ESP after the pop", "cmp ebp, 0x12340000")
    .code(`mov esp, ${AT.STACK}\npush dword 0x5a\npop dword [esp]`)
    .check("POP to memory addresses with the new ESP", `cmp dword [${AT.STACK}], 0x5a`)
    .code("push esp\npop eax").check("PUSH ESP pushes the old value", `cmp eax, ${AT.STACK}`)
    .code("push dword 0x11\npush dword 0x22\nmov ebp, esp\npush ebp\nmov ebp, esp\nleave")
    .check("LEAVE", `cmp esp, ${AT.STACK - 8}`)
    .code(`mov esp, ${AT.STACK}\nmov ebp, 0x1234\nenter 16, 0`)
    .check("ENTER: frame pointer", `cmp ebp, ${AT.STACK - 4}`)
    .check("ENTER: ESP", `cmp esp, ${AT.STACK - 20}`)
    .code(`mov esp, ${AT.STACK}\nmov ebp, ${DATA + 0x100}
      mov dword [${DATA + 0xfc}], 0x71
      mov dword [${DATA + 0xf8}], 0x72
      enter 8, 3`)
    .check("ENTER with a display: the frame pointers of outer levels", `cmp dword [${AT.STACK - 8}], 0x71`)
    .check("ENTER with a display: the second", `cmp dword [${AT.STACK - 12}], 0x72`)
    .check("ENTER with a display: its own", `cmp dword [${AT.STACK - 16}], ${AT.STACK - 4}`)
    .check("ENTER with a display: ESP", `cmp esp, ${AT.STACK - 24}`)
    .code(`mov esp, ${AT.STACK}`);
  runRom(rom);
});

Deno.test("code runs up to the code segment's last byte and not beyond", () => {
  const rom = new Rom("code limit", "protected");
  const at = (offset: number) => AT.CODE + offset;
  const small = { vector: 13, error: 0, cs: S.SMALL_CODE };
  const go = `jmp ${S.SMALL_CODE}:0x90`;
  rom.code(`mov word [${at(0xfe)}], 0xcb90\ncall ${S.SMALL_CODE}:0xfe`)
    .check("the last byte is executed", `cmp dword [${TRAP.COUNT}], 0`)
    .code(`mov word [${at(0xfe)}], 0x9090`)
    .fault("running past the limit", { ...small, eip: 0x100 }, `jmp ${S.SMALL_CODE}:0xfe`)
    .code(`mov word [${at(0xfe)}], 0xb890`)
    .fault("an instruction across the limit", { ...small, eip: 0xff }, `jmp ${S.SMALL_CODE}:0xfe`)
    .fault(
      "a far jump beyond the limit",
      { vector: 13, error: 0, cs: S.CODE0, eip: "far_at" },
      `far_at: jmp ${S.SMALL_CODE}:0x100`,
    )
    .fault("a far call beyond the limit", { vector: 13, error: 0, cs: S.CODE0 }, `call ${S.SMALL_CODE}:0x100`)
    .code(`mov word [${at(0x90)}], 0x7feb`)
    .fault("a short jump beyond the limit", { ...small, eip: 0x90 }, go)
    .code(`mov byte [${at(0x90)}], 0xe8\nmov dword [${at(0x91)}], 0x7f`)
    .fault("a near call beyond the limit", { ...small, eip: 0x90 }, go)
    .value("a refused call pushes nothing", TRAP.FRAME, AT.STACK - 12)
    .code(`mov dword [${at(0x90)}], 0xcb7f7490`)
    .code(`or eax, 1\ncall ${S.SMALL_CODE}:0x90`)
    .fault("a conditional jump that is taken", { ...small, eip: 0x91 }, `xor eax, eax\n${go}`)
    .code(`mov dword [${at(0x90)}], 0x90e0ff90`)
    .fault("an indirect jump", { ...small, eip: 0x91 }, `mov eax, 0x100\n${go}`)
    .code(`mov dword [${at(0x90)}], 0x90d0ff90`)
    .fault("an indirect call", { ...small, eip: 0x91 }, `mov eax, 0x100\n${go}`)
    .value("a refused indirect call pushes nothing", TRAP.FRAME, AT.STACK - 12)
    .code(`mov dword [${at(0x90)}], 0x9090c390`)
    .fault("a return", { ...small, eip: 0x91 }, `push dword 0x100\n${go}`)
    .value("a refused return pops nothing", TRAP.FRAME, AT.STACK - 16)
    .code(`mov dword [${at(0x90)}], 0x90907fe2`)
    .fault("LOOP", { ...small, eip: 0x90 }, `mov ecx, 5\n${go}`)
    .value("a refused LOOP keeps ECX", TRAP.ECX, 5)
    .fault("a jump to code that is not present", { vector: 11, error: S.ABSENT_CODE }, `jmp ${S.ABSENT_CODE}:0`)
    .fault("a jump to data", { vector: 13, error: S.DATA0 }, `jmp ${S.DATA0}:0`)
    .fault("a jump to a null selector", { vector: 13, error: 0 }, "jmp 0:0")
    .fault("a jump beyond the GDT", { vector: 13, error: 0x1f8 }, "jmp 0x1f8:0")
    .fault("a jump to ring 3", { vector: 13, error: S.CODE3 & ~3 }, `jmp ${S.CODE3}:0xf0000`)
    .fault("a return to data", { vector: 13, error: S.DATA0 }, `push dword ${S.DATA0}\npush dword 0\nretf`)
    .fault("a return to a null selector", { vector: 13, error: 0 }, "push dword 0\npush dword 0\nretf");
  runRom(rom);
});

Deno.test("LAR, LSL, VERR, VERW and ARPL tell what a descriptor allows", () => {
  const rom = new Rom("access rights", "protected");
  const zero = (text: string, instruction: string) => rom.check(text, instruction, "jz");
  const clear = (text: string, instruction: string) => rom.check(text, instruction, "jnz");
  rom.code(`mov ecx, ${S.SMALL}\nlar eax, cx`).check("LAR", "cmp eax, 0x409300")
    .code("lsl ebx, cx").check("LSL", "cmp ebx, 0xff")
    .code(`mov ecx, ${S.GRANULAR}\nlsl ebx, cx`).check("LSL of a granular segment", "cmp ebx, 0xfff");
  clear("LAR of a null selector", "xor ecx, ecx\nlar eax, cx");
  clear("LAR beyond the GDT", "mov ecx, 0x1f8\nlar eax, cx");
  zero("LAR of a call gate", `mov ecx, ${S.GATE}\nlar eax, cx`);
  clear("LSL of a call gate", `mov ecx, ${S.GATE}\nlsl eax, cx`);
  zero("LSL of a TSS", `mov ecx, ${S.TSS}\nlsl eax, cx`);
  clear("VERR of execute-only code", `mov ecx, ${S.EXECUTE_ONLY}\nverr cx`);
  zero("VERR of code", `mov ecx, ${S.CODE0}\nverr cx`);
  clear("VERW of read-only data", `mov ecx, ${S.READ_ONLY}\nverw cx`);
  zero("VERW of data", `mov ecx, ${S.DATA0}\nverw cx`);
  clear("VERR with RPL 3", `mov ecx, ${S.DATA0 | 3}\nverr cx`);
  rom.code("mov ax, 0x10\nmov bx, 3\narpl ax, bx").check("ARPL raises the RPL", "cmp ax, 0x13");
  clear("ARPL with the higher RPL", "mov ax, 0x13\nmov bx, 1\narpl ax, bx");
  rom.user(
    "LAR in ring 3 of DPL 0",
    { vector: 0x31 },
    `mov ecx, ${S.DATA0}\nlar eax, cx\njnz invisible\nint 0x30\ninvisible: int 0x31`,
  );
  runRom(rom);
});
