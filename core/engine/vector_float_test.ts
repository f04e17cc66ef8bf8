import { assertEquals } from "@std/assert";
import { assemble } from "../x86/assemble.ts";
import { CR4, STATE } from "../x86/registers.ts";
import { VECTOR_FLOAT } from "../x86/semantics/vector_float.ts";
import { SIMD_CALLOUTS } from "../x86/simd/callouts.ts";
import { FORM_ENCODINGS } from "../x86/encode.ts";

import { DECODE, decode } from "../x86/decode.ts";
import { Instruction, OPERAND } from "../x86/instruction.ts";
import { FORMS } from "../x86/table/table.ts";
import { fractions as random, lonelyVcpu, startFlat } from "./test_vcpu.ts";
import type { Vcpu } from "./vcpu.ts";

/** Rounding to nearest, all exceptions masked, PE set: where emitted code computes itself. */
const QUIET = 0x1fa0;

const CODE = 0x1000, DATA = 0x2000;

function machine(): Vcpu {
  const vcpu = lonelyVcpu();
  startFlat(vcpu, CODE);
  vcpu.cpu.i32[STATE.CR4 >> 2] = CR4.OSFXSR | CR4.OSXMMEXCPT;
  return vcpu;
}

/** Numbers that between them take every way: near the ends of both formats, of doubleword integers, ties, zeros, NaNs, infinities. */
function numbers(next: () => number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const double = next() < 0.5;
  const scale = () => {
    const pick = next();
    if (pick < 0.4) return (next() - 0.5) * 16;
    if (pick < 0.5) return Math.floor((next() - 0.5) * 64) / 4;
    if (pick < 0.6) return (next() < 0.5 ? -1 : 1) * (2 ** 31 + Math.floor((next() - 0.5) * 8) / 4);
    if (pick < 0.65) {
      // Few bits, whose products and quotients are just exact, or just not.
      const bits = (double ? 24 : 9) + Math.floor(next() * 6);
      return (Math.floor(next() * 2 ** bits) | 1) * 2 ** Math.floor((next() - 0.5) * 60);
    }
    if (pick < 0.72) return [0, -0, Infinity, -Infinity, NaN, 1, -1, 0.5][Math.floor(next() * 8)]!;
    const range = double ? 1074 : 149;
    return (next() - 0.5) * 2 ** Math.floor((next() * 2 - 1) * range);
  };
  for (let at = 0; at < 16; at += double ? 8 : 4) {
    if (double) view.setFloat64(at, scale(), true);
    else view.setFloat32(at, scale(), true);
    // A signaling NaN now and then.
    if (next() < 0.02) view.setUint32(at + (double ? 4 : 0), double ? 0x7ff0_0001 : 0x7f80_0001, true);
  }
  return bytes;
}

/** Text of an instruction of a form: XMM1 or EAX from XMM2, EBX or memory. */
function textOf(id: number, memory: boolean, immediate: number): string | undefined {
  const { codes } = FORM_ENCODINGS[id]!;
  const operands = codes.map(({ kind, memorySize }, position) => {
    if (kind === OPERAND.IMMEDIATE) return String(immediate);
    if (position === 1 && memory) {
      return `${{ 4: "dword", 8: "qword", 16: "oword" }[memorySize[1]]} [${DATA}]`;
    }
    return kind === OPERAND.GPR ? ["eax", "ebx"][position] : ["xmm1", "xmm2"][position];
  });
  return `${FORMS[id]!.mnemonic} ${operands.join(", ")}`;
}

Deno.test("emitted floating point equals the exact definitions, flags included", () => {
  const next = random(7);
  const vcpu = machine();
  const { cpu } = vcpu;
  const instruction = new Instruction();
  let quiet = 0;
  for (const form of FORMS) {
    if (VECTOR_FLOAT[form.semantics] === undefined) continue;
    const callout = SIMD_CALLOUTS[form.semantics]!;
    for (let round = 0; round < 60; round++) {
      const text = textOf(form.id, round % 2 === 1, round % 11);
      const { bytes } = assemble(text!, { bits: 32 });
      vcpu.physical.write(CODE, bytes);
      const source = numbers(next), destination = numbers(next);
      vcpu.physical.write(DATA, source);
      const mxcsr = round % 5 === 4
        ? QUIET & ~0x20 | Math.floor(next() * 4) << 13
        : round % 5 === 3
        ? QUIET & ~0x20
        : QUIET;
      const integer = Math.floor((next() - 0.5) * 2 ** (1 + Math.floor(next() * 32))) | 0;
      const load = () => {
        cpu.u8.set(destination, STATE.XMM + 16);
        cpu.u8.set(source, STATE.XMM + 32);
        cpu.u32[STATE.MXCSR >> 2] = mxcsr;
        cpu.setGpr32(0, 0x1234_5678);
        cpu.setGpr32(3, integer);
        cpu.setEflags(0, ~0);
        cpu.eip = CODE;
      };
      const state = () => [
        [...cpu.u8.subarray(STATE.XMM, STATE.XMM + 48)].map((byte) => byte.toString(16)).join(" "),
        cpu.u32[STATE.MXCSR >> 2],
        cpu.gpr32(0),
        cpu.eflags,
      ];
      load();
      const before = vcpu.stats().callouts;
      assertEquals(vcpu.run(1).reason, "budget");
      assertEquals(cpu.eip, CODE + bytes.length, text);
      if (vcpu.stats().callouts === before) quiet++;
      const emitted = state();
      load();
      assertEquals(decode(bytes, 0, bytes.length, true, instruction), DECODE.OK);
      callout(cpu, instruction);
      assertEquals(emitted, state(), `${text} of ${destination} and ${source}, MXCSR ${mxcsr.toString(16)}`);
    }
  }
  // Both ways were taken.
  assertEquals(quiet > 200, true, `${quiet} without a callout`);
});
