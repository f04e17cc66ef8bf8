import { assert, assertEquals } from "@std/assert";
import { encode, FORM_ENCODINGS } from "../x86/encode.ts";
import { FPU_CALLOUTS } from "../x86/fpu/callouts.ts";
import { setTagWord, summarize } from "../x86/fpu/stack.ts";
import { Instruction, OPERAND } from "../x86/instruction.ts";
import { ARITHMETIC_FLAGS, CR0, SEG, STATE, VECTOR } from "../x86/registers.ts";
import { FPU_ARITHMETIC } from "../x86/semantics/fpu_arithmetic.ts";
import { FPU_COMPARE } from "../x86/semantics/fpu_compare.ts";
import { FPU_CONTROL } from "../x86/semantics/fpu_control.ts";
import { FPU_MOVE } from "../x86/semantics/fpu_move.ts";
import { FPU_SCALE } from "../x86/semantics/fpu_scale.ts";
import { FORMS } from "../x86/table/table.ts";
import { integers as random, lonelyVcpu, startFlat } from "./test_vcpu.ts";
import type { Vcpu } from "./vcpu.ts";

const CODE = 0x1000, DATA = 0x3000;

const DESCRIBED = { ...FPU_MOVE, ...FPU_ARITHMETIC, ...FPU_SCALE, ...FPU_COMPARE, ...FPU_CONTROL };

function machine(faulted?: (vector: number) => void): Vcpu {
  const vcpu = lonelyVcpu({ faulted: (fault) => faulted?.(fault.vector) });
  startFlat(vcpu, CODE);
  vcpu.cpu.i32[STATE.CR0 >> 2]! |= CR0.NE;
  vcpu.cpu.i32[STATE.CR0 >> 2]! &= ~(CR0.EM | CR0.TS);
  return vcpu;
}

type Random = (below: number) => number;

function pick<T>(next: Random, values: readonly T[]): T {
  return values[next(values.length)]!;
}

/** Significands with long runs, close to where roundings change, and random ones. */
function significand(next: Random): bigint {
  const word = () => BigInt(next(1 << 24)) << 40n | BigInt(next(1 << 24)) << 16n | BigInt(next(1 << 16));
  let value = word();
  switch (next(8)) {
    case 0:
      value = 0n;
      break;
    case 1:
      value &= ~0n << BigInt(next(64));
      break;
    case 2:
      value |= (1n << BigInt(next(64))) - 1n;
      break;
    // Ties and their neighbours at 53 and 24 bits.
    case 3:
      value = (value & ~0xfffn) | pick(next, [0x3ffn, 0x400n, 0x401n, 0xbffn, 0xc00n, 0xc01n]);
      break;
    case 4:
      value = (value & ~0x1ff_ffff_ffffn) | pick(next, [0x7f_ffff_ffffn, 0x80_0000_0000n, 0x180_0000_0000n]);
      break;
    case 5:
      value = BigInt(next(100)) << 57n;
      break;
    case 6:
      value = BigInt(next(3));
      break;
  }
  return BigInt.asUintN(64, value) | 1n << 63n;
}

/** Contents of a register: numbers near each other and far apart, and everything that is no plain number. */
function contents(next: Random): { significand: bigint; signExponent: number } {
  const sign = next(2) << 15;
  const exact = significand(next);
  switch (next(16)) {
    case 0:
      return { significand: 0n, signExponent: sign };
    case 1:
      return pick(next, [
        { significand: 1n << 63n, signExponent: sign | 0x7fff },
        { significand: 3n << 62n, signExponent: sign | 0x7fff },
        { significand: (1n << 63n) + 1n, signExponent: sign | 0x7fff },
        { significand: 1n, signExponent: sign },
        { significand: exact, signExponent: sign },
        { significand: exact >> 1n, signExponent: sign | 0x4000 },
      ]);
    case 2:
      return { significand: exact, signExponent: sign | 1 + next(0x7ffe) };
    case 3:
      return { significand: exact, signExponent: sign | pick(next, [1, 2, 0x3c01, 0x3c00, 0x43fe, 0x43ff, 0x7ffe]) };
    case 4:
      return { significand: exact, signExponent: sign | 0x3fff - 130 + next(260) };
    default:
      return { significand: exact, signExponent: sign | 0x3fff - 8 + next(76) };
  }
}

/** A memory operand: sixteen bytes. */
function operand(
  next: Random,
  { semantics, operands }: { semantics: string; operands: readonly string[] },
): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const code = operands[0];
  if (code === "Mf80") {
    const { significand, signExponent } = contents(next);
    view.setBigUint64(0, significand, true);
    view.setUint16(8, signExponent, true);
  } else if (code === "Mf32" || code === "Mf64") {
    const value = pick(next, [
      () => (next(1 << 20) - (1 << 19)) / 64,
      () => (next(1 << 24) - 0.5) * 2 ** (next(80) - 40),
      () => 2 ** (next(280) - 140) * (1 + next(1 << 24) / 2 ** 24),
      () => pick(next, [0, -0, 1, -1, Infinity, NaN, 1e-310, 1e-40, 0.1]),
    ])();
    if (code === "Mf32") view.setFloat32(0, value, true);
    else view.setFloat64(0, value, true);
    if (next(40) === 0) view.setUint32(code === "Mf32" ? 0 : 4, code === "Mf32" ? 0x7f80_0001 : 0x7ff0_0001, true);
  } else if (semantics === "fldcw") view.setUint16(0, controlWord(next) & ~next(4), true);
  else {
    const value = significand(next) >> BigInt(next(65));
    view.setBigInt64(0, BigInt.asIntN(64, next(2) === 0 ? value : -value), true);
  }
  return bytes;
}

function controlWord(next: Random): number {
  if (next(3) !== 0) return pick(next, [0x37f, 0x27f, 0x7f, 0x37f]);
  const rounding = next(4) << 10, precision = next(4) << 8;
  const masks = next(4) === 0 ? next(64) : 0x3f;
  return masks | precision | rounding | 0x40;
}

/** Register forms with several numbers, memory forms by address kinds. */
function* variants(id: number): Generator<Instruction> {
  const form = FORMS[id]!;
  const { codes } = FORM_ENCODINGS[id]!;
  const isMemory = codes[0]?.kind === OPERAND.MEMORY;
  for (const choice of isMemory ? [0, 1, 2, 3] : form.operands.includes("STi") ? [0, 1, 7] : [0]) {
    const instruction = new Instruction();
    instruction.form = form;
    instruction.count = codes.length;
    for (const [k, code] of codes.entries()) {
      const operand = instruction.operands[k]!;
      operand.kind = code.kind;
      if (isMemory) {
        operand.size = code.memorySize[1];
        operand.segment = choice === 2 ? SEG.FS : SEG.DS;
        operand.value = choice === 0 ? DATA : 4;
        if (choice !== 0) operand.base = 3;
        if (choice === 3) instruction.addressSize = 2;
        if (choice === 1) {
          operand.index = 6;
          operand.scale = 1;
        }
      } else {
        operand.register = form.operands[k] === "STi" ? choice : 0;
        operand.size = code.size[1];
      }
    }
    yield instruction;
  }
}

const describe = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("emitted x87 instructions leave what their exact definitions leave", () => {
  const next = random(11);
  const vcpu = machine();
  const { cpu } = vcpu;
  cpu.loadSegmentCache(SEG.FS, 0x33, 0, 0xffff_ffff, 0xcf9300);
  cpu.refreshSegments();
  let cases = 0;
  const quiet = new Map<string, number>();
  const rounds = 50;
  for (const form of FORMS) {
    if (DESCRIBED[form.semantics] === undefined || form.mnemonic === "wait") continue;
    for (const instruction of variants(form.id)) {
      const bytes = encode(instruction, true);
      instruction.length = bytes.length;
      for (let round = 0; round < rounds; round++) {
        const before = new Uint8Array(STATE.MXCSR - STATE.FPU_ST);
        const view = new DataView(before.buffer);
        for (let slot = 0; slot < 8; slot++) {
          const { significand, signExponent } = contents(next);
          view.setBigUint64(slot * 16, significand, true);
          view.setUint32(slot * 16 + 8, signExponent, true);
        }
        // Operands that cancel, and differences of exponents where bits begin to fall off.
        if (next(6) === 0) before.copyWithin(next(8) * 16, next(8) * 16, next(8) * 16 + 8);
        if (next(3) === 0) {
          const apart = pick(next, [0, 1, 63, 64, 65, 65, 66, 127]);
          const powers = next(2) === 0;
          for (let slot = 0; slot < 8; slot++) {
            view.setUint16(slot * 16 + 8, (next(2) << 15) | 0x3fff + (slot & 1) * apart, true);
            if (powers) view.setBigUint64(slot * 16, (1n << 63n) + BigInt(next(2)), true);
          }
        }
        const status = next(8) << 11 | (next(2) === 0 ? 0x20 : 0) | next(16) << 8 & 0x4700;
        const control = controlWord(next) | status & 0x20;
        const pushes = /^f(i?ld|ld)/.test(form.semantics) && form.semantics !== "fldcw";
        const memory = operand(next, form);
        const load = () => {
          cpu.u8.set(before, STATE.FPU_ST);
          cpu.i32[STATE.FPU_CONTROL >> 2] = control;
          cpu.i32[STATE.FPU_STATUS >> 2] = status;
          summarize(cpu);
          const below = (status >> 11) + 7 & 7;
          const empty = (round % 10 === 9 ? empties : 0) | (pushes && round % 7 !== 6 ? 3 << below * 2 : 0);
          // Tags as FLDENV makes them, or as an MMX instruction leaves them.
          setTagWord(cpu, empty);
          if (round % 16 === 15) cpu.i32[STATE.FPU_TAG >> 2] = empty;
          vcpu.physical.write(DATA, memory);
          cpu.setGpr32(0, 0x1234_5678);
          cpu.setGpr32(3, DATA - 4 - (instruction.operands[0].index < 0 ? 0 : 0x20));
          cpu.setGpr32(6, 0x10);
          cpu.setEflags(round * 0x45, ARITHMETIC_FLAGS);
          cpu.eip = CODE;
        };
        const empties = next(0x1_0000);
        const state = () => [
          describe(cpu.u8.subarray(STATE.FPU_ST, STATE.MXCSR)),
          describe(vcpu.physical.bytes.subarray(vcpu.physical.layout.ram + DATA).subarray(0, 16)),
          cpu.gpr32(0),
          cpu.eflags,
        ];
        load();
        // Written anew, so that the CPU looks at EIP again.
        vcpu.physical.write(CODE, Uint8Array.from(bytes));
        const callouts = vcpu.stats().callouts;
        assertEquals(vcpu.run(1).reason, "budget");
        assertEquals(cpu.eip, CODE + bytes.length);
        if (vcpu.stats().callouts === callouts) quiet.set(form.semantics, (quiet.get(form.semantics) ?? 0) + 1);
        const emitted = state();
        load();
        FPU_CALLOUTS[form.semantics]!(cpu, instruction);
        const what = `${form.mnemonic} ${form.operands} ${describe(Uint8Array.from(bytes))}, control ${
          control.toString(16)
        }, status ${status.toString(16)}`;
        assertEquals(emitted, state(), `${what}\n${describe(before)}\n${describe(memory)}`);
        cases++;
      }
    }
  }
  assert(cases > 10_000);
  for (const name of Object.keys(DESCRIBED)) {
    if (name !== "wait") assert((quiet.get(name) ?? 0) > 10, `${name}: ${quiet.get(name)} without a callout`);
  }
});

Deno.test("emitted x87 instructions raise #NM and #MF", () => {
  for (
    const [cr0, status, code, expected] of [
      [CR0.TS, 0, [0xd8, 0xc1], VECTOR.NM],
      [CR0.EM, 0, [0xdd, 0x1d, 0, DATA >> 8, 0, 0], VECTOR.NM],
      [CR0.TS, 0, [0xdf, 0xe0], VECTOR.NM],
      [CR0.TS | CR0.MP, 0, [0x9b], VECTOR.NM],
      [0, 0x8081, [0x9b], VECTOR.MF],
      [0, 0x8081, [0xd9, 0xe8], VECTOR.MF],
      [0, 0x8081, [0xdf, 0xe0], -1],
      [CR0.TS, 0, [0x9b], -1],
    ] as const
  ) {
    let raised = -1;
    const vcpu = machine((vector) => raised = vector);
    const { cpu } = vcpu;
    cpu.i32[STATE.FPU_CONTROL >> 2] = 0x37e;
    cpu.i32[STATE.FPU_STATUS >> 2] = status;
    cpu.i32[STATE.CR0 >> 2]! &= ~CR0.MP;
    cpu.i32[STATE.CR0 >> 2]! |= cr0;
    vcpu.physical.write(CODE, Uint8Array.from(code));
    // Whether it was raised is what counts: there is no table to deliver it by.
    vcpu.run(1);
    assertEquals(raised, expected, `${code}`);
  }
});
