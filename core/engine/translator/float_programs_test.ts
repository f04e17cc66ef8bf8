import { assertEquals } from "@std/assert";
import { assemble } from "../../x86/assemble.ts";
import { CR4, STATE } from "../../x86/registers.ts";
import { integers as random, lonelyVcpu, startFlat } from "../test_vcpu.ts";
import type { Vcpu } from "../vcpu.ts";

const CODE = 0x1000, DATA = 0x2f00, DATA_BYTES = 0x400, STACK = 0x8000;

function machine(translate: boolean): Vcpu {
  const vcpu = lonelyVcpu(translate ? { translate: { after: 0 } } : {});
  startFlat(vcpu, CODE);
  vcpu.cpu.i32[STATE.CR4 >> 2] = CR4.OSFXSR | CR4.OSXMMEXCPT;
  return vcpu;
}

type Random = (limit: number) => number;

/** Mostly ordinary doubles and singles, and now and then anything else. */
function fill(data: DataView, next: Random): void {
  const wild = next(3) === 0;
  for (let at = 0; at < DATA_BYTES; at += 8) {
    const pick = next(wild ? 20 : 16);
    const ordinary = (next(256) + 1) / (next(2) ? 128 : -100);
    if (pick < 10) data.setFloat64(at, ordinary, true);
    else if (pick < 16) {
      data.setFloat32(at, ordinary, true);
      data.setFloat32(at + 4, next(100), true);
    } else if (pick < 18) data.setFloat64(at, [0, -0, Infinity, NaN, 5e-324, 1e-308, 1e308, 1e-300][next(8)]!, true);
    else data.setUint32(at, next(0x100_0000), true);
  }
}

const pick = <T>(next: Random, list: readonly T[]): T => list[next(list.length)]!;

const ARITHMETIC = ["add", "sub", "mul", "div", "min", "max"];

function vectorLine(next: Random, label: string): string {
  const x = () => `xmm${next(6)}`;
  const memory = (size: string, aligned = false) => {
    const at = next(DATA_BYTES - 32);
    // Every other one crosses pages now and then.
    return `${size} [${DATA + (aligned ? at & ~15 : next(2) ? at & ~7 : 0xf8 + next(16))}]`;
  };
  switch (next(16)) {
    case 0:
      return `movsd ${x()}, ${memory("qword")}`;
    case 1:
      return `movsd ${memory("qword")}, ${x()}`;
    case 2:
      return `movups ${x()}, ${memory("oword")}`;
    case 3:
      return `movups ${memory("oword")}, ${x()}`;
    case 4:
      return `movapd ${x()}, ${x()}`;
    case 5:
      return `${pick(next, ["unpcklpd", "movhlps", "xorpd", "pshufd", "paddq"])} ${x()}, ${x()}`.replace(
        /^pshufd.*/,
        (text) => `${text}, ${next(256)}`,
      );
    case 6:
      return `cvtsi2sd ${x()}, ecx`;
    case 7:
      return `${pick(next, ["cvtss2sd", "cvtsd2ss", "sqrtsd", "movsd", "movss", "sqrtpd"])} ${x()}, ${x()}`;
    case 8:
      return `ucomisd ${x()}, ${x()}\n${
        pick(next, ["ja", "jb", "je", "jne", "jbe", "jae", "jp", "js", "jl"])
      } ${label}`;
    case 9:
      return `${pick(next, ARITHMETIC)}${pick(next, ["pd", "ps"])} ${x()}, ${next(2) ? x() : memory("oword", true)}`;
    case 10:
      return `${pick(next, ARITHMETIC)}ss ${x()}, ${next(2) ? x() : memory("dword")}`;
    case 11:
      return `${pick(next, ["cmpsd", "cmppd", "cmpps"])} ${x()}, ${x()}, ${next(8)}`;
    default:
      return `${pick(next, ARITHMETIC)}sd ${x()}, ${next(3) ? x() : memory("qword")}`;
  }
}

/** Keeps between 1 and 6 registers filled, most of the time. */
function stackLine(next: Random, label: string, stack: { depth: number }): string {
  const memory = (size: string) => `${size} [${DATA + (next(3) ? next(0x3e0) & ~7 : 0xf4 + next(12))}]`;
  const filled = () => `st${next(Math.max(stack.depth, 1))}`;
  const kind = next(100) === 0 ? next(14) : stack.depth < 2 ? next(3) : stack.depth > 5 ? 3 + next(11) : next(14);
  switch (kind) {
    case 0:
      stack.depth++;
      return `fld ${pick(next, [() => memory("qword"), () => memory("dword"), filled])()}`;
    case 1:
      stack.depth++;
      return pick(next, ["fld1", "fldz", "fldpi"]);
    case 2:
      stack.depth++;
      return `fild dword [${DATA + (next(0x3e0) & ~3)}]`;
    case 3:
      stack.depth--;
      return `fstp ${pick(next, [() => memory("qword"), () => memory("dword"), () => memory("tword"), filled])()}`;
    case 4:
    case 5:
      return `fxch ${filled()}`;
    case 6:
      return pick(next, ["fchs", "fabs", "fsqrt", "fnstsw ax", "wait", "fnstcw [0x6000]", "fldcw [0x6000]"]);
    case 7:
      return `fcomi st0, ${filled()}\n${pick(next, ["ja", "jb", "je", "jne"])} ${label}`;
    case 8:
    case 9:
      return `f${pick(next, ["add", "sub", "mul", "div"])} ${pick(next, ["qword", "dword"])} [${
        DATA + (next(0x3e0) & ~7)
      }]`;
    case 10:
      stack.depth--;
      return `f${pick(next, ["add", "sub", "subr", "mul", "div"])}p ${filled().replace("0", "1")}, st0`;
    default:
      return `f${pick(next, ["add", "sub", "mul", "mul", "divr"])} st0, ${filled()}`;
  }
}

type Line = (next: Random, label: string, stack: { depth: number }) => string;

function program(next: Random, line: Line): string {
  const lines: string[] = [];
  const count = 4 + next(24), stack = { depth: 0 };
  for (let k = 0; k < count; k++) {
    // A branch over changes of the stack's depth would soon have it overflow.
    const target = line === stackLine ? k + 1 : k + 1 + next(count - k);
    lines.push(`l${k}:`, line(next, `l${target}`, stack));
    if (next(12) === 0) lines.push(pick(next, ["cpuid", "nop", "mov ecx, edx"]));
  }
  return [
    `org ${CODE}`,
    "again:",
    ...lines,
    `l${count}:`,
    ...new Array(Math.max(0, stack.depth)).fill("fstp st0"),
    "inc ecx",
    "jmp again",
  ].join("\n");
}

function read(physical: Vcpu["physical"]): Uint8Array {
  const bytes = new Uint8Array(DATA_BYTES);
  physical.read(DATA, bytes);
  return bytes;
}

/** Everything that floating-point instructions change. */
function state({ cpu, physical }: Vcpu): unknown[] {
  return [
    [...cpu.u8.subarray(STATE.FPU_ST, STATE.XMM + 128)],
    [0, 1, 2, 3, 4, 5, 6, 7].map((register) => cpu.gpr32(register)),
    cpu.eip,
    cpu.eflags,
    [...read(physical)],
  ];
}

function compare(line: Line, seeds: number): void {
  const interpreted = machine(false), translated = machine(true);
  for (let seed = 0; seed < seeds; seed++) {
    const next = random(seed);
    const source = program(next, line);
    const { bytes } = assemble(source, { bits: 32 });
    const data = new DataView(new ArrayBuffer(DATA_BYTES));
    fill(data, next);
    const mxcsr = pick(next, [0x1f80, 0x1f80, 0x1fa0, 0x5fa0]);
    const control = pick(next, [0x37f, 0x37f, 0x27f, 0x7f, 0xf7f]);
    for (const vcpu of [interpreted, translated]) {
      const { cpu } = vcpu;
      vcpu.physical.write(CODE, new Uint8Array(0x800).fill(0x90));
      vcpu.physical.write(CODE, bytes);
      vcpu.physical.write(0x6000, Uint8Array.of(control & 0xff, control >> 8));
      vcpu.physical.write(DATA, new Uint8Array(data.buffer));
      cpu.u8.set(new Uint8Array(data.buffer, 0, 128), STATE.XMM);
      cpu.u8.fill(0, STATE.FPU_ST, STATE.MXCSR);
      cpu.u32[STATE.MXCSR >> 2] = mxcsr;
      cpu.u32[STATE.FPU_CONTROL >> 2] = control;
      cpu.u32[STATE.FPU_TAG >> 2] = 0xffff;
      for (let register = 0; register < 8; register++) cpu.setGpr32(register, register * 1000);
      cpu.setGpr32(4, STACK);
      cpu.setEflags(0, ~0);
      cpu.eip = CODE;
    }
    for (let stretch = 0; stretch < 6; stretch++) {
      const count = 40 + next(200);
      interpreted.run(count);
      translated.run(count);
      assertEquals(state(translated), state(interpreted), `seed ${seed}, stretch ${stretch}:\n${source}`);
    }
  }
  // Much of it was translated, and not left to the interpreter.
  const { translated: retired, instructions } = translated.stats();
  assertEquals(retired! > instructions / 5, true, `${retired} of ${instructions} instructions`);
}

Deno.test("translated SSE programs leave what interpreted ones leave", () => compare(vectorLine, 60));

Deno.test("translated x87 programs leave what interpreted ones leave", () => compare(stackLine, 60));
