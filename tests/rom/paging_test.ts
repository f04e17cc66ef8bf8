import { AT, hex, PORT, Rom, S, TRAP } from "./rom.ts";
import { runRom } from "./run.ts";

/** Page-table bits. */
const P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100;

/** Linear addresses that the tests map as they like: the table at TABLE maps 00400000h on. */
const WINDOW = 0x40_0000;
const DIRECTORY = AT.PAGES, LOW = AT.PAGES + 0x1000, TABLE = AT.PAGES + 0x2000;
/** Physical pages to map there. */
const FRAME = 0x18_0000;

const pte = (page: number) => TABLE + page * 4;
const linear = (page: number) => WINDOW + page * 0x1000;

/** Turns paging on: the first 4 MB identically (user, writable), then WINDOW through TABLE. */
const PAGING = `mov edi, ${DIRECTORY}
  mov ecx, 0xc00
  xor eax, eax
  rep stosd
  mov dword [${DIRECTORY}], ${LOW | P | W | U}
  mov dword [${DIRECTORY + 4}], ${TABLE | P | W | U}
  mov edi, ${LOW}
  mov eax, ${P | W | U}
  .fill: stosd
  add eax, 0x1000
  cmp edi, ${LOW + 0x1000}
  jne .fill
  mov eax, ${DIRECTORY}
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  jmp paged
  paged:`;

const setPte = (page: number, frame: number, bits: number) =>
  `mov dword [${pte(page)}], ${hex((FRAME + frame * 0x1000) | bits)}\ninvlpg [${linear(page)}]`;

function paged(name: string): Rom {
  return new Rom(name, "protected").code(PAGING.replaceAll(".fill", "fill_low"));
}

Deno.test("page faults tell what was tried and why it failed", () => {
  const rom = paged("page faults");
  const at = linear(0);
  rom.fault(
    "a read of a page that is not present",
    { vector: 14, error: 0, cr2: at + 5, eip: "read_at" },
    `read_at: mov al, [${at + 5}]`,
  )
    .fault("a write", { vector: 14, error: 2, cr2: at }, `mov [${at}], eax`)
    .user("a read in ring 3", { vector: 14, error: 4, cr2: at }, `mov eax, [${at}]`)
    .user("a write in ring 3", { vector: 14, error: 6, cr2: at }, `mov [${at}], eax`)
    .user("a read-modify-write is a write", { vector: 14, error: 6, cr2: at }, `inc dword [${at}]`)
    .user("CMPXCHG is a write", { vector: 14, error: 6, cr2: at }, `cmpxchg [${at}], ecx`)
    .fault("a table that is not present", { vector: 14, error: 0, cr2: 0x80_1234 }, "mov al, [0x801234]")
    .code(setPte(0, 0, P | W))
    .user("a supervisor page in ring 3", { vector: 14, error: 5, cr2: at }, `mov al, [${at}]`)
    .user("a write to it", { vector: 14, error: 7, cr2: at + 9 }, `mov [${at + 9}], al`)
    .code(setPte(0, 0, P | U))
    .user(
      "a write to a read-only page in ring 3",
      { vector: 14, error: 7, cr2: at },
      `mov al, [${at}]\nmov [${at}], al`,
    )
    .code(`mov dword [${at}], 1`)
    .check("ring 0 writes to read-only pages without WP", `cmp dword [${FRAME}], 1`)
    .code("mov eax, cr0\nor eax, 0x10000\nmov cr0, eax")
    .fault("not with WP", { vector: 14, error: 3, cr2: at }, `mov dword [${at}], 2`)
    .code("mov eax, cr0\nand eax, 0xfffeffff\nmov cr0, eax").code(`mov dword [${at}], 3`)
    .check("and again without", `cmp dword [${FRAME}], 3`)
    .code(`mov dword [${DIRECTORY + 4}], ${TABLE | P | U}`).code(setPte(0, 0, P | W | U)).code(
      "mov eax, cr3\nmov cr3, eax",
    )
    .user("a read-only table", { vector: 14, error: 7, cr2: at }, `mov [${at}], al`)
    .code(`mov dword [${DIRECTORY + 4}], ${TABLE | P | W}\nmov eax, cr3\nmov cr3, eax`)
    .user("a supervisor table", { vector: 14, error: 5, cr2: at }, `mov al, [${at}]`)
    .code(`mov dword [${DIRECTORY + 4}], ${TABLE | P | W | U}\nmov eax, cr3\nmov cr3, eax`)
    .user("ring 3 uses system tables on supervisor pages", { vector: 0x30 }, `int 0x30`)
    .fault("a fetch", { vector: 14, error: 0, cr2: linear(3) + 8, eip: linear(3) + 8 }, `jmp ${linear(3) + 8}`)
    .code(setPte(1, 1, P | W))
    .user(
      "a fetch in ring 3 from a supervisor page",
      { vector: 14, error: 5, cr2: linear(1), eip: linear(1) },
      `jmp ${linear(1)}`,
    );
  runRom(rom);
});

Deno.test("an access that meets a fault on its second page changes nothing", () => {
  const rom = paged("page crossings");
  const end = linear(1);
  rom.code(setPte(0, 0, P | W | U))
    .code(`mov dword [${end - 4}], 0x11111111`)
    .fault("a read across", { vector: 14, error: 0, cr2: end }, `mov eax, [${end - 2}]`)
    .fault("a write across", { vector: 14, error: 2, cr2: end }, `mov dword [${end - 2}], 0x22222222`)
    .value("the first page after the write", end - 4, 0x11111111)
    .fault("a word write across", { vector: 14, error: 2, cr2: end }, `mov word [${end - 1}], 0x2222`)
    .fault("a read-modify-write across", { vector: 14, error: 2, cr2: end }, `add dword [${end - 1}], 1`)
    .value("the first page after it", end - 4, 0x11111111)
    .user("a push across", { vector: 14, error: 6, cr2: end }, `mov esp, ${end + 2}\npush dword 0x33333333`)
    .value("ESP after the push", TRAP.ESP, end + 2)
    .value("the first page after the push", end - 4, 0x11111111)
    .user("PUSHA from a missing page", { vector: 14, error: 6, cr2: end + 4 }, `mov esp, ${end + 8}\npusha`)
    .value("the first page after PUSHA", end - 4, 0x11111111)
    .user(
      "a call whose push fails stays",
      { vector: 14, error: 6, cr2: end, eip: "call_at" },
      `mov esp, ${end + 4}
      call_at: call call_at`,
    )
    .user("a pop into a missing page keeps ESP", { vector: 14, error: 6, cr2: end }, `push eax\npop dword [${end}]`)
    .value("ESP after the pop", TRAP.ESP, AT.STACK3 - 4)
    .user("XCHG keeps the register", { vector: 14, error: 6 }, `mov ecx, 0x44\nxchg [${end}], ecx`)
    .value("ECX after XCHG", TRAP.ECX, 0x44)
    .fault("CMPXCHG8B across", { vector: 14, error: 2, cr2: end }, `cmpxchg8b [${end - 4}]`)
    .fault(
      "REP MOVSD stops at the fault",
      { vector: 14, error: 2, cr2: end },
      `mov esi, ${AT.DATA}
      mov edi, ${end - 16}
      mov ecx, 100
      rep movsd`,
    )
    .value("ECX", TRAP.ECX, 96)
    .value("ESI", TRAP.ESI, AT.DATA + 16)
    .value("EDI", TRAP.EDI, end)
    .code(setPte(3, 3, P | W | U))
    .fault(
      "REP MOVSB backwards",
      { vector: 14, error: 0, cr2: linear(3) - 1 },
      `std
      mov esi, ${linear(3) + 5}
      mov edi, ${AT.DATA + 0x80}
      mov ecx, 100
      rep movsb`,
    )
    .value("ECX backwards", TRAP.ECX, 94)
    .code("cld")
    .fault(
      "REP STOSW whose last item crosses",
      { vector: 14, error: 2, cr2: end },
      `mov edi, ${end - 7}
      mov ecx, 10
      rep stosw`,
    )
    .value("ECX of STOSW", TRAP.ECX, 7)
    .value("EDI of STOSW", TRAP.EDI, end - 1)
    .fault(
      "REPE CMPSB",
      { vector: 14, error: 0, cr2: end },
      `xor eax, eax
      mov edi, ${end - 8}
      mov ecx, 2
      rep stosd
      mov edi, ${AT.DATA}
      mov ecx, 2
      rep stosd
      mov esi, ${end - 8}
      mov edi, ${AT.DATA}
      mov ecx, 20
      repe cmpsb`,
    )
    .value("ECX of CMPSB", TRAP.ECX, 12)
    .fault("REP INSB", { vector: 14, error: 2, cr2: end }, `mov edi, ${end - 3}\nmov ecx, 9\nmov dx, 0x99\nrep insb`)
    .value("ECX of INSB", TRAP.ECX, 6)
    .fault("REP OUTSB", { vector: 14, error: 0, cr2: end }, `mov esi, ${end - 3}\nmov ecx, 9\nmov dx, 0x99\nrep outsb`)
    .value("ECX of OUTSB", TRAP.ECX, 6);
  runRom(rom);
});

Deno.test("accessed and dirty bits are set when they must be and not before", () => {
  const rom = paged("accessed and dirty");
  const bits = (description: string, page: number, expected: number) =>
    rom.check(description, `mov eax, [${pte(page)}]\nand eax, ${A | D}\ncmp eax, ${expected}`);
  for (let page = 0; page < 8; page++) rom.code(setPte(page, page, P | W | U));
  bits("untouched", 0, 0);
  rom.code(`and dword [${DIRECTORY + 4}], ${hex(~(A | D))}\nmov eax, cr3\nmov cr3, eax\nmov al, [${linear(0)}]`);
  bits("read", 0, A);
  rom.check("the directory's accessed bit", `test dword [${DIRECTORY + 4}], ${A}`, "jnz");
  rom.check("the directory has no dirty bit", `test dword [${DIRECTORY + 4}], ${D}`, "jz");
  rom.code(`mov [${linear(0)}], al`);
  bits("written after a read", 0, A | D);
  rom.code(`mov [${linear(1)}], al`);
  bits("written", 1, A | D);
  rom.code(`cmp dword [${linear(2)}], 0`);
  bits("compared", 2, A);
  rom.code(`xor eax, eax\nmov ecx, 5\ncmpxchg [${linear(3)}], ecx`);
  bits("CMPXCHG that stores", 3, A | D);
  rom.code(`mov eax, 77\ncmpxchg [${linear(3)}], ecx`);
  rom.code(setPte(4, 4, P | U)).code("mov eax, cr0\nor eax, 0x10000\nmov cr0, eax")
    .fault("a refused write", { vector: 14, error: 3 }, `mov [${linear(4)}], al`);
  bits("a refused write sets no dirty bit", 4, 0);
  rom.code(
    `mov byte [${linear(5)}], 0xc3\nand dword [${pte(5)}], ${hex(~(A | D))}\ninvlpg [${linear(5)}]\nmov eax, ${
      linear(5)
    }\ncall eax`,
  );
  bits("executed", 5, A);
  rom.code(`and dword [${pte(0)}], ${hex(~D)}\ninvlpg [${linear(0)}]\nmov al, [${linear(0)}]\nmov [${linear(0)}], al`);
  bits("dirty again after INVLPG", 0, A | D);
  rom.code(`lea edi, [${linear(6)}]\nmov esi, edi\nmov ecx, 4\nrep lodsd`);
  bits("LODS", 6, A);
  rom.code(`mov edi, ${linear(7)}\nmov ecx, 4\nrep stosd`);
  bits("STOS", 7, A | D);
  runRom(rom);
});

Deno.test("4 MB pages, global pages and flushes", () => {
  const rom = paged("large and global pages");
  const LARGE = 0xc0_0000;
  rom.code("mov eax, cr4\nor eax, 0x90\nmov cr4, eax")
    .code(`mov dword [${DIRECTORY + (LARGE >>> 22) * 4}], ${hex(P | W | U | PS)}`)
    .code(`mov dword [${FRAME + 0x123c}], 0x600d600d\nmov eax, [${LARGE + FRAME + 0x123c}]`)
    .check("a read through a 4 MB page", "cmp eax, 0x600d600d")
    .check("its accessed bit", `mov eax, [${DIRECTORY + (LARGE >>> 22) * 4}]\nand eax, ${A | D}\ncmp eax, ${A}`)
    .code(`mov dword [${LARGE + FRAME + 0x2000}], 7`)
    .check("a write through it", `cmp dword [${FRAME + 0x2000}], 7`)
    .check("its dirty bit", `mov eax, [${DIRECTORY + (LARGE >>> 22) * 4}]\nand eax, ${A | D}\ncmp eax, ${A | D}`)
    .code(`mov dword [${DIRECTORY + (LARGE >>> 22) * 4}], ${hex(P | W | PS)}\nmov eax, cr3\nmov cr3, eax`)
    .user("a supervisor 4 MB page in ring 3", { vector: 14, error: 5, cr2: LARGE + 4 }, `mov al, [${LARGE + 4}]`)
    .code(`mov dword [${DIRECTORY + (LARGE >>> 22) * 4}], ${hex(P | U | PS)}\nmov eax, cr3\nmov cr3, eax`)
    .user("a read-only 4 MB page in ring 3", { vector: 14, error: 7, cr2: LARGE + 4 }, `mov [${LARGE + 4}], al`)
    .code(`mov dword [${DIRECTORY + (LARGE >>> 22) * 4}], ${hex(P | W | PS | 0x2000)}\nmov eax, cr3\nmov cr3, eax`)
    .fault("reserved bits of a 4 MB page", { vector: 14, error: 9, cr2: LARGE + 4 }, `mov al, [${LARGE + 4}]`)
    .code(`mov dword [${DIRECTORY + (LARGE >>> 22) * 4}], 0\nmov eax, cr3\nmov cr3, eax`)
    // Frame 0 holds 1, frame 1 holds 2.
    .code(`mov dword [${FRAME}], 1\nmov dword [${FRAME + 0x1000}], 2`)
    .code(setPte(0, 0, P | W | U | G)).code(setPte(1, 0, P | W | U))
    .code(`mov eax, [${linear(0)}]\nmov eax, [${linear(1)}]
      mov dword [${pte(0)}], ${hex(FRAME + 0x1000 | P | W | U | G)}
      mov dword [${pte(1)}], ${hex(FRAME + 0x1000 | P | W | U)}
      mov eax, cr3
      mov cr3, eax
      mov ecx, [${linear(0)}]
      mov edx, [${linear(1)}]`)
    .check("a global page outlives a load of CR3", "cmp ecx, 1")
    .check("another page does not", "cmp edx, 2")
    .code(`invlpg [${linear(0)}]\nmov ecx, [${linear(0)}]`)
    .check("INVLPG ends a global page", "cmp ecx, 2")
    .code(
      `mov dword [${pte(0)}], ${
        hex(FRAME | P | W | U | G)
      }\nmov eax, cr4\nand al, 0x7f\nmov cr4, eax\nor al, 0x80\nmov cr4, eax\nmov ecx, [${linear(0)}]`,
    )
    .check("so does a change of CR4.PGE", "cmp ecx, 1")
    .code(`mov dword [${pte(0)}], ${hex(FRAME + 0x1000 | P | W | U)}
      mov eax, cr0
      and eax, 0x7fffffff
      mov cr0, eax
      or eax, 0x80000000
      mov cr0, eax
      mov ecx, [${linear(0)}]`)
    .check("and of CR0.PG", "cmp ecx, 2");
  runRom(rom);
});

Deno.test("another address space takes effect at once", () => {
  const rom = paged("address spaces");
  const OTHER = AT.PAGES + 0x4000, OTHER_TABLE = AT.PAGES + 0x5000;
  rom.code(`mov esi, ${DIRECTORY}\nmov edi, ${OTHER}\nmov ecx, 0x400\nrep movsd
      mov edi, ${OTHER_TABLE}\nmov ecx, 0x400\nxor eax, eax\nrep stosd
      mov dword [${OTHER + 4}], ${hex(OTHER_TABLE | P | W | U)}
      mov dword [${OTHER_TABLE}], ${hex(FRAME + 0x1000 | P | W | U)}
      mov dword [${OTHER_TABLE + 4}], ${hex(FRAME + 0x3000 | P | W | U)}`)
    .code(setPte(0, 0, P | W | U)).code(setPte(1, 2, P | W | U))
    // Frame 0: MOV EAX, 1; RET. Frame 1: MOV EAX, 2; RET.
    .code(`mov dword [${FRAME}], 0x000001b8\nmov word [${FRAME + 4}], 0xc300
      mov dword [${FRAME + 0x1000}], 0x000002b8\nmov word [${FRAME + 0x1004}], 0xc300`)
    .code(`mov ebx, ${linear(0)}
      call ebx
      mov ecx, eax
      mov eax, ${OTHER}
      mov cr3, eax
      call ebx
      mov edx, eax
      mov eax, ${DIRECTORY}
      mov cr3, eax
      call ebx`)
    .check("code of the first space", "cmp ecx, 1")
    .check("code of the second", "cmp edx, 2")
    .check("code of the first again", "cmp eax, 1")
    // An instruction across two pages: MOV EAX, imm32 at FFDh: the immediate's last two bytes lie in the second page.
    .code(`mov dword [${FRAME + 0xffc}], 0x3412b890
      mov dword [${FRAME + 0x1ffc}], 0x3412b890
      mov dword [${FRAME + 0x2000}], 0x00c37856
      mov dword [${FRAME + 0x3000}], 0x00c3bc9a
      mov ebx, ${linear(0) + 0xffc}
      call ebx
      mov ecx, eax
      mov eax, ${OTHER}
      mov cr3, eax
      call ebx
      mov edx, eax
      mov eax, ${DIRECTORY}
      mov cr3, eax
      call ebx`)
    .check("a straddling instruction of the first space", "cmp ecx, 0x78563412")
    .check("of the second", "cmp edx, 0xbc9a3412")
    .check("and of the first again", "cmp eax, 0x78563412")
    // The same first page with another second page.
    .code(`mov dword [${OTHER_TABLE}], ${hex(FRAME | P | W | U)}
      mov eax, ${OTHER}
      mov cr3, eax
      call ebx
      mov edx, eax
      mov eax, ${DIRECTORY}
      mov cr3, eax
      call ebx`)
    .check("one first page, two second pages", "cmp edx, 0xbc9a3412")
    .check("and back", "cmp eax, 0x78563412")
    .code(setPte(1, 3, P | W | U)).code("call ebx").check("INVLPG of the second page", "cmp eax, 0xbc9a3412")
    .code(setPte(1, 2, P | W | U)).code("call ebx").check("and again", "cmp eax, 0x78563412")
    .code(`mov dword [${pte(1)}], 0\ninvlpg [${linear(1)}]`)
    .fault(
      "a missing second page",
      { vector: 14, error: 0, cr2: linear(1), eip: linear(0) + 0xffd },
      `mov ebx, ${linear(0) + 0xffc}\ncall ebx`,
    );
  runRom(rom);
});

Deno.test("A20 closed folds every second megabyte, paging included", () => {
  const rom = new Rom("A20", "protected");
  rom.code(`mov dword [0x50000], 1\nmov dword [0x150000], 2
      mov al, 0
      out ${PORT.A20}, al
      mov eax, [0x150000]
      mov dword [0x150004], 3
      mov ebx, [0x50004]
      mov al, 2
      push eax
      out ${PORT.A20}, al
      pop eax
      mov ecx, [0x150004]`)
    .check("a read", "mov edx, [0x50000]\ncmp edx, 1")
    .check("a write", "cmp ebx, 3")
    .check("open again", "cmp ecx, 0")
    .code(PAGING.replaceAll(".fill", "fill_low"))
    .code(`mov dword [${pte(0)}], ${hex(0x150000 | P | W | U)}\nmov eax, [${linear(0)}]`)
    .check("a page at 150000h", "cmp eax, 2");
  runRom(rom);
});

Deno.test("faults of the monitor's own accesses: descriptors and stacks on missing pages", () => {
  const rom = paged("system structures");
  rom.code(setPte(0, 0, P | W | U))
    .code(`mov esi, ${AT.GDT}\nmov edi, ${linear(0)}\nmov ecx, ${(S.LIMIT + 1) / 4}\nrep movsd
      mov word [${linear(0) + 0x800}], 0x17ff
      mov dword [${linear(0) + 0x802}], ${linear(0)}
      lgdt [${linear(0) + 0x800}]`)
    .fault(
      "a descriptor on a missing page",
      { vector: 14, error: 0, cr2: linear(1) + 0x10 },
      "mov ax, 0x1010\nmov fs, ax",
    )
    .user(
      "in ring 3 it is a supervisor access",
      { vector: 14, error: 0, cr2: linear(1) + 0x10 },
      "mov ax, 0x1010\nmov fs, ax",
    )
    .code("lgdt [ram_gdtr]")
    .code(`mov dword [${AT.TSS + 4}], ${linear(1) + 0x10}`)
    .code(setPte(1, 1, P | W | U))
    .user("an interrupt on a stack that is there", { vector: 0x30 }, "int 0x30")
    .code(`mov dword [${AT.TSS + 4}], ${AT.STACK0}`)
    .user("user pages may hold the inner stack", { vector: 0x30 }, "int 0x30")
    .code(`mov dword [${AT.TSS + 12}], ${linear(4)}`)
    .user("a call gate onto a missing stack page", { vector: 14, error: 2, cr2: linear(4) - 4 }, `call ${S.GATE1}:0`);
  rom.apart("gate_target: int3");
  runRom(rom);
});
