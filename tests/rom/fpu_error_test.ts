import { AT, hex, PORT, Rom } from "./rom.ts";
import { runRom } from "./run.ts";

const MF = 16, INTERRUPT = 0x20;

const NE = 0x20;
const nativeErrors = (on: boolean) => `mov eax, cr0\n${on ? `or eax, ${NE}` : `and eax, ${hex(~NE)}`}\nmov cr0, eax`;

/** Everything masked but division by zero. */
const UNMASK = `fninit\nmov word [${AT.DATA}], 0x37b\nfldcw [${AT.DATA}]`;

/** An exception that the next waiting instruction reports. */
const DIVIDE = "fld1\nfldz\nfdivp st1, st0";

/** ZE, ES and B of the status word. */
const PENDING = "fnstsw ax\nand eax, 0x8084\ncmp eax, 0x8084";
const CLEAR = "fnstsw ax\ntest eax, 0x8084";
const TOP_IS = (top: number) => `fnstsw ax\nand eax, 0x3800\ncmp eax, ${hex(top << 11)}`;

Deno.test("without CR0.NE an unmasked FPU exception interrupts before the next waiting instruction", () => {
  const rom = new Rom("FERR", "protected").code(nativeErrors(false)).code(UNMASK);
  rom.fault("x87", { vector: INTERRUPT, eip: "first" }, `sti\n${DIVIDE}\nmov ecx, 5\nfnstcw [${AT.DATA}]\nfirst: fld1`)
    .check("instructions that do not wait have run", "cmp ecx, 5")
    .check("the exception is still pending", PENDING)
    .check("the waiting instruction has not run", TOP_IS(6))
    .code(`out ${PORT.FPU_ERROR}, al\nfld1`)
    .check("IGNNE# lets instructions run", TOP_IS(5))
    .check("the exception is pending meanwhile", PENDING)
    .code("fnclex")
    .check("it is cleared", CLEAR, "jz")
    // IGNNE# has gone with the error.
    .fault("the next error", { vector: INTERRUPT, eip: "second" }, `sti\n${DIVIDE}\nsecond: fld1`)
    .code(`out ${PORT.FPU_ERROR}, al\nfnclex\nmov word [${AT.DATA}], 0x37f\nfldcw [${AT.DATA}]`)
    .code(`${DIVIDE}\nmov word [${AT.DATA}], 0x37b\nfldcw [${AT.DATA}]`)
    .fault("an error that FLDCW unmasks", { vector: INTERRUPT, eip: "third" }, "sti\nnop\nthird: wait")
    .code(`out ${PORT.FPU_ERROR}, al\nmov word [${AT.DATA}], 0x37f\nfldcw [${AT.DATA}]`)
    .check("masked again", PENDING, "jne")
    .code(`mov word [${AT.DATA}], 0x37b\nfldcw [${AT.DATA}]`)
    .fault("and unmasked", { vector: INTERRUPT, eip: "fourth" }, "sti\nnop\nfourth: wait")
    .code(`out ${PORT.FPU_ERROR}, al\nfnclex`)
    .code("fninit\nemms");
  for (
    const [name, waiting] of [["WAIT", "wait"], ["FLDCW", `fldcw [${AT.DATA}]`], ["MMX", "paddb mm0, mm1"]] as const
  ) {
    rom.code(UNMASK)
      .fault(name, { vector: INTERRUPT, eip: `at_${name}` }, `sti\n${DIVIDE}\nat_${name}: ${waiting}`)
      .check(`${name}: pending`, PENDING)
      .code(`out ${PORT.FPU_ERROR}, al\nfnclex`);
  }
  rom.code(nativeErrors(true)).code(UNMASK)
    .fault("with CR0.NE it is #MF", { vector: MF, eip: "native" }, `sti\n${DIVIDE}\nnop\nnative: wait`)
    .code("cli\nfnclex\nwait");
  runRom(rom);
});

Deno.test("an interrupt that waits is taken at the instruction that waits, which is tried again afterwards", () => {
  const rom = new Rom("FERR later", "protected").code(nativeErrors(false)).code(UNMASK)
    .fault("after STI's shadow", { vector: INTERRUPT, eip: "then" }, `${DIVIDE}\nsti\nthen: fld1`)
    .check("not run", TOP_IS(6))
    // The request was taken; the instruction still waits, and another interrupt comes.
    .fault(
      "another interrupt",
      { vector: INTERRUPT, eip: "again" },
      `mov eax, 3\nout ${PORT.INTERRUPT}, eax\nsti\nnop\nagain: fld1`,
    )
    .check("still not run", TOP_IS(6))
    .code(`out ${PORT.FPU_ERROR}, al\nfld1`)
    .check("run", TOP_IS(5))
    .code("fnclex");
  runRom(rom);
});

Deno.test("with interrupts off the processor stands still at the instruction for good", () => {
  const rom = new Rom("FERR off", "protected").code(nativeErrors(false)).code(UNMASK)
    .code(`mov dx, ${PORT.POST}\nmov al, 0xff\nout dx, al\ncli\n${DIVIDE}\nwait`)
    .check("not reached", "xor eax, eax", "jnz");
  runRom(rom);
});
