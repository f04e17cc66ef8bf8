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

/** The elements of an operand as integers, of which there are 8 or 16. */
class Elements {
  count = 0;
  readonly values: Int32Array = new Int32Array(16);

  set(lanes: Lanes, control: number): void {
    const words = (control & CONTROL.WORDS) !== 0;
    const shift = (control & CONTROL.SIGNED) === 0 ? 0 : words ? 16 : 24;
    this.count = words ? 8 : 16;
    for (let k = 0; k < this.count; k++) this.values[k] = (words ? lanes.u16[k]! : lanes.u8[k]!) << shift >> shift;
  }

  /** How many come before the terminating zero. */
  get implicitLength(): number {
    for (let k = 0; k < this.count; k++) if (this.values[k] === 0) return k;
    return this.count;
  }
}

const pattern = new Elements();
const text = new Elements();

/** The magnitude of a length register, saturated. */
function explicitLength(cpu: Cpu, register: number, count: number): number {
  return Math.min(Math.abs(cpu.gpr32(register) | 0), count);
}

/** IntRes1: for each element of the second operand, whether the first one's pattern holds there (4.1.3, table 4-2). */
function aggregate(patternLength: number, textLength: number, control: number): number {
  const form = control & CONTROL.AGGREGATION;
  let bits = 0;
  for (let j = 0; j < text.count; j++) if (holds(form, j, patternLength, textLength)) bits |= 1 << j;
  return bits;
}

function holds(form: number, j: number, patternLength: number, textLength: number): boolean {
  const value = text.values[j]!, valid = j < textLength, wanted = pattern.values;
  switch (form) {
    case AGGREGATION.EQUAL_ANY:
      for (let i = 0; valid && i < patternLength; i++) if (wanted[i] === value) return true;
      return false;
    case AGGREGATION.RANGES:
      for (let i = 0; valid && i + 1 < patternLength; i += 2) {
        if (value >= wanted[i]! && value <= wanted[i + 1]!) return true;
      }
      return false;
    case AGGREGATION.EQUAL_EACH:
      return valid && j < patternLength ? value === wanted[j] : valid === j < patternLength;
    default:
      // Beyond the end of the register there is nothing to contradict.
      for (let i = 0; i < patternLength && j + i < text.count; i++) {
        if (j + i >= textLength || text.values[j + i] !== wanted[i]) return false;
      }
      return true;
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
    pattern.set(first, control);
    text.set(second, control);
    const { count } = text;
    const patternLength = explicit ? explicitLength(cpu, GPR.AX, count) : pattern.implicitLength;
    const textLength = explicit ? explicitLength(cpu, GPR.DX, count) : text.implicitLength;
    const found = aggregate(patternLength, textLength, control);
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
