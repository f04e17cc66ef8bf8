import { assertEquals } from "@std/assert";
import { AT, identityPages, onException, run, SEL, setCr0, setCr4, summary, toRing3 } from "./bench.ts";

const AM = 1 << 18, AC = 1 << 18;
const ODD = AT.DATA + 1;

/** Runs instructions at CPL 3 with AC and AM set; returns vector and error code if one faults. */
function user(instructions: string, eflags = AC | 2, cr0 = AM) {
  return summary(run(`
    ${setCr0(cr0)}
    ${onException("end_of_program")}
    ${toRing3("code", eflags)}
    code:
    ${instructions}
    int3`))[0];
}

const ALIGNMENT_CHECK: [number, number] = [17, 0];
const PASSED: [number, number] = [3, 0];

/** [instructions, whether they fault]. */
const ACCESSES: [string, boolean][] = [
  [`mov al, [${ODD}]`, false],
  [`mov ax, [${ODD}]`, true],
  [`mov ax, [${AT.DATA + 2}]`, false],
  [`mov eax, [${AT.DATA + 2}]`, true],
  [`mov [${AT.DATA + 2}], eax`, true],
  [`add dword [${AT.DATA + 4}], 1`, false],
  [`add dword [${AT.DATA + 6}], 1`, true],
  [`push dword [${ODD}]`, true],
  ["sub esp, 2\n push eax", true],
  ["sub esp, 2\n push ax", false],
  ["sub esp, 2\n pop eax", true],
  ["sub esp, 2\n pushad", true],
  ["sub esp, 2\n call code", true],
  [`mov esi, ${ODD}\n lodsb`, false],
  [`mov esi, ${ODD}\n lodsd`, true],
  [`mov esi, ${AT.DATA}\n mov edi, ${ODD}\n mov ecx, 4\n rep movsd`, true],
  [`mov esi, ${AT.DATA}\n mov edi, ${AT.DATA + 64}\n mov ecx, 4\n rep movsd`, false],
  [`cmpxchg8b [${AT.DATA + 4}]`, true],
  [`cmpxchg8b [${AT.DATA + 8}]`, false],
  [`mov word [${AT.DATA + 14}], ${SEL.DATA3}\n les eax, [${AT.DATA + 10}]`, true],
  [`mov word [${AT.DATA + 8}], ${SEL.DATA3}\n les eax, [${AT.DATA + 4}]`, false],
  [`mov word [${AT.DATA + 4}], ${SEL.DATA3}\n o16 les ax, [${AT.DATA + 2}]`, false],
  [`mov byte [${AT.DATA + 24}], 127\n bound ax, [${AT.DATA + 22}]`, false],
  [`fld qword [${AT.DATA + 4}]`, true],
  [`fld tword [${AT.DATA + 8}]`, false],
  [`fld dword [${AT.DATA + 4}]`, false],
  [`fnstenv [${AT.DATA + 2}]`, true],
  [`fnstenv [${AT.DATA + 4}]`, false],
  [`lea eax, [${ODD}]`, false],
];

Deno.test("unaligned data at CPL 3 is #AC(0), by the sizes of table 6-7", () => {
  for (const [instructions, faults] of ACCESSES) {
    assertEquals(user(instructions), faults ? ALIGNMENT_CHECK : PASSED, instructions);
  }
});

/** CR4.OSFXSR and OSXMMEXCPT. */
const SIMD = 0x600;

/** Runs one instruction with operand X at an offset from a 16-byte boundary; returns vector and error code if it faults. */
function simd(instruction: string, offset: number, eflags?: number) {
  const at = AT.DATA + 0x80 + offset;
  return summary(run(`
    ${setCr4(SIMD)}
    ${setCr0(AM)}
    mov dword [${AT.DATA + 0x80}], 1f80h
    ${onException("end_of_program")}
    ${toRing3("code", eflags ?? AC | 2)}
    code:
    mov edi, ${at}
    ${instruction.replace("X", `[${at}]`)}
    int3`))[0];
}

/** Instructions by the boundary at which their operand is aligned. */
const SIMD_ACCESSES: [number, string[]][] = [
  [1, ["pinsrb xmm0, X, 1", "pextrb X, xmm0, 1", "prefetcht0 X", "clflush X"]],
  [2, ["pinsrw xmm0, X, 1", "pextrw X, xmm0, 1", "pmovzxbq xmm0, X"]],
  [4, ["movss xmm0, X", "movss X, xmm0", "addss xmm0, X", "comiss xmm0, X", "cvttss2si eax, X", "cvtsi2sd xmm0, X"]],
  [4, [
    "movd xmm0, X",
    "movd X, mm0",
    "movnti X, eax",
    "ldmxcsr X",
    "stmxcsr X",
    "insertps xmm0, X, 0",
    "rcpss xmm0, X",
  ]],
  [4, ["pmovsxbd xmm0, X", "punpcklbw mm0, X", "roundss xmm0, X, 0", "extractps X, xmm0, 0", "pinsrd xmm0, X, 1"]],
  [8, ["movsd xmm0, X", "movsd X, xmm0", "mulsd xmm0, X", "ucomisd xmm0, X", "cvtps2pd xmm0, X", "cvtpi2ps xmm0, X"]],
  [8, ["movq xmm0, X", "movq X, mm0", "movlps xmm0, X", "movhpd X, xmm0", "movntq X, mm0", "movddup xmm0, X"]],
  [8, [
    "paddb mm0, X",
    "pshufw mm0, X, 0",
    "psllw mm0, X",
    "palignr mm0, X, 3",
    "pmovzxbw xmm0, X",
    "maskmovq mm0, mm1",
  ]],
  [8, ["movups xmm0, X", "movups X, xmm0", "movupd xmm0, X", "movupd X, xmm0", "movdqu xmm0, X", "movdqu X, xmm0"]],
  [8, ["lddqu xmm0, X", "maskmovdqu xmm0, xmm1", "pcmpistri xmm0, X, 0", "pcmpestrm xmm0, X, 0"]],
];

Deno.test("SIMD operands are checked by their size; those of 16 bytes that need no alignment, at 8 bytes", () => {
  for (const [boundary, instructions] of SIMD_ACCESSES) {
    for (const instruction of instructions) {
      if (boundary > 1) {
        assertEquals(simd(instruction, boundary / 2), ALIGNMENT_CHECK, `${instruction} off its boundary`);
      }
      assertEquals(simd(instruction, boundary), PASSED, `${instruction} on its boundary`);
      assertEquals(simd(instruction, 1, 2), PASSED, `${instruction} unchecked`);
    }
  }
});

Deno.test("a 16-byte SIMD operand that must be aligned raises #GP, checked or not", () => {
  const instructions = [
    ...["movaps xmm0, X", "movdqa X, xmm0", "movntps X, xmm0", "movntdqa xmm0, X", "addps xmm0, X", "sqrtpd xmm0, X"],
    ...[
      "paddb xmm0, X",
      "psllw xmm0, X",
      "shufps xmm0, X, 0",
      "cvtps2dq xmm0, X",
      "cvtpd2pi mm0, X",
      "cmpps xmm0, X, 0",
    ],
    ...["movsldup xmm0, X", "phaddw xmm0, X", "roundps xmm0, X, 0", "dpps xmm0, X, 0", "aesenc xmm0, X"],
    ...["pclmulqdq xmm0, X, 0", "fxsave X", "fxrstor X"],
  ];
  for (const instruction of instructions) {
    for (const offset of [1, 4, 8]) {
      assertEquals(simd(instruction, offset), [13, 0], `${instruction} at ${offset}`);
      assertEquals(simd(instruction, offset, 2), [13, 0], `${instruction} at ${offset}, unchecked`);
    }
  }
  assertEquals(simd("movaps xmm0, X", 0), PASSED);
});

Deno.test("nothing is checked without AC, without CR0.AM, or in ring 0", () => {
  assertEquals(user(`mov eax, [${ODD}]`, 2), PASSED);
  assertEquals(user(`mov eax, [${ODD}]`, AC | 2, 0), PASSED);
  const ring0 = run(`${setCr0(AM)} push dword ${AC | 2}\n popfd\n mov eax, [${ODD}]\n int3`);
  assertEquals(summary(ring0), [PASSED]);
});

Deno.test("POPF turns the check on; an access that faults leaves everything as it was", () => {
  const events = run(`
    ${setCr0(AM)}
    ${onException("end_of_program")}
    ${toRing3("code")}
    code:
    mov eax, [${ODD}]
    push dword ${AC | 2}
    popfd
    mov ecx, 77
    access: mov ecx, [${ODD}]`);
  assertEquals(summary(events), [ALIGNMENT_CHECK]);
});

Deno.test("a segment fault comes before the alignment check, a page fault after it", () => {
  // Beyond the limit and unaligned: #GP. Not present and unaligned: #AC.
  assertEquals(user(`mov ax, 0\n mov fs, ax\n mov eax, [fs:${ODD}]`), [13, 0]);
  const events = run(`
    ${identityPages(AT.TABLES, 200)}
    ${setCr0(AM)}
    ${onException("first")}
    ${toRing3("code", AC | 2)}
    code: mov eax, [300001h]
    first:
    ${onException("end_of_program")}
    ${toRing3("again", AC | 2)}
    again: mov eax, [300004h]`);
  assertEquals(summary(events), [ALIGNMENT_CHECK, [14, 4]]);
});

Deno.test("a supervisor's accesses on the program's behalf are not checked", () => {
  // The interrupt's frame goes to an unaligned inner stack.
  const events = run(
    `
    ${setCr0(AM)}
    mov dword [${AT.TSS + 4}], ${AT.STACK0 - 2}
    ${onException("end_of_program")}
    ${toRing3("code", AC | 2)}
    code: int3`,
  );
  assertEquals(summary(events), [PASSED]);
});
