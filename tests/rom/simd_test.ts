import { AT, hex, Rom } from "./rom.ts";
import { runRom } from "./run.ts";

const UD = 6, NM = 7, GP = 13, PF = 14, MF = 16, XM = 19;

/** CR4.OSFXSR and OSXMMEXCPT. */
const ENABLE = "mov eax, 0x600\nmov cr4, eax";

const cr0 = (set: number, clear: number) => `mov eax, cr0\nand eax, ${hex(~clear)}\nor eax, ${hex(set)}\nmov cr0, eax`;
const EM = 4, TS = 8, NE = 0x20;

/** Fails unless `count` dwords at two addresses are equal. */
function equal(rom: Rom, description: string, a: number, b: number, count: number): Rom {
  return rom.code(`mov esi, ${a}\nmov edi, ${b}\nmov ecx, ${count}\nrepe cmpsd`).check(description, "test ecx, ecx");
}

const DATA = AT.DATA;

Deno.test("SSE needs CR4.OSFXSR, no CR0.EM and no CR0.TS; MMX only the latter two", () => {
  const rom = new Rom("units", "protected");
  rom.code(`mov dword [${DATA}], 0x1f80`)
    .fault("SSE before CR4.OSFXSR", { vector: UD, eip: "sse_off" }, "sse_off: movaps xmm0, xmm1")
    .fault("SSE arithmetic likewise", { vector: UD }, "addps xmm0, xmm1")
    .fault("LDMXCSR likewise", { vector: UD }, `ldmxcsr [${DATA}]`)
    .fault("MOVQ2DQ is of both units", { vector: UD }, "movq2dq xmm0, mm0")
    .code("paddb mm0, mm1\nmovd mm2, ebx\nemms\npause\nsfence")
    .code(ENABLE)
    .code("movaps xmm0, xmm1\naddps xmm0, xmm1")
    .code(cr0(TS, 0))
    .fault("SSE under CR0.TS", { vector: NM }, "movaps xmm0, xmm1")
    .fault("SSE arithmetic under CR0.TS", { vector: NM }, "mulsd xmm0, xmm1")
    .fault("MMX under CR0.TS", { vector: NM }, "paddb mm0, mm1")
    .fault("EMMS under CR0.TS", { vector: NM }, "emms")
    .fault("FXSAVE under CR0.TS", { vector: NM }, `fxsave [${DATA}]`)
    .fault("the check comes before the operand's", { vector: NM }, "movaps xmm0, [0xfffffff8]")
    .code("movnti [0x10000], eax\nlfence")
    .code(cr0(EM, TS))
    .fault("SSE under CR0.EM", { vector: UD }, "movaps xmm0, xmm1")
    .fault("MMX under CR0.EM", { vector: UD }, "paddb mm0, mm1")
    .fault("FXSAVE under CR0.EM is #NM", { vector: NM }, `fxsave [${DATA}]`)
    .code(cr0(EM | TS, 0))
    .fault("#UD goes first", { vector: UD }, "pshufd xmm0, xmm1, 0")
    .code(cr0(0, EM | TS))
    .code("movaps xmm0, xmm1");
  runRom(rom);
});

Deno.test("16 bytes must be aligned where the instruction says so, after the segment's check and before paging's", () => {
  const rom = new Rom("alignment", "protected").code(ENABLE);
  const at = DATA + 8;
  rom.fault("MOVAPS", { vector: GP, error: 0, eip: "odd" }, `odd: movaps xmm0, [${at}]`)
    .fault("MOVDQA store", { vector: GP, error: 0 }, `movdqa [${at}], xmm0`)
    .fault("MOVNTPS", { vector: GP, error: 0 }, `movntps [${at}], xmm0`)
    .fault("an arithmetic operand", { vector: GP, error: 0 }, `addps xmm0, [${at}]`)
    .fault("an integer operand", { vector: GP, error: 0 }, `paddb xmm0, [${at}]`)
    .fault("FXSAVE", { vector: GP, error: 0 }, `fxsave [${at}]`)
    .fault("FXRSTOR", { vector: GP, error: 0 }, `fxrstor [${at}]`)
    .code(`movups xmm0, [${at}]\nmovdqu [${at}], xmm0\nlddqu xmm1, [${at}]\nmovq xmm0, [${DATA + 1}]`)
    .code(`paddb mm0, [${DATA + 1}]\naddss xmm0, [${DATA + 1}]\nmovhps [${DATA + 3}], xmm2\nemms`)
    .code(`pcmpistri xmm0, [${at}], 0`);
  runRom(rom);
});

/** The first 4 MB identically, but for one page that is not present. */
const ABSENT = 0x30_0000;
const PAGING = `mov edi, ${AT.PAGES}
  mov ecx, 0x800
  xor eax, eax
  rep stosd
  mov dword [${AT.PAGES}], ${AT.PAGES + 0x1000 | 7}
  mov edi, ${AT.PAGES + 0x1000}
  mov eax, 7
  fill: stosd
  add eax, 0x1000
  cmp edi, ${AT.PAGES + 0x2000}
  jne fill
  mov dword [${AT.PAGES + 0x1000 + (ABSENT >> 10)}], 0
  mov eax, ${AT.PAGES}
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  jmp paged
  paged:`;

Deno.test("an access that crosses into an absent page changes nothing", () => {
  const rom = new Rom("page crossing", "protected").code(PAGING).code(ENABLE);
  const last = ABSENT - 16;
  rom.code(`mov edi, ${last}\nmov ecx, 4\nmov eax, 0x11223344\nrep stosd`)
    .code(`movaps xmm3, [${last}]\npxor xmm4, xmm4`)
    .fault("MOVUPS store", { vector: PF, error: 2, cr2: ABSENT }, `movups [${ABSENT - 8}], xmm4`)
    .value("its first bytes are as they were", ABSENT - 8, 0x11223344)
    .fault("MOVUPS load", { vector: PF, error: 0, cr2: ABSENT }, `movups xmm3, [${ABSENT - 4}]`)
    .fault("MOVQ store", { vector: PF, error: 2, cr2: ABSENT }, `movq [${ABSENT - 4}], xmm4`)
    .value("its first bytes too", ABSENT - 4, 0x11223344)
    .fault("MMX load", { vector: PF, error: 0, cr2: ABSENT }, `movq mm0, [${ABSENT - 1}]`)
    .fault("FXSAVE", { vector: PF, error: 2 }, `fxsave [${ABSENT - 256}]`)
    .value("nothing of it is stored", ABSENT - 32, 0)
    .fault("an absent page", { vector: PF, error: 0, cr2: ABSENT + 32 }, `addps xmm3, [${ABSENT + 32}]`)
    .code(`movups [${DATA}], xmm3`)
    .value("a register stays", DATA + 12, 0x11223344)
    .code("fninit")
    .fault("an MMX store that faults", { vector: PF, error: 2 }, `movq [${ABSENT}], mm0`)
    .code(`fnstenv [${DATA}]`)
    .value("leaves the FPU alone", DATA + 8, 0xffffffff)
    // Present pages in one access.
    .code(`mov dword [0x2ffc], 0x01020304\nmov dword [0x3000], 0x05060708\nmov dword [0x3004], 0x090a0b0c`)
    .code(`movups xmm0, [0x2ffc]\npaddd xmm0, xmm0\nmovups [0x4ffc], xmm0`)
    .value("the first page", 0x4ffc, 0x02040608)
    .value("the second", 0x5000, 0x0a0c0e10)
    .value("its next dword", 0x5004, 0x12141618);
  runRom(rom);
});

Deno.test("MASKMOVQ and MASKMOVDQU write the selected bytes, in the segment of a prefix", () => {
  const rom = new Rom("masked moves", "protected").code(PAGING).code(ENABLE);
  rom.code(`mov dword [${DATA}], 0x80008000\nmov dword [${DATA + 4}], 0xff7f0000`)
    .code(`movq mm1, [${DATA}]\nmov dword [${DATA}], 0x44332211\nmov dword [${DATA + 4}], 0x88776655`)
    .code(`movq mm0, [${DATA}]\nmov edi, ${DATA + 32}\nmaskmovq mm0, mm1\nemms`)
    .value("bytes 1 and 3", DATA + 32, 0x44002200)
    .value("byte 7", DATA + 36, 0x88000000)
    .code(`pcmpeqb xmm2, xmm2\npsrldq xmm2, 8\nmov edi, ${ABSENT - 8}\nmaskmovdqu xmm2, xmm2`)
    .value("an absent page in which nothing is selected is not touched", ABSENT - 4, 0xffffffff)
    .fault(
      "one in which something is",
      { vector: PF, error: 2, cr2: ABSENT },
      `pcmpeqb xmm2, xmm2\nmov dword [${ABSENT - 8}], 0\nmaskmovdqu xmm2, xmm2`,
    )
    .value("and nothing was written", ABSENT - 8, 0)
    .code(`xor eax, eax\nmov fs, ax\nmov edi, ${DATA}`)
    .fault("the override counts", { vector: GP, error: 0 }, "fs maskmovdqu xmm2, xmm2");
  runRom(rom);
});

Deno.test("unmasked SIMD exceptions are #XM, or #UD without CR4.OSXMMEXCPT, and leave the destination", () => {
  const rom = new Rom("SIMD exceptions", "protected").code(ENABLE);
  const mxcsr = (value: number) => `mov dword [${DATA}], ${value}\nldmxcsr [${DATA}]`;
  rom.code(`mov dword [${DATA + 16}], 0x3f800000\nmovss xmm0, [${DATA + 16}]\nxorps xmm1, xmm1`)
    .code(mxcsr(0x1f80 & ~0x200))
    .fault("zero divide", { vector: XM, eip: "divide" }, "divide: divss xmm0, xmm1")
    .code(`stmxcsr [${DATA}]\nmovss [${DATA + 4}], xmm0`)
    .value("the flag is set", DATA, 0x1f84 & ~0x200)
    .value("the destination is not", DATA + 4, 0x3f800000)
    .code("mov eax, 0x200\nmov cr4, eax")
    .fault("without OSXMMEXCPT", { vector: UD }, "divss xmm0, xmm1")
    .code(ENABLE)
    .code("addss xmm0, xmm0")
    .code(mxcsr(0x1f80 & ~0x200 | 4))
    .fault("an invalid one is masked, so ZE is found", { vector: XM }, "movss xmm2, xmm0\ndivss xmm2, xmm1")
    .fault("COMISS leaves EFLAGS", { vector: XM }, `${mxcsr(0x1f00)}\npcmpeqb xmm3, xmm3\nstc\ncomiss xmm3, xmm3`)
    .check("CF is still set, ZF clear", "test dword [0x510], 1", "jne")
    .code(mxcsr(0x1f80))
    .fault("reserved bits of MXCSR", { vector: GP, error: 0 }, mxcsr(0x1_0000));
  runRom(rom);
});

Deno.test("MMX instructions take the FPU's registers over, and wait for its exceptions", () => {
  const rom = new Rom("MMX and x87", "protected").code(ENABLE).code(cr0(NE, 0));
  rom.code(`fninit\nfld1\nfldpi\nmov eax, 0x12345678\nmovd mm0, eax\nfnstenv [${DATA}]`)
    .value("TOP is 0", DATA + 4, "0xffff0000")
    // A NaN's exponent is special; the others hold what the FPU left, zeros and two numbers.
    .check("no register is empty", `mov eax, [${DATA + 8}]\nmov ecx, eax\nshr ecx, 1\nand eax, ecx\ntest eax, 0x5555`)
    .code(`fnsave [${DATA}]`)
    .value("a register that was written has an exponent of ones", DATA + 28 + 8, "0xffff")
    .value("and the value", DATA + 28, 0x12345678)
    .code(`fninit\nfld1\nmovq mm1, mm7\nmovq [${DATA}], mm1`)
    .value("MM7 is the significand of what was ST(0)", DATA + 4, "0x80000000")
    .code(`emms\nfnstenv [${DATA}]`)
    .value("EMMS empties all", DATA + 8, "0xffffffff")
    .code(`fninit\nmov word [${DATA}], 0x37b\nfldcw [${DATA}]\nfld1\nfldz\nfdivp st1, st0`)
    .fault("a pending exception comes first", { vector: MF, eip: "waits" }, "waits: paddb mm0, mm1")
    .fault("before a conversion too", { vector: MF }, "cvtps2pi mm0, xmm0")
    .code("movaps xmm0, xmm1\nfnclex\npaddb mm0, mm1\nemms");
  runRom(rom);
});

Deno.test("FXRSTOR brings back what FXSAVE stored", () => {
  const rom = new Rom("FXSAVE", "protected").code(ENABLE);
  const A = DATA, B = DATA + 0x400;
  rom.code("fninit\nfldpi\nfld1\nfldl2e\npcmpeqd xmm7, xmm7\npsrlq xmm7, 9\nmovaps xmm2, xmm7\npaddd xmm2, xmm7")
    .code(`mov dword [${A}], 0x5f80\nldmxcsr [${A}]\nfxsave [${A}]`)
    .value("the mask of MXCSR", A + 28, "0xffff")
    .value("MXCSR", A + 24, "0x5f80")
    .check("three registers are in use: the upper ones", `cmp byte [${A + 4}], 0xe0`)
    .value("ST(2) is pi", A + 32 + 2 * 16 + 4, "0xc90fdaa2")
    .code(`fninit\npxor xmm7, xmm7\npxor xmm2, xmm2\nmov dword [${B}], 0x1f80\nldmxcsr [${B}]`)
    .code(`fxrstor [${A}]\nfxsave [${B}]`);
  equal(rom, "the two images are equal", A, B, 288 / 4)
    .code(`mov dword [${A + 24}], 0x10000`)
    .fault("reserved bits of MXCSR", { vector: GP, error: 0 }, `fxrstor [${A}]`)
    .code("mov eax, 0\nmov cr4, eax")
    .code(`mov edi, ${B}\nmov ecx, 128\nxor eax, eax\nrep stosd\nfxrstor [${A}]\nfxsave [${B}]`)
    .value("without OSFXSR MXCSR is no part of it", B + 24, 0)
    .value("nor are the XMM registers", B + 160 + 7 * 16, 0)
    .value("the FPU is", B + 32 + 2 * 16 + 4, "0xc90fdaa2");
  runRom(rom);
});

Deno.test("code that an SSE store changes is decoded anew", () => {
  const rom = new Rom("self-modifying stores", "protected").code(ENABLE);
  // MOV EAX, imm32; RET - twelve bytes of padding.
  rom.code(`mov dword [${AT.CODE}], 0x000001b8\nmov dword [${AT.CODE + 4}], 0x9090c300`)
    .code(`mov eax, ${AT.CODE}\ncall eax`)
    .check("as written first", "cmp eax, 1")
    .code(`movups xmm0, [${AT.CODE}]\nmov eax, 0x100\nmovd xmm1, eax\npaddd xmm0, xmm1`)
    .code(`movaps [${AT.CODE}], xmm0\nmov eax, ${AT.CODE}\ncall eax`)
    .check("as the store left it", "cmp eax, 2");
  runRom(rom);
});

Deno.test("SIMD operands obey segment limits and 16-bit addresses", () => {
  const rom = new Rom("SIMD segments", "protected").code(ENABLE);
  rom.code(`mov dword [${DATA + 0x20}], 0x55aa55aa\nmov bx, ${DATA & 0xffff}`)
    .code(`xor ebx, ebx\nmov ebx, 0xabcd0500\nmov dword [0x520], 0x01020304`)
    .code("movd xmm0, [bx+0x20]\nmovd eax, xmm0")
    .check("a 16-bit address", "cmp eax, 0x01020304")
    .code("mov ax, 0\nmov gs, ax")
    .fault("a null segment", { vector: GP, error: 0 }, "movups xmm0, [gs:0x500]")
    .fault("with a 16-bit address too", { vector: GP, error: 0 }, "xor eax, eax\nmov gs, ax\nmovaps xmm0, [gs:bx]");
  runRom(rom);
});
