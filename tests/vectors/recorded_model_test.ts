import { assertEquals } from "@std/assert";
import { VectorMachine } from "../../cli/vectors/machine.ts";
import { assemble } from "../../core/x86/assemble.ts";
import { CR0, FLAG, GPR, SEG, STATE, VECTOR } from "../../core/x86/registers.ts";

const CODE = 0x1000, DATA = 0x2000, EXTRA = 0x3000, STACK = 0x4000;
const IP = 0x100;
/** Handlers of interrupts stand here, 16 bytes apart by vector: a HLT each. */
const HANDLERS = 0x800;

const machines = { max: new VectorMachine(), "i286-real": new VectorMachine("i286-real") };

/** What running an instruction and the HLT behind it came to. */
interface Result {
  /** The exception, or -1. */
  readonly vector: number;
  readonly machine: VectorMachine;
  /** CX, SI and DI. */
  readonly string: readonly number[];
}

/** Runs assembler text, or bytes, in real-address mode. */
function run(
  model: keyof typeof machines,
  code: string | readonly number[],
  registers: Partial<Record<"CX" | "SI" | "DI" | "BX", number>> = {},
  flags = 0,
): Result {
  const machine = machines[model];
  const { cpu } = machine;
  machine.wipe(0x5_0000);
  machine.reset();
  for (let vector = 0; vector < 32; vector++) {
    const entry = HANDLERS + vector * 16;
    machine.write(vector * 4, Uint8Array.of(entry & 0xff, entry >> 8, 0, 0));
    machine.write(entry, Uint8Array.of(0xf4));
  }
  const bytes = typeof code === "string" ? assemble(code, { bits: 16 }).bytes : Uint8Array.from(code);
  machine.write(CODE * 16 + IP, Uint8Array.of(...bytes, 0xf4));
  cpu.loadRealSegment(SEG.CS, CODE);
  cpu.loadRealSegment(SEG.DS, DATA);
  cpu.loadRealSegment(SEG.ES, EXTRA);
  cpu.loadRealSegment(SEG.SS, STACK);
  cpu.setGpr32(GPR.SP, 0x100);
  for (const [name, value] of Object.entries(registers)) cpu.setGpr32(GPR[name as keyof typeof GPR], value);
  cpu.eip = IP;
  cpu.setEflags(flags, 0xffff);
  machine.run(100);
  return { vector: cpu.lastVector, machine, string: [GPR.CX, GPR.SI, GPR.DI].map((register) => cpu.gpr16(register)) };
}

Deno.test("an 80286 refuses an instruction of eleven bytes", () => {
  const ADD = [0x81, 0x06, 0x00, 0x01, 0x34, 0x12];
  const prefixed = (prefixes: number) => [...new Array<number>(prefixes).fill(0x3e), ...ADD];
  assertEquals(run("i286-real", prefixed(4)).vector, -1);
  assertEquals(run("i286-real", prefixed(5)).vector, VECTOR.GP);
  assertEquals(run("max", prefixed(9)).vector, -1);
  // Whatever its bytes mean.
  assertEquals(run("i286-real", [...new Array<number>(10).fill(0x3e), 0x0f, 0xff]).vector, VECTOR.GP);
});

Deno.test("an 80286 takes LOCK before any instruction", () => {
  for (const text of ["db 0xf0\n mov ax, bx", "db 0xf0\n nop", "db 0xf0\n movsb"]) {
    assertEquals([run("max", text).vector, run("i286-real", text).vector], [VECTOR.UD, -1], text);
  }
  // But not before what is none.
  assertEquals(run("i286-real", [0xf0, 0xff, 0xff]).vector, VECTOR.UD);
});

Deno.test("an 80286 has neither FS nor GS", () => {
  for (const text of ["mov ax, fs", "mov [0], gs", "mov fs, ax", "mov gs, [0]"]) {
    assertEquals([run("max", text).vector, run("i286-real", text).vector], [-1, VECTOR.UD], text);
  }
  assertEquals(run("i286-real", "mov ax, ds").vector, -1);
});

Deno.test("without an 80287 nothing takes an FPU instruction's operand, of which the first word is checked", () => {
  const { vector, machine } = run("i286-real", "fnstcw [0x10]");
  assertEquals([vector, machine.memory[DATA * 16 + 0x10]], [-1, 0]);
  assertEquals(run("max", "fnstcw [0x10]").machine.memory[DATA * 16 + 0x10], 0x40);
  assertEquals(run("i286-real", "fadd dword [bx]", { BX: 0xfffe }).vector, -1);
  assertEquals(run("max", "fadd dword [bx]", { BX: 0xfffe }).vector, VECTOR.GP);
  assertEquals(run("i286-real", "fadd dword [bx]", { BX: 0xffff }).vector, VECTOR.GP);
  assertEquals(run("i286-real", "smsw ax\n or al, 4\n lmsw ax\n fadd st1").vector, VECTOR.NM);
  assertEquals(machine.cpu.i32[STATE.CR0 >> 2]! & CR0.EM, CR0.EM);
});

Deno.test("every segment's overrun is interrupt 13 of an 80286", () => {
  const text = "mov ax, [ss:bx]";
  assertEquals(run("max", text, { BX: 0xffff }).vector, VECTOR.SS);
  assertEquals(run("i286-real", text, { BX: 0xffff }).vector, VECTOR.GP);
});

Deno.test("a string instruction of an 80286 has moved its registers when its access is refused", () => {
  const start = { CX: 5, SI: 0x20, DI: 0x40 };
  const [CX, SI, DI] = [5, 0x20, 0x40];
  const cases: [text: string, registers: Partial<typeof start>, after: readonly number[]][] = [
    ["lodsw", { SI: 0xffff }, [CX, 1, DI]],
    ["rep lodsw", { SI: 0xffff }, [CX - 1, 1, DI]],
    ["rep outsw", { SI: 0xffff }, [CX - 1, 1, DI]],
    ["stosw", { DI: 0xffff }, [CX, SI, 1]],
    ["rep insw", { DI: 0xffff }, [CX - 2, SI, 1]],
    ["repe scasw", { DI: 0xffff }, [CX - 1, SI, 1]],
    ["rep movsw", { SI: 0xffff }, [CX - 1, 1, DI]],
    ["rep movsw", { DI: 0xffff }, [CX - 2, SI + 2, 1]],
    // The destination comes first.
    ["repe cmpsw", { DI: 0xffff }, [CX, SI, 1]],
    ["repe cmpsw", { SI: 0xffff }, [CX - 1, 1, DI + 2]],
    ["repe cmpsw", { SI: 0xffff, DI: 0xffff }, [CX, 0xffff, 1]],
    // After an item that was moved.
    ["rep movsw", { DI: 0xfffd }, [CX - 3, SI + 4, 1]],
    // There is no item to look ahead to.
    ["rep movsw", { CX: 1, DI: 0xffff }, [0, SI + 2, 1]],
  ];
  for (const [text, registers, after] of cases) {
    const { vector, string } = run("i286-real", text, { ...start, ...registers });
    assertEquals([vector, string], [VECTOR.GP, after], `${text} ${JSON.stringify(registers)}`);
    if (registers.DI !== 0xfffd) {
      const before = { ...start, ...registers };
      assertEquals(run("max", text, before).string, [before.CX, before.SI, before.DI], text);
    }
  }
  assertEquals(run("i286-real", "rep movsw", { ...start, DI: 0xffff }, FLAG.DF).string, [CX - 2, SI - 2, 0xfffd]);
});

Deno.test("an 80286 keeps the upper four bits of FLAGS clear", () => {
  const text = "push word 0xf002\n popf\n pushf\n pop cx";
  assertEquals([run("max", text).string[0]! & 0xf000, run("i286-real", text).string[0]! & 0xf000], [0x7000, 0]);
});
