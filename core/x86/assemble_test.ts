import { assert, assertEquals, assertThrows } from "@std/assert";
import { assemble, type AssembleOptions, AssemblyError } from "./assemble.ts";

function hex(source: string, options: AssembleOptions = {}): string {
  return Array.from(assemble(source, options).bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function expectAll(expected: readonly (readonly [source: string, bytes: string])[], bits: 16 | 32 = 32): void {
  for (const [source, bytes] of expected) assertEquals(hex(source, { bits }), bytes, source);
}

Deno.test("the shortest encoding is taken", () => {
  expectAll([
    ["add eax, 5", "83 c0 05"],
    ["add eax, 0xffffffff", "83 c0 ff"],
    ["add eax, 0x12345", "05 45 23 01 00"],
    ["add al, 200", "04 c8"],
    ["add word [ebx], -1", "66 83 03 ff"],
    ["mov eax, [0x1234]", "a1 34 12 00 00"],
    ["mov [ebp], cl", "88 4d 00"],
    ["push 5", "6a 05"],
    ["push 0x8000", "68 00 80 00 00"],
    ["push word 5", "66 6a 05"],
    ["shl eax, 1", "d1 e0"],
    ["imul eax, 5", "6b c0 05"],
    ["xchg ecx, eax", "91"],
    ["test eax, [ebx]", "85 03"],
    ["inc eax", "40"],
    ["inc dword [eax]", "ff 00"],
  ]);
});

Deno.test("size prefixes follow from the operands and the width of the code", () => {
  expectAll([
    ["mov eax, [bx]", "66 8b 07"],
    ["mov eax, [ebx+eax*2]", "67 66 8b 04 43"],
    ["mov al, [dword 0x12345]", "67 a0 45 23 01 00"],
    ["jmp dword 0x8:0x12345678", "66 ea 78 56 34 12 08 00"],
    ["jmp 0x8:0x1234", "ea 34 12 08 00"],
    ["o32 lgdt [cs:0x10]", "2e 66 0f 01 16 10 00"],
    ["a32 rep movsd", "f3 67 66 a5"],
    ["iret", "cf"],
    ["iretd", "66 cf"],
    ["jecxz $", "67 e3 fd"],
    ["pushfd", "66 9c"],
    ["call far dword [bx]", "66 ff 1f"],
    ["call near [bx]", "ff 17"],
    ["jmp dword $", "66 e9 fa ff ff ff"],
  ], 16);
  expectAll([
    ["mov ax, ds", "66 8c d8"],
    ["mov eax, ds", "8c d8"],
    ["mov ds, eax", "8e d8"],
    ["mov ds, ax", "8e d8"],
    ["retf", "cb"],
    ["o16 retf", "66 cb"],
    ["jcxz $", "67 e3 fd"],
    ["a16 loop $", "67 e2 fd"],
    ["movbe ax, [ecx]", "66 0f 38 f0 01"],
    ["crc32 eax, word [ecx]", "66 f2 0f 38 f1 01"],
    ["adcx eax, ecx", "66 0f 38 f6 c1"],
  ]);
});

Deno.test("addresses: bases, indexes, odd factors, stack pointer", () => {
  expectAll([
    ["lea eax, [eax*5+3]", "8d 44 80 03"],
    ["lea eax, [eax+esp]", "8d 04 04"],
    ["lea eax, [ebp*2]", "8d 04 6d 00 00 00 00"],
    ["lea eax, [4*ecx+ebx-8]", "8d 44 8b f8"],
    ["lea eax, [ecx+ebx+(2*8)]", "8d 44 19 10"],
    ["mov al, [es:ebx]", "26 8a 03"],
    ["fs mov eax, [0]", "64 a1 00 00 00 00"],
    ["mov eax, [ds:ebp]", "3e 8b 45 00"],
  ]);
  expectAll([["mov ax, [si+bx+2]", "8b 40 02"], ["mov ax, [bp]", "8b 46 00"], ["mov ax, [0xffff]", "a1 ff ff"]], 16);
});

Deno.test("other names for the same instruction", () => {
  const pairs = [
    ["jz $", "je $"],
    ["jnae $", "jb $"],
    ["setnz al", "setne al"],
    ["cmovc eax, ebx", "cmovb eax, ebx"],
    ["sal eax, 3", "shl eax, 3"],
    ["repz cmpsb", "repe cmpsb"],
    ["loopnz $", "loopne $"],
    ["xlat", "xlatb"],
    ["aam", "aam 10"],
    ["fxch", "fxch st1"],
    ["faddp", "faddp st1, st0"],
    ["fadd st3", "fadd st0, st3"],
    ["fstsw ax", "wait\nfnstsw ax"],
    ["pusha", "pushad"],
  ];
  for (const [one, other] of pairs) assertEquals(hex(one!), hex(other!), one);
});

Deno.test("branches are short where they reach and grow where they do not", () => {
  assertEquals(hex("jmp near $"), "e9 fb ff ff ff");
  const near = assemble("a: jmp b\n times 127 nop\nb:");
  assertEquals([near.bytes[0], near.labels.get("b")], [0xeb, 129]);
  const far = assemble("a: jmp b\n times 128 nop\nb:");
  assertEquals([far.bytes[0], far.labels.get("b")], [0xe9, 133]);
  // The growth of one branch pushes the other out of reach.
  const both = assemble("jmp a\n times 124 nop\n jmp b\n a: times 128 nop\n b:");
  assertEquals([both.bytes[0], both.bytes[5 + 124]], [0xe9, 0xe9]);
  assertThrows(() => assemble("jmp short b\n times 128 nop\nb:"), AssemblyError, "line 1: a value does not fit");
});

Deno.test("data, strings, characters and floating point", () => {
  assertEquals(hex("db 1, 'ab', \"c\", 'd' + 1, -1, `\\n\\x41`"), "01 61 62 63 65 ff 0a 41");
  assertEquals(hex("dw 0x1234, 'abc'"), "34 12 61 62 63 00");
  assertEquals(hex("dd 1.5, -2.5"), "00 00 c0 3f 00 00 20 c0");
  assertEquals(hex("dq 0x00cf9a000000ffff"), "ff ff 00 00 00 9a cf 00");
  assertEquals(hex("dd 1fh, 101b, 0b11, 1_000"), "1f 00 00 00 05 00 00 00 03 00 00 00 e8 03 00 00");
  assertEquals(hex("mov eax, 'abcd'"), "b8 61 62 63 64");
  assertEquals(hex("resb 2\nresw 1\ndb 1"), "00 00 00 00 01");
});

Deno.test("expressions rank their operators as NASM does", () => {
  assertEquals(
    hex("dd 2+3*4, (2+3)*4, 1<<4|1, 7&~2, -7/2, 7%4, 6^3, 256>>4"),
    [
      "0e 00 00 00",
      "14 00 00 00",
      "11 00 00 00",
      "05 00 00 00",
      "fd ff ff ff",
      "03 00 00 00",
      "05 00 00 00",
      "10 00 00 00",
    ].join(" "),
  );
});

Deno.test("a boot sector: org, $, $$, times, local labels", () => {
  const { bytes, labels } = assemble(`
    bits 16
    org 0x7c00
    start:
      mov si, message ; the text
    .next:
      lodsb
      test al, al
      jz .done
      jmp .next
    .done: hlt
    other:
    .done: jmp .done
    message: db "hi", 0
    size equ $ - start
    times 510-($-$$) db 0
    dw 0xaa55
    dw size
  `);
  assertEquals(bytes.length, 514);
  assertEquals([bytes[510], bytes[511]], [0x55, 0xaa]);
  assertEquals([...labels], [
    ["start", 0x7c00],
    ["start.next", 0x7c03],
    ["start.done", 0x7c0a],
    ["other", 0x7c0b],
    ["other.done", 0x7c0b],
    ["message", 0x7c0d],
  ]);
  assertEquals([...bytes.subarray(0, 3)], [0xbe, 0x0d, 0x7c]);
  assertEquals(bytes[512], 16);
});

Deno.test("align, equ before its use, %define, bits in the middle", () => {
  assertEquals(hex("nop\nalign 4\nhlt"), "90 90 90 90 f4");
  assertEquals(hex("nop\nalign 4, 0xcc\nhlt"), "90 cc cc cc f4");
  assertEquals(hex("mov al, later\nlater equ 2*3"), "b0 06");
  assertEquals(
    hex("%define PORT 0x3f8\n%define NEXT PORT + 5\nmov dx, NEXT\nmov ecx, [eax*4]"),
    "66 ba fd 03 8b 0c 85 00 00 00 00",
  );
  assertEquals(hex("bits 16\nmov eax, 1\nbits 32\nmov eax, 1"), "66 b8 01 00 00 00 b8 01 00 00 00");
  assertEquals(hex("times 3 db $ - $$"), "00 01 02");
  assertEquals(hex("gdt: dw gdt_end - gdt - 1\ndd gdt\ngdt_end:", { origin: 0x1000 }), "05 00 00 10 00 00");
});

Deno.test("prefixes may stand alone, and a branch may carry a segment", () => {
  assertEquals(hex("lock\nadd eax, ebx"), "f0 01 d8");
  assertEquals(hex("ds jne $"), "3e 75 fd");
  assertEquals(hex("rep ret"), "f3 c3");
});

Deno.test("mistakes are sentences with their line", () => {
  const mistakes: [source: string, message: string][] = [
    ["nop\nfoo eax", 'line 2: there is no instruction "foo"'],
    ["mov eax, bl", 'line 1: "mov" does not take these operands'],
    ["mov [ebx], 5", 'line 1: "mov" does not tell how wide its memory operand is'],
    ["shl [ebx], cl", 'line 1: "shl" does not tell how wide'],
    ["movzx eax, [ebx]", 'line 1: "movzx" does not tell how wide'],
    ["mov al, 300", 'line 1: a value does not fit the operands of "mov"'],
    ["jmp nowhere", 'line 1: the name "nowhere" is not defined'],
    ["a: nop\na: nop", 'line 2: the name "a" is defined twice'],
    ["lock add eax, ebx", 'line 1: "add" takes no lock prefix with these operands'],
    ["mov eax, [ebx*3+ecx]", "line 1: a 32-bit address is a base"],
    ["mov eax, [esp*2]", "line 1: a 32-bit address is a base"],
    ["mov eax, [bx+ecx]", "line 1: an address has registers of one size only"],
    ["mov ax, [si+di]", "line 1: a 16-bit address is made of"],
    ["mov eax, [ebx-ecx]", 'line 1: the address subtracts the register "ecx"'],
    ["mov eax, ebx+1", "line 1: expected the end of the line"],
    ["db 256", "line 1: the value 256 does not fit 8 bits"],
    ["dw 1.5", "line 1: a floating-point value takes dd or dq"],
    ["db 0x", 'line 1: "0x" is not a number'],
    ["mov eax, (1", 'line 1: expected ")"'],
    ["bits 64", 'line 1: "bits" takes 16 or 32'],
    ["align 3", "line 1: the alignment 3 is not a power of two"],
    ["times -1 nop", "line 1: the count of times, -1 is not between"],
    ["db 1/0", "line 1: this value divides by zero"],
    ["org 1\norg 2", 'line 2: "org" may stand only once'],
    ["org later\nlater:", '"org" takes a value that does not depend on labels'],
    ["a equ b\nb equ a", "do not settle"],
    ["%macro x", 'the only directive with a percent sign is "%define NAME value"'],
    ["mov eax, {", 'line 1: "{" does not begin a word'],
    ["lock", ""],
  ];
  for (const [source, message] of mistakes) {
    if (message === "") assert(assemble(source).bytes.length === 1);
    else assertThrows(() => assemble(source), AssemblyError, message, source);
  }
  assertThrows(() => assemble("mov al, [0x12345]", { bits: 16 }), AssemblyError, "does not fit 16 bits");
});
