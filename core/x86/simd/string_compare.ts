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

/** The operands' elements as integers: used again by each instruction, since C libraries run these over every string. */
const pattern = new Int32Array(16);
const text = new Int32Array(16);

/** Which bytes occur in a pattern, a bit each. */
const present = new Uint32Array(8);

/** Takes an operand apart. Returns how many elements it has. */
function split(lanes: Lanes, control: number, into: Int32Array): number {
  const words = (control & CONTROL.WORDS) !== 0;
  const count = words ? 8 : 16;
  const shift = (control & CONTROL.SIGNED) === 0 ? 0 : words ? 16 : 24;
  for (let i = 0; i < count; i++) into[i] = (words ? lanes.u16[i]! : lanes.u8[i]!) << shift >> shift;
  return count;
}

/** Elements before the terminating zero. */
function implicitLength(values: Int32Array, count: number): number {
  let length = 0;
  while (length < count && values[length] !== 0) length++;
  return length;
}

/** The magnitude of a length register, saturated. */
function explicitLength(cpu: Cpu, register: number, count: number): number {
  return Math.min(Math.abs(cpu.gpr32(register) | 0), count);
}

/** Elements of the text that occur in the pattern. */
function equalAny(patternLength: number, textLength: number): number {
  let bits = 0;
  present.fill(0);
  for (let i = 0; i < patternLength; i++) present[pattern[i]! >> 5 & 7]! |= 1 << (pattern[i]! & 31);
  for (let j = 0; j < textLength; j++) {
    if ((present[text[j]! >> 5 & 7]! >>> (text[j]! & 31) & 1) === 0) continue;
    // What is present is sure of bytes only.
    for (let i = 0; i < patternLength; i++) if (pattern[i] === text[j]) bits |= 1 << j;
  }
  return bits;
}

/** Elements of the text that lie in one of the pattern's ranges. */
function ranges(patternLength: number, textLength: number): number {
  let bits = 0;
  for (let j = 0; j < textLength; j++) {
    const value = text[j]!;
    for (let i = 0; i + 1 < patternLength; i += 2) {
      if (value >= pattern[i]! && value <= pattern[i + 1]!) bits |= 1 << j;
    }
  }
  return bits;
}

/** Elements that are equal, or both beyond the end. */
function equalEach(patternLength: number, textLength: number, count: number): number {
  let bits = 0;
  for (let j = 0; j < count; j++) {
    const valid = j < textLength;
    if (valid && j < patternLength ? text[j] === pattern[j] : valid === j < patternLength) bits |= 1 << j;
  }
  return bits;
}

/** Places where the whole pattern occurs. Beyond the end of the register there is nothing to contradict. */
function equalOrdered(patternLength: number, textLength: number, count: number): number {
  let bits = 0;
  for (let j = 0; j < count; j++) {
    let i = 0;
    while (i < patternLength && j + i < count && j + i < textLength && text[j + i] === pattern[i]) i++;
    if (i === patternLength || j + i === count) bits |= 1 << j;
  }
  return bits;
}

/** IntRes1: for each element of the second operand, whether the first one's pattern holds there (4.1.3, table 4-2). */
function aggregate(patternLength: number, textLength: number, count: number, control: number): number {
  switch (control & CONTROL.AGGREGATION) {
    case AGGREGATION.EQUAL_ANY:
      return equalAny(patternLength, textLength);
    case AGGREGATION.RANGES:
      return ranges(patternLength, textLength);
    case AGGREGATION.EQUAL_EACH:
      return equalEach(patternLength, textLength, count);
    default:
      return equalOrdered(patternLength, textLength, count);
  }
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
    const count = split(first, control, pattern);
    split(second, control, text);
    const patternLength = explicit ? explicitLength(cpu, GPR.AX, count) : implicitLength(pattern, count);
    const textLength = explicit ? explicitLength(cpu, GPR.DX, count) : implicitLength(text, count);
    const found = aggregate(patternLength, textLength, count, control);
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
