import { AT, hex, Rom, TRAP } from "./rom.ts";
import { runRom } from "./run.ts";

/** Code for RAM, at AT.CODE unless `address` says otherwise: copies the routine, calls it, then checks EAX. */
class SelfModifyingRom extends Rom {
  #routines = 0;

  constructor(name: string) {
    super(name, "protected");
  }

  /** Runs a routine that changes code; `expected` is EAX when it returns. */
  routine(description: string, expected: number, code: string, address: number = AT.CODE): this {
    const name = `routine${this.#routines++}`;
    this.apart(`${name}: ${code}\n${name}_end:`);
    this.code(`mov esi, ${name}
      mov edi, ${address}
      mov ecx, ${name}_end - ${name}
      rep movsb
      mov ebx, ${address}
      xor eax, eax
      call ebx`);
    return this.check(description, `cmp eax, ${hex(expected)}`);
  }
}

/** EBX is the routine's address; `at(label)` is a label's place relative to it. */
const at = (name: number, label: string) => `[ebx + (${label} - routine${name})]`;

Deno.test("code that changes code sees the change at the next instruction", () => {
  const rom = new SelfModifyingRom("self-modifying code");
  let n = 0;
  rom.routine(
    "the next instruction",
    2,
    `mov byte ${at(n, "next + 1")}, 2
    next: mov eax, 1
    ret`,
  );
  n++;
  rom.routine(
    "later in the block",
    3,
    `nop
    mov byte ${at(n, "later + 1")}, 3
    nop
    nop
    later: mov eax, 1
    ret`,
  );
  n++;
  rom.routine(
    "an earlier instruction of a loop",
    1 + 2 + 2,
    `mov ecx, 3
    again: add eax, 1
    mov byte ${at(n, "again + 2")}, 2
    dec ecx
    jnz again
    ret`,
  );
  n++;
  rom.routine(
    "the branch itself",
    7,
    `xor ecx, ecx
    mov byte ${at(n, "jump")}, 0x90
    mov byte ${at(n, "jump + 1")}, 0x90
    jump: jmp short away
    mov eax, 7
    ret
    away: mov eax, 8
    ret`,
  );
  n++;
  rom.routine(
    "the target of a branch already run",
    5,
    `mov ecx, 2
    loop4: call target4
    mov byte ${at(n, "target4 + 1")}, 5
    dec ecx
    jnz loop4
    ret
    target4: mov eax, 1
    ret`,
  );
  n++;
  rom.routine(
    "by a string over the code ahead",
    0x90909090 >>> 0,
    `lea edi, ${at(n, "ahead")}
    mov ecx, 5
    mov al, 0x90
    rep stosb
    mov eax, 0x90909090
    ahead: mov eax, 1
    ret`,
  );
  n++;
  rom.routine(
    "by a push",
    6,
    `mov ebp, esp
    lea esp, ${at(n, "pushed + 5")}
    push dword 0x00000006
    mov esp, ebp
    pushed: mov eax, 0x11111111
    ret`,
  );
  n++;
  rom.routine(
    "an instruction's prefix",
    0x1_0000,
    `mov eax, 0xffff
    mov byte ${at(n, "prefix")}, 0x90
    prefix: db 0x66
    inc eax
    ret`,
  );
  n++;
  rom.routine(
    "a conditional jump that was never taken",
    9,
    `mov ecx, 1
    loop8: test ecx, ecx
    branch8: jz short out8
    mov byte ${at(n, "branch8")}, 0x75
    dec ecx
    inc ecx
    jmp loop8
    out8: mov eax, 9
    ret`,
  );
  n++;
  rom.routine(
    "an x87 store over the code ahead",
    1,
    `fninit
    fld1
    fstp dword ${at(n, "fpu + 1")}
    fpu: mov eax, 0x12345678
    shr eax, 23
    sub eax, 126
    ret`,
  );
  n++;
  rom.routine(
    "XCHG and CMPXCHG",
    0x21,
    `mov ecx, 0x20
    xchg cl, ${at(n, "exchanged + 1")}
    mov al, ${at(n, "second + 2")}
    mov cl, 1
    cmpxchg ${at(n, "second + 2")}, cl
    exchanged: mov eax, 0x77
    second: add eax, byte 5
    ret`,
  );
  runRom(rom);
});

Deno.test("changes by another page, another address, and across a page's end are seen", () => {
  const rom = new SelfModifyingRom("self-modifying code across pages");
  let n = 0;
  rom.code(`mov word [${AT.CODE + 0x2000}], 0xc340`)
    .code(`mov ebx, ${AT.CODE + 0x2000}\nxor eax, eax\ncall ebx`).check("INC EAX", "cmp eax, 1")
    .code(`mov byte [${AT.CODE + 0x2000}], 0x48\ncall ebx`).check("DEC EAX", "cmp eax, 0")
    .code(`mov dword [${AT.CODE + 0x1ffe}], 0xc3404040\ncall ebx`).check(
      "a write across the page's start",
      "cmp eax, 1",
    );
  rom.routine(
    "a straddling instruction's first page",
    0x44332212,
    `mov byte ${at(n, "straddling0 + 1")}, 0x12
    jmp straddling0
    times 0xffd - ($ - routine0) db 0x90
    straddling0: mov eax, 0x44332211
    ret`,
  );
  n++;
  rom.routine(
    "its second page",
    0x44332211,
    `mov byte ${at(n, "straddling1 + 4")}, 0x44
    jmp straddling1
    times 0xffd - ($ - routine1) db 0x90
    straddling1: mov eax, 0x99332211
    ret`,
  );
  n++;
  rom.routine(
    "while it is being run again and again",
    0x11 + 0x12 + 0x13,
    `mov ecx, 3
    xor edx, edx
    again2: jmp straddling2
    times 0xffe - ($ - routine2) db 0x90
    straddling2: mov eax, 0x11
    add edx, eax
    inc byte ${at(n, "straddling2 + 1")}
    dec ecx
    jnz straddling2
    mov eax, edx
    ret`,
  );
  n++;
  rom.routine(
    "the byte in the second page, from the first",
    0x0100_0005 + 0x0200_0005,
    `mov ecx, 2
    xor edx, edx
    jmp straddling3
    times 0xffb - ($ - routine3) db 0x90
    straddling3: mov eax, 0x01000005
    add edx, eax
    inc byte ${at(n, "straddling3 + 4")}
    dec ecx
    jnz straddling3
    mov eax, edx
    ret`,
  );
  n++;
  rom.routine(
    "a word written across both pages",
    0x22114433,
    `mov word ${at(n, "straddling4 + 3")}, 0x2211
    jmp straddling4
    times 0xffc - ($ - routine4) db 0x90
    straddling4: mov eax, 0x99994433
    ret`,
  );
  n++;
  // With A20 closed, 1xxxxxh is the same memory as 0xxxxxh.
  rom.code(`mov dword [${AT.CODE}], 0x00000bb8\nmov word [${AT.CODE + 4}], 0xc300
      mov ebx, ${AT.CODE}
      mov al, 0
      out 0x92, al
      call ebx`)
    .check("before", "cmp eax, 0xb")
    .code(`mov byte [${AT.CODE + 0x10_0001}], 0xc\ncall ebx\nmov ecx, eax\nmov al, 2\nout 0x92, al`)
    .check("by another address of the same memory", "cmp ecx, 0xc");
  rom.code(`mov edi, ${AT.PAGES}
      mov ecx, 0x800
      xor eax, eax
      rep stosd
      mov dword [${AT.PAGES}], ${AT.PAGES + 0x1000 | 3}
      mov edi, ${AT.PAGES + 0x1000}
      mov eax, 3
      identity: stosd
      add eax, 0x1000
      cmp edi, ${AT.PAGES + 0x2000}
      jne identity
      mov dword [${AT.PAGES + 0x1000 + 0x300 * 4}], ${AT.CODE | 3}
      mov eax, ${AT.PAGES}
      mov cr3, eax
      mov eax, cr0
      or eax, 0x80000000
      mov cr0, eax
      mov ebx, ${AT.CODE}
      mov byte [${AT.CODE + 1}], 0xd
      call ebx`)
    .check("with paging", "cmp eax, 0xd")
    .code(`mov byte [0x300001], 0xe\ncall ebx`)
    .check("by another mapping of the page", "cmp eax, 0xe")
    .code(`mov ecx, 0x300000\nmov byte [${AT.CODE + 1}], 0xf\ncall ecx`)
    .check("run by another mapping", "cmp eax, 0xf")
    .code("mov byte [0x300001], 0x10\ncall ecx")
    .check("written and run by it", "cmp eax, 0x10")
    .code("call ebx")
    .check("run by the first", "cmp eax, 0x10");
  rom.routine(
    "code that changes itself by another mapping",
    0x55,
    `mov byte [0x300000 + (mapped - routine5) + 1], 0x55
    mapped: mov eax, 0x11
    ret`,
  );
  n++;
  runRom(rom);
});

Deno.test("the same bytes run as 16-bit and as 32-bit code", () => {
  const rom = new Rom("code sizes", "protected");
  const CODE32 = 0x118, CODE16 = 0x120;
  // MOV EAX, imm32 and NOP, or MOV AX, imm16 and NOPs; then INT 30h.
  rom.code(`mov dword [${AT.CODE}], 0x901234b8
      mov dword [${AT.CODE + 4}], 0x30cd9090
      mov dword [${AT.GDT + CODE32}], 0xffff
      mov dword [${AT.GDT + CODE32 + 4}], 0x409b02
      mov dword [${AT.GDT + CODE16}], 0xffff
      mov dword [${AT.GDT + CODE16 + 4}], 0x9b02`);
  for (let time = 1; time <= 3; time++) {
    rom.fault(`as 32-bit code, time ${time}`, { vector: 0x30, cs: CODE32 }, `xor eax, eax\njmp ${CODE32}:0`)
      .value(`EAX, time ${time}`, TRAP.EAX, 0x90901234)
      .fault(`as 16-bit code, time ${time}`, { vector: 0x30, cs: CODE16 }, `xor eax, eax\njmp ${CODE16}:0`)
      .value(`AX, time ${time}`, TRAP.EAX, 0x1234);
  }
  runRom(rom);
});
