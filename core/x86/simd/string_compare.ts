/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM (Intel SDM volume 2, 4.1).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Instruction } from "../instruction.ts";
import { ARITHMETIC_FLAGS, FLAG, GPR } from "../registers.ts";
import type { Callout } from "../system/callout.ts";
import { Lanes } from "./lanes.ts";
import { requireSse } from "./unit.ts";

/** Bits of the immediate (4.1.2 to 4.1.6). */
const CONTROL = { WORDS: 1, SIGNED: 2, AGGREGATION: 3 << 2, NEGATE: 1 << 4, MASKED: 1 << 5, OUTPUT: 1 << 6 } as const;

/** Aggregations, in place. */
const AGGREGATION = { EQUAL_ANY: 0 << 2, RANGES: 1 << 2, EQUAL_EACH: 2 << 2, EQUAL_ORDERED: 3 << 2 } as const;

const first = new Lanes();
const second = new Lanes();
const mask = new Lanes();

/** Elements of an operand as integers. */
function elements(lanes: Lanes, control: number): number[] {
  const values = [...((control & CONTROL.WORDS) !== 0 ? lanes.u16 : lanes.u8)];
  if ((control & CONTROL.SIGNED) === 0) return values;
  const shift = (control & CONTROL.WORDS) !== 0 ? 16 : 24;
  return values.map((value) => value << shift >> shift);
}

/** Elements before the terminating zero. */
function implicitLength(values: readonly number[]): number {
  const end = values.indexOf(0);
  return end < 0 ? values.length : end;
}

/** The magnitude of a length register, saturated. */
function explicitLength(cpu: Cpu, register: number, count: number): number {
  return Math.min(Math.abs(cpu.gpr32(register) | 0), count);
}

/** IntRes1: for each element of the second operand, whether the first one's pattern holds there (4.1.3, table 4-2). */
function aggregate(
  pattern: readonly number[],
  patternLength: number,
  text: readonly number[],
  textLength: number,
  control: number,
): number {
  const holds = (j: number): boolean => {
    const value = text[j]!, valid = j < textLength;
    switch (control & CONTROL.AGGREGATION) {
      case AGGREGATION.EQUAL_ANY:
        return valid && pattern.slice(0, patternLength).includes(value);
      case AGGREGATION.RANGES:
        for (let i = 0; i + 1 < patternLength; i += 2) {
          if (valid && value >= pattern[i]! && value <= pattern[i + 1]!) return true;
        }
        return false;
      case AGGREGATION.EQUAL_EACH:
        return valid && j < patternLength ? value === pattern[j] : valid === j < patternLength;
      default:
        // Beyond the end of the register there is nothing to contradict.
        for (let i = 0; i < patternLength && j + i < text.length; i++) {
          if (j + i >= textLength || text[j + i] !== pattern[i]) return false;
        }
        return true;
    }
  };
  return text.reduce((bits, _, j) => holds(j) ? bits | 1 << j : bits, 0);
}

/** IntRes2 (4.1.4). */
function polarize(bits: number, textLength: number, count: number, control: number): number {
  if ((control & CONTROL.NEGATE) === 0) return bits;
  const inverted = (control & CONTROL.MASKED) !== 0 ? (1 << textLength) - 1 : (1 << count) - 1;
  return bits ^ inverted;
}

/** ECX: the place of the least or most significant bit, or the number of elements. */
function index(cpu: Cpu, bits: number, count: number, control: number): void {
  const least = 31 - Math.clz32(bits & -bits), most = 31 - Math.clz32(bits);
  cpu.setGpr32(GPR.CX, bits === 0 ? count : (control & CONTROL.OUTPUT) !== 0 ? most : least);
}

/** XMM0: the bits themselves, or elements of ones. */
function expand(cpu: Cpu, bits: number, count: number, control: number): void {
  mask.u8.fill(0);
  if ((control & CONTROL.OUTPUT) === 0) mask.u32[0] = bits;
  else {
    const size = 16 / count;
    for (let at = 0; at < 16; at++) if ((bits >> Math.floor(at / size) & 1) !== 0) mask.u8[at] = 0xff;
  }
  mask.writeXmm(cpu, 0);
}

function comparison(explicit: boolean, output: typeof index): Callout {
  return (cpu: Cpu, instruction: Instruction) => {
    requireSse(cpu);
    second.read(cpu, instruction, 1, 16, true);
    first.readXmm(cpu, instruction.operands[0].register);
    const control = instruction.operands[2].value;
    const pattern = elements(first, control), text = elements(second, control);
    const count = text.length;
    const patternLength = explicit ? explicitLength(cpu, GPR.AX, count) : implicitLength(pattern);
    const textLength = explicit ? explicitLength(cpu, GPR.DX, count) : implicitLength(text);
    const found = aggregate(pattern, patternLength, text, textLength, control);
    const bits = polarize(found, textLength, count, control);
    output(cpu, bits, count, control);
    cpu.setEflags(
      (bits !== 0 ? FLAG.CF : 0) | (textLength < count ? FLAG.ZF : 0) | (patternLength < count ? FLAG.SF : 0) |
        ((bits & 1) !== 0 ? FLAG.OF : 0),
      ARITHMETIC_FLAGS,
    );
  };
}

/** By semantics name. */
export const STRING_COMPARE_CALLOUTS: Readonly<Record<string, Callout>> = {
  pcmpestri: comparison(true, index),
  pcmpestrm: comparison(true, expand),
  pcmpistri: comparison(false, index),
  pcmpistrm: comparison(false, expand),
};
