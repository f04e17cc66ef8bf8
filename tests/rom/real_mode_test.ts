import { AT, PORT, Rom } from "./rom.ts";
import { runRom } from "./run.ts";

/** Where a handler notes IP, CS and FLAGS, and counts. */
const SEEN = 0x600;

/** A real-mode ROM with handlers of vectors 0 to 13 that note what they find and continue at the word at RESUME, CS F000h. */
class RealRom extends Rom {
  #faults = 0;

  constructor(name: string) {
    super(name, "real");
    this.code(`mov cx, 0x31
      mov di, 0
      vectors: mov word [di], handler - 0xf0000
      mov word [di + 2], 0xf000
      add di, 4
      loop vectors`);
    for (const vector of [0, 1, 3, 4, 5, 6, 7, 8, 12, 13, 0x20]) {
      this.code(`mov word [${vector * 4}], vector${vector} - 0xf0000`)
        .apart(`vector${vector}: push word ${vector}\njmp handler`);
    }
    this.apart(`handler: push ds
      push ax
      xor ax, ax
      mov ds, ax
      pop word [${SEEN + 10}]
      pop word [${SEEN + 12}]
      pop word [${SEEN}]
      pop word [${SEEN + 2}]
      pop word [${SEEN + 4}]
      pop word [${SEEN + 6}]
      mov [${SEEN + 8}], sp
      inc word [${SEEN + 14}]
      mov es, ax
      mov ss, ax
      mov esp, ${AT.STACK}
      jmp [${AT.RESUME}]`);
  }

  /** Runs code that must raise an exception whose saved IP is the label `at`. */
  trap(description: string, vector: number, at: string, code: string): this {
    const name = `real${this.#faults++}`;
    return this.code(`mov word [${AT.RESUME}], ${name} - 0xf0000
      mov word [${SEEN}], 0xffff
      ${code}
      ${name}:`)
      .check(description, `cmp word [${SEEN}], ${vector}`)
      .check(`${description}: IP`, `cmp word [${SEEN + 2}], (${at}) - 0xf0000`);
  }
}

Deno.test("the CPU starts as the manual says", () => {
  const rom = new Rom("reset", "real");
  // The monitor has changed EAX, ESP and the segments already.
  rom.check("EDX tells the model", "and edx, 0xfff\ncmp edx, 0x683")
    .check("ECX", "test ecx, ecx").check("ESI", "test esi, esi").check("EBP", "test ebp, ebp")
    .check("FLAGS", "pushf\npop ax\nand ax, 0x7f2a\ncmp ax, 2")
    .check("CR0", "mov eax, cr0\ncmp eax, 0x60000010")
    .check("CR3", "mov eax, cr3\ntest eax, eax").check("CR4", "mov eax, cr4\ntest eax, eax")
    .check("DR7", "mov eax, dr7\ncmp eax, 0x400")
    .check("CS", "mov ax, cs\ncmp ax, 0xf000")
    .code(`sidt [${SEEN}]`).check("IDTR", `cmp word [${SEEN}], 0xffff`);
  runRom(rom);
});

Deno.test("real mode: offsets, limits and wraparound", () => {
  const rom = new RealRom("real-mode limits");
  rom.trap("a word at FFFFh", 13, "w1", "mov bx, 0xffff\nw1: mov ax, [bx]")
    .trap("a write at FFFFh", 13, "w2", "mov bx, 0xffff\nw2: mov [bx], ax")
    .trap("a dword at FFFDh", 13, "w3", "mov bx, 0xfffd\nw3: mov eax, [bx]")
    .trap("a byte at 10000h", 13, "w4", "mov ebx, 0x10000\nw4: mov al, [ebx]")
    .trap("a word at FFFFh of the stack segment", 12, "w5", "mov bp, 0xffff\nw5: mov ax, [bp]")
    .code(`mov ax, 0x1000
      mov ss, ax
      xor sp, sp
      mov cx, 0x1234
      push cx
      mov bx, sp
      mov dx, [ss:0xfffe]
      pop ax
      mov bp, sp
      xor si, si
      mov ss, si
      mov esp, ${AT.STACK}`)
    .check("a push with SP 0 wraps", "cmp bx, 0xfffe").check("it is stored at FFFEh", "cmp dx, 0x1234").check(
      "and popped",
      "cmp bp, 0",
    )
    .code("mov byte [0x12], 0x77\nmov bx, 0xfff0\nmov al, [bx + 0x22]").check("16-bit addresses wrap", "cmp al, 0x77")
    .code(`mov ax, 0x1000\nmov es, ax\nmov di, 0xfffe\nmov cx, 3\nmov ax, 0x4142\nrep stosw`)
    .check("a string wraps at 64 KB", "cmp di, 4").check("its last item", "cmp word [es:2], 0x4142")
    .code("mov esi, 0x12340000\nmov si, 5\nlodsb").check(
      "16-bit string registers keep their upper halves",
      "cmp esi, 0x12340006",
    )
    .code("mov ecx, 0x00010002\nmov bx, 0\nloop16: inc bx\nloop loop16").check("LOOP counts in CX", "cmp bx, 2").check(
      "ECX above CX",
      "cmp ecx, 0x10000",
    )
    .code("mov ecx, 2\nmov bx, 0\nloop32: inc bx\na32 loop loop32").check(
      "with a 32-bit address size in ECX",
      "cmp bx, 2",
    )
    .trap("a jump beyond 64 KB", 13, "w7", "mov eax, 0x10000\nw7: jmp eax")
    .trap("a 32-bit far jump beyond 64 KB", 13, "w8", "w8: jmp dword 0xf000:0x10000")
    .code("mov eax, 0x12345678\npush eax\npop bx\npop cx").check("32-bit pushes", "cmp bx, 0x5678").check(
      "and their upper half",
      "cmp cx, 0x1234",
    )
    .trap("LOCK", 6, "w9", "w9: db 0xf0, 0x8b, 0x07")
    .trap("an instruction of 16 bytes", 13, "w10", "w10: times 15 db 0x26\nnop")
    .trap("ARPL", 6, "w11", "w11: db 0x63, 0xc0").trap("LAR", 6, "w12", "w12: db 0x0f, 0x02, 0xc0").trap(
      "LTR",
      6,
      "w13",
      "w13: db 0x0f, 0, 0xd8",
    );
  runRom(rom);
});

Deno.test("real mode: interrupts and exceptions through the vector table", () => {
  const rom = new RealRom("real-mode interrupts");
  rom.trap("INT 20h", 0x20, "after_int", "int 0x20\nafter_int: nop")
    .trap("INT3", 3, "after_3", "int3\nafter_3: nop")
    .trap("INTO", 4, "after_4", "mov al, 0x7f\nadd al, 1\ninto\nafter_4: nop")
    .trap("#DE", 0, "div_at", "xor cx, cx\ndiv_at: div cx")
    .trap("#BR", 5, "bound_at", "mov word [0x700], 1\nmov word [0x702], 2\nxor ax, ax\nbound_at: bound ax, [0x700]")
    .trap("#UD", 6, "ud_at", "ud_at: ud2")
    .check("no error code: SP", `cmp word [${SEEN + 8}], ${AT.STACK}`)
    .trap("#GP pushes no error code", 13, "gp_at", "mov bx, -1\ngp_at: mov ax, [bx]")
    .check("SP again", `cmp word [${SEEN + 8}], ${AT.STACK}`)
    .trap("IF and TF are saved", 0x20, "after_if", "sti\nint 0x20\nafter_if: nop")
    .check("the image", `test word [${SEEN + 6}], 0x200`, "jnz")
    .check("and cleared", "pushf\npop ax\ntest ah, 3", "jz")
    .code("lidt [cs:(moved - 0xf0000)]").apart("moved: dw 0x3ff\ndd 0x8000")
    .code(`mov word [0x8080], vector32 - 0xf0000\nmov word [0x8082], 0xf000`)
    .trap("LIDT moves the table", 0x20, "after_moved", "int 0x20\nafter_moved: nop")
    .code("lidt [cs:(short - 0xf0000)]").apart("short: dw 0x7f\ndd 0")
    .trap("a vector beyond the IDT's limit", 13, "beyond", "beyond: int 0x20")
    .code("lidt [cs:(whole - 0xf0000)]").apart("whole: dw 0x3ff\ndd 0")
    .code(
      `mov word [${AT.RESUME}], stepped - 0xf0000\npushf\npop ax\nor ah, 1\npush ax\npopf\nnop\nstep_at: nop\nstepped:`,
    )
    .check("TF traps", `cmp word [${SEEN}], 1`).check(
      "after the next instruction",
      `cmp word [${SEEN + 2}], step_at - 0xf0000`,
    )
    .code(`mov word [0x80], returning - 0xf0000`)
    .apart("returning: push bp\nmov bp, sp\nor word [bp + 6], 1\npop bp\niret")
    .code("clc\nint 0x20").check("IRET restores FLAGS", "setc al\ncmp al, 1")
    .code(`mov word [0x80], vector32 - 0xf0000
      mov word [${AT.RESUME}], woken - 0xf0000
      mov word [${SEEN}], 0xffff
      mov eax, 10
      out ${PORT.INTERRUPT}, eax
      sti
      hlt
      woken_at: nop
      woken:`)
    .check("HLT ends with an interrupt", `cmp word [${SEEN}], 0x20`)
    .check("after the HLT", `cmp word [${SEEN + 2}], woken_at - 0xf0000`)
    .code("cli");
  runRom(rom);
});

Deno.test("the way to protected mode and back keeps what the segments held", () => {
  const rom = new RealRom("mode switches");
  rom.apart(`tables: dw 0x1f
      dd table
      align 8
      table: dd 0, 0
      dw 0xffff, 0, 0x9300, 0xcf
      dw 0xffff, 0, 0x9b0f, 0
      dw 0xffff, 0, 0x9300, 0`)
    .code(`o32 lgdt [cs:tables - 0xf0000]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      jmp short protected
      protected: mov bx, 8
      mov fs, bx
      and al, 0xfe
      mov cr0, eax
      jmp 0xf000:(back - 0xf0000)
      back: mov dword [0x700], 0
      mov ebx, 0x200000
      mov dword [fs:ebx], 0x600df00d
      mov eax, [fs:ebx]`)
    .check("a 4 GB segment stays after the return to real mode", "cmp eax, 0x600df00d")
    .code("xor ax, ax\nmov fs, ax\nmov ebx, 0x200000\nmov eax, [fs:ebx]").check(
      "and a load keeps the limit",
      "cmp eax, 0x600df00d",
    )
    .code(`mov eax, cr0
      or al, 1
      mov cr0, eax
      jmp 0x10:(code16 - 0xf0000)
      code16: mov bx, 0x18
      mov fs, bx
      mov eax, cr0
      and al, 0xfe
      mov cr0, eax
      jmp 0xf000:(again - 0xf0000)
      again: xor ax, ax
      mov fs, ax`)
    .trap("a 64 KB segment is back", 13, "small_at", "mov ebx, 0x200000\nsmall_at: mov eax, [fs:ebx]");
  runRom(rom);
});

Deno.test("A20 closed wraps at 1 MB", () => {
  const rom = new RealRom("A20 in real mode");
  rom.code(`mov ax, 0xffff
      mov es, ax
      mov dword [0x700], 0x11111111
      mov dword [es:0x710], 0x22222222`)
    .check("open: two places", "cmp dword [0x700], 0x11111111")
    .code(`mov al, 0\nout ${PORT.A20}, al`)
    .check("closed: one", "cmp dword [es:0x710], 0x11111111")
    .code("mov dword [es:0x710], 0x33333333").check("and written", "cmp dword [0x700], 0x33333333")
    .code(`mov al, 2\nout ${PORT.A20}, al`)
    .check("open again", "cmp dword [es:0x710], 0x22222222");
  runRom(rom);
});

Deno.test("a push with SP 1 leaves no stack for its own exception: shutdown", () => {
  const rom = new RealRom("no stack");
  rom.code(`mov dx, ${PORT.POST}\nmov al, 0xff\nout dx, al\nmov ax, 0x1000\nmov ss, ax\nmov sp, 1\npush ax`);
  runRom(rom, "shutdown");
});
