/**
 * Writes test ROMs: assembler text with numbered checks, on top of a small monitor that catches exceptions.
 *
 * @module
 */
import { assemble } from "../../core/x86/assemble.ts";
import { AT, gdt, hex, S, segment, TRAP, TSS_LIMIT } from "./layout.ts";
import { PORT } from "./machine.ts";

/** Vectors that push an error code. */
const WITH_ERROR_CODE = [8, 10, 11, 12, 13, 14, 17];

/** Vectors that have a stub: the exceptions, an interrupt, and 30h to 33h. */
const VECTORS = [...Array.from({ length: 32 }, (_, i) => i), 0x20, 0x30, 0x31, 0x32, 0x33];

/** Vector by which code of an outer level returns to the monitor: anyone may call it. */
export const LEAVE = 0x30;

/** What an exception must look like; a field that is left out is not checked. Labels and expressions are assembler text. */
export interface Expected {
  readonly vector: number;
  readonly error?: number | string;
  /** Saved EIP. */
  readonly eip?: number | string;
  readonly cs?: number;
  readonly cr2?: number | string;
}

/** A ROM under construction. In `code`, DS, ES and SS are flat, ESP is at the top of its stack, and the CPU is in ring 0. */
export class Rom {
  readonly #text: string[] = [];
  readonly #checks: string[] = [];
  readonly #apart: string[] = [];

  /** @param mode What `code` runs in. @param name The ROM's name. */
  constructor(readonly name: string, readonly mode: "real" | "protected") {}

  /** Descriptions of the checks, by number. */
  get checks(): readonly string[] {
    return this.#checks;
  }

  /** Adds instructions. */
  code(text: string): this {
    this.#text.push(text);
    return this;
  }

  /** Adds data or routines that the main line does not run into. */
  apart(text: string): this {
    this.#apart.push(text);
    return this;
  }

  /** Runs `test`, then fails unless `jump` (equal) would be taken. */
  check(description: string, test: string, jump = "je"): this {
    const number = this.#number(description);
    return this.code(`${test}\n${jump} pass${number}\njmp near fail${number}\npass${number}:`);
  }

  /** Fails unless a dword of memory has a value. */
  value(description: string, address: number | string, expected: number | string): this {
    return this.check(description, `cmp dword [${text(address)}], ${text(expected)}`);
  }

  /** Runs code that must raise an exception; continues after it in ring 0. */
  fault(description: string, expected: Expected, code: string): this {
    const number = this.#number(description);
    this.code(`mov dword [${AT.RESUME}], resume${number}
      mov dword [${TRAP.VECTOR}], 0xffff
      ${code}
      jmp near fail${number}
      resume${number}:`);
    const compare = (address: number, value: number | string) =>
      this.code(`cmp dword [${address}], ${text(value)}\nje $+7\njmp near fail${number}`);
    compare(TRAP.VECTOR, expected.vector);
    if (expected.error !== undefined) compare(TRAP.ERROR, expected.error);
    if (expected.eip !== undefined) compare(TRAP.EIP, expected.eip);
    if (expected.cs !== undefined) compare(TRAP.CS, expected.cs);
    if (expected.cr2 !== undefined) compare(TRAP.CR2, expected.cr2);
    return this;
  }

  /** The same for code in ring 3, entered with `flags`; DS and ES are ring 3's. */
  user(description: string, expected: Expected, code: string, flags = 0x202): this {
    const label = `user${this.#checks.length}`;
    return this.fault(
      description,
      expected,
      `push dword ${S.DATA3}\npush dword ${AT.STACK3}\npush dword ${
        hex(flags)
      }\npush dword ${S.CODE3}\npush dword ${label}
      iretd
      ${label}: mov ax, ${S.DATA3}\nmov ds, ax\nmov es, ax\n${code}`,
    );
  }

  #number(description: string): number {
    return this.#checks.push(description) - 1;
  }

  /** The ROM's 64 KB. @throws {AssemblyError} The text has a mistake. */
  build(): Uint8Array {
    const source = `
      bits 16
      org 0xf0000
      ${this.mode === "real" ? this.#realMode() : this.#protectedMode()}
      times 0xfff0 - ($ - $$) db 0x90
      bits 16
      jmp 0xf000:(start - 0xf0000)
      times 0x10000 - ($ - $$) db 0`;
    return assemble(source, { bits: 16 }).bytes;
  }

  #failures(width: 16 | 32): string {
    const stubs = this.#checks.map((_, i) => `fail${i}: mov ebx, ${i}\njmp failed`);
    return `bits ${width}
      ${stubs.join("\n")}
      failed: cli
      mov ecx, 4
      .digit: rol bx, 4
      mov al, bl
      and al, 15
      cmp al, 10
      jb .decimal
      add al, 7
      .decimal: add al, '0'
      out ${PORT.TEXT}, al
      dec ecx
      jnz .digit
      mov dx, ${PORT.POST}
      mov al, 0xee
      out dx, al
      hlt`;
  }

  static readonly #SUCCESS = `mov dx, ${PORT.POST}\nmov al, 0xff\nout dx, al\ncli\nhlt`;

  #realMode(): string {
    return `start: cli
      xor ax, ax
      mov ds, ax
      mov es, ax
      mov ss, ax
      mov esp, ${AT.STACK}
      ${this.#text.join("\n")}
      ${Rom.#SUCCESS}
      ${this.#failures(16)}
      ${this.#apart.join("\n")}`;
  }

  #protectedMode(): string {
    return `start: cli
      o32 lgdt [cs:rom_gdtr - 0xf0000]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      jmp dword ${S.CODE0}:flat
      rom_gdtr: dw ${S.LIMIT}
      dd rom_gdt
      align 8
      rom_gdt: ${gdt()}
      rom_gdt_end:
      ram_gdtr: dw ${S.LIMIT}
      dd ${AT.GDT}
      ram_idtr: dw 0x7ff
      dd ${AT.IDT}
      bits 32
      flat: mov ax, ${S.DATA0}
      mov ds, ax
      mov es, ax
      mov ss, ax
      mov fs, ax
      mov gs, ax
      mov esp, ${AT.STACK}
      cld
      mov esi, rom_gdt
      mov edi, ${AT.GDT}
      mov ecx, rom_gdt_end - rom_gdt
      rep movsb
      mov dword [${AT.LDT + 8}], 0xffff
      mov dword [${AT.LDT + 12}], 0xcff300
      lgdt [ram_gdtr]
      ${VECTORS.map((vector) => this.#gate(vector)).join("\n")}
      lidt [ram_idtr]
      mov dword [${AT.TSS + 4}], ${AT.STACK0}
      mov dword [${AT.TSS + 8}], ${S.DATA0}
      mov dword [${AT.TSS + 12}], ${AT.STACK1}
      mov dword [${AT.TSS + 16}], ${S.DATA1}
      mov word [${AT.TSS + 102}], 0x68
      mov edi, ${AT.TSS + 0x68}
      mov ecx, ${TSS_LIMIT - 0x68 + 1}
      mov al, 0xff
      rep stosb
      mov ax, ${S.TSS}
      ltr ax
      mov ax, ${S.LDT}
      lldt ax
      ${this.#text.join("\n")}
      ${Rom.#SUCCESS}
      ${this.#failures(32)}
      ${VECTORS.map(stub).join("\n")}
      ${HANDLER}
      ${this.#apart.join("\n")}
      bits 32
      ${this.#text.concat(this.#apart).some((text) => text.includes("gate_target:")) ? "" : "gate_target: int3"}
      ${this.#text.concat(this.#apart).some((text) => text.includes("gate_target16:")) ? "" : "gate_target16: int3"}`;
  }

  #gate(vector: number): string {
    const access = vector === 3 || vector === 4 || vector >= LEAVE ? 0xee00 : 0x8e00;
    return `mov dword [${AT.IDT + vector * 8}], (stub${vector} & 0xffff) | ${hex(S.CODE0 << 16)}
      mov dword [${AT.IDT + vector * 8 + 4}], (stub${vector} & 0xffff0000) | ${hex(access)}`;
  }
}

function text(value: number | string): string {
  return typeof value === "number" ? hex(value) : value;
}

function stub(vector: number): string {
  const error = WITH_ERROR_CODE.includes(vector) ? "" : "push dword 0\n";
  return `stub${vector}: ${error}push dword ${vector}\njmp handler`;
}

/** Records the exception and continues at RESUME in ring 0. */
const HANDLER = `
  handler: push ds
  push eax
  pushfd
  mov ax, ${S.DATA0}
  mov ds, ax
  pop dword [${TRAP.INNER_EFLAGS}]
  pop dword [${TRAP.EAX}]
  pop dword [${TRAP.DS}]
  mov [${TRAP.ES}], es
  mov [${TRAP.FS}], fs
  mov [${TRAP.GS}], gs
  mov [${TRAP.ECX}], ecx
  mov [${TRAP.ESI}], esi
  mov [${TRAP.EDI}], edi
  mov [${TRAP.INNER_CS}], cs
  mov [${TRAP.INNER_SS}], ss
  and dword [${TRAP.DS}], 0xffff
  mov eax, cr2
  mov [${TRAP.CR2}], eax
  pop dword [${TRAP.VECTOR}]
  pop dword [${TRAP.ERROR}]
  mov [${TRAP.FRAME}], esp
  mov eax, [esp]
  mov [${TRAP.EIP}], eax
  mov eax, [esp + 4]
  and eax, 0xffff
  mov [${TRAP.CS}], eax
  mov eax, [esp + 8]
  mov [${TRAP.EFLAGS}], eax
  mov eax, [esp + 12]
  mov [${TRAP.ESP}], eax
  mov eax, [esp + 16]
  and eax, 0xffff
  mov [${TRAP.SS}], eax
  inc dword [${TRAP.COUNT}]
  mov ax, ${S.DATA0}
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov esp, ${AT.STACK}
  jmp [${AT.RESUME}]`;

export { AT, hex, PORT, S, segment, TRAP, TSS_LIMIT };
