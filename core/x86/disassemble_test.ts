import { assertEquals } from "@std/assert";
import { disassemble } from "./disassemble.ts";

function text(hex: string, bits: 16 | 32 = 32, address = 0): string {
  const bytes = Uint8Array.from(hex.split(" "), (byte) => parseInt(byte, 16));
  return disassemble(bytes, { bits, address }).map((line) => line.text).join("; ");
}

Deno.test("instructions are in Intel syntax, sizes and overrides said", () => {
  const expected: [hex: string, text: string, bits?: 16 | 32][] = [
    ["8B 44 8B 10", "mov eax, dword [ebx+ecx*4+0x10]"],
    ["8A 45 F8", "mov al, byte [ebp-0x8]"],
    ["26 8B 07", "mov eax, dword [es:edi]"],
    ["3E 8B 45 00", "mov eax, dword [ds:ebp]"],
    ["A1 00 00 00 F0", "mov eax, dword [0xf0000000]"],
    ["8B 04 6D 00 00 00 00", "mov eax, dword [ebp*2]"],
    ["F3 A5", "rep movsd"],
    ["F3 66 A7", "repe cmpsw"],
    ["F2 AE", "repne scasb"],
    ["64 67 AC", "fs a16 lodsb"],
    ["F0 0F C1 03", "lock xadd dword [ebx], eax"],
    ["0F B6 C0", "movzx eax, al"],
    ["83 C0 FF", "add eax, -0x1"],
    ["6A 80", "push -0x80"],
    ["66 6A 01", "o16 push 0x1"],
    ["66 C3", "o16 ret"],
    ["66 60 60", "pushaw; pushad"],
    ["98 66 98", "cwde; cbw"],
    ["D1 E0 D3 E0 C1 E0 05", "shl eax, 1; shl eax, cl; shl eax, 0x5"],
    ["0F 20 C0 0F 22 D8", "mov eax, cr0; mov cr3, eax"],
    ["8E D8 8C 00", "mov ds, ax; mov word [eax], es"],
    ["EA 34 12 00 00 08 00", "jmp 0x8:0x1234"],
    ["FF 28 FF 1C 24", "jmp far [eax]; call far [esp]"],
    ["0F 01 15 00 10 00 00", "lgdt [0x1000]"],
    ["DB 6D 08 DE C1 D8 C3", "fld tword [ebp+0x8]; faddp st1, st0; fadd st0, st3"],
    ["DF E0 9B", "fnstsw ax; wait"],
    ["F3 90 F3 0F B8 C1", "pause; popcnt eax, ecx"],
    ["8B 47 FE", "mov ax, word [bx-0x2]", 16],
    ["66 8B 42 10", "mov eax, dword [bp+si+0x10]", 16],
    ["67 8B 00", "mov ax, word [eax]", 16],
    ["67 A0 45 23 01 00", "mov al, byte [dword 0x12345]", 16],
    ["E3 FE 67 E3 FD", "jcxz 0x0; jecxz 0x2", 16],
    ["66 EA 78 56 34 12 08 00", "o32 jmp 0x8:0x12345678", 16],
  ];
  for (const [hex, wanted, bits] of expected) assertEquals(text(hex, bits), wanted, hex);
});

Deno.test("branch targets count from the address and wrap at the operand size", () => {
  assertEquals(text("75 FE", 32, 0x1234), "jne 0x1234");
  assertEquals(text("E8 00 00 00 00", 32, 0xffff_fff0), "call 0xfffffff5");
  assertEquals(text("EB 10", 16, 0xfffa), "jmp 0xc");
});

Deno.test("a line has its address and its bytes", () => {
  assertEquals(disassemble(Uint8Array.of(0x90, 0x0f, 0xa2), { address: 0x100 }), [
    { address: 0x100, hex: "90", text: "nop" },
    { address: 0x101, hex: "0fa2", text: "cpuid" },
  ]);
});

Deno.test("bytes that are no instruction, and a truncated one, are data", () => {
  assertEquals(text("FE F8 90"), "db 0xfe; clc; nop");
  assertEquals(text("90 E8 FE"), "nop; db 0xe8; db 0xfe");
});
