/**
 * The x87, MMX and SSE state of a recorded user instruction.
 *
 * @module
 */
import type { Cpu } from "../../core/x86/cpu.ts";
import { setTagWord, tagWord } from "../../core/x86/fpu/stack.ts";
import { STATE } from "../../core/x86/registers.ts";
import { type Differences, hex } from "./outcome.ts";
import { bytesOf } from "./real_mode_format.ts";
import type { FpuImage, Ring3Vector } from "./ring3_format.ts";

/** After FNINIT. */
const INITIAL: FpuImage = { cw: "37f", sw: "0", tw: "0", st: new Array(8).fill("0".repeat(20)) };
const INITIAL_MXCSR = "1f80";

const ZERO = new Uint8Array(16);

const PRECISION_EXCEPTION = 1 << 5;
const NO_BITS = 0;

/** Loads the state before the instruction. */
export function loadVectorRegisters(cpu: Cpu, vector: Ring3Vector): void {
  const { cw, sw, tw, st } = vector.fp ?? INITIAL;
  const status = parseInt(sw, 16), top = (status >> 11) & 7, used = parseInt(tw, 16);
  cpu.u32[STATE.FPU_CONTROL >> 2] = parseInt(cw, 16);
  cpu.u32[STATE.FPU_STATUS >> 2] = status;
  const view = stackView(cpu);
  let tags = 0;
  for (let physical = 0; physical < 8; physical++) {
    const text = st[(physical - top) & 7]!;
    view.setBigUint64(physical * 16, BigInt("0x" + text.slice(4)), true);
    view.setUint32(physical * 16 + 8, parseInt(text.slice(0, 4), 16), true);
    if ((used >> physical & 1) === 0) tags |= 3 << (physical * 2);
  }
  setTagWord(cpu, tags);
  cpu.u32[STATE.MXCSR >> 2] = parseInt(vector.mx ?? INITIAL_MXCSR, 16);
  vector.x?.forEach((text, i) => cpu.u8.set(bytesOf(text), STATE.XMM + i * 16));
}

function stackView(cpu: Cpu): DataView {
  return new DataView(cpu.u8.buffer, cpu.u8.byteOffset + STATE.FPU_ST, 128);
}

/** Compares the state after the instruction. */
export function compareVectorRegisters(cpu: Cpu, vector: Ring3Vector, differences: Differences): void {
  compareFpu(cpu, vector, differences);
  const expected = parseInt(vector.MX ?? vector.mx ?? INITIAL_MXCSR, 16);
  differences.compare("mxcsr", cpu.u32[STATE.MXCSR >> 2]!, expected);
  for (let i = 0; i < 8; i++) compareXmm(cpu, vector, i, differences);
}

function compareXmm(cpu: Cpu, vector: Ring3Vector, i: number, differences: Differences): void {
  const changed = vector.X as Readonly<Record<string, string>> | undefined;
  const text = changed?.[i] ?? vector.x?.[i];
  const found = cpu.u8.subarray(STATE.XMM + i * 16, STATE.XMM + i * 16 + 16);
  const expected = text === undefined ? ZERO : bytesOf(text);
  if (found.every((byte, at) => byte === expected[at]) || (vector.tol === 12 && closeSingles(found, expected))) return;
  differences.list.push(`xmm${i}: expected ${textOf(expected)}, found ${textOf(found)}`);
}

function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function compareFpu(cpu: Cpu, vector: Ring3Vector, differences: Differences): void {
  const { cw, sw, tw, st } = vector.FP ?? vector.fp ?? INITIAL;
  differences.compare("fpu control", cpu.u32[STATE.FPU_CONTROL >> 2]!, parseInt(cw, 16));
  const status = cpu.u32[STATE.FPU_STATUS >> 2]!;
  const ignored = parseInt(vector.us ?? "0", 16) | (vector.tol === 2 ? PRECISION_EXCEPTION : NO_BITS);
  differences.compare("fpu status", status & ~ignored, parseInt(sw, 16) & ~ignored);
  const tags = tagWord(cpu);
  let used = 0;
  for (let i = 0; i < 8; i++) if (((tags >> (i * 2)) & 3) !== 3) used |= 1 << i;
  differences.compare("fpu tags", used, parseInt(tw, 16), 2);
  const view = stackView(cpu), top = (status >> 11) & 7;
  for (let i = 0; i < 8; i++) {
    const physical = (i + top) & 7;
    const mantissa = view.getBigUint64(physical * 16, true), head = view.getUint16(physical * 16 + 8, true);
    const found = hex(head, 4).toLowerCase() + mantissa.toString(16).padStart(16, "0");
    if (found !== st[i] && !(vector.tol === 2 && i < 2 && closeExtended(found, st[i]!))) {
      differences.list.push(`st(${i}): expected ${st[i]}, found ${found}`);
    }
  }
}

/** Within two units in the last place: of one sign, and neighbours when read as integers. */
function closeExtended(a: string, b: string): boolean {
  const exponent = (text: string) => parseInt(text.slice(0, 4), 16);
  if (exponent(a) >> 15 !== exponent(b) >> 15) return false;
  // Without the explicit integer bit, exponent and fraction make one number.
  const ordinal = (text: string) =>
    (BigInt(exponent(text) & 0x7fff) << 63n) | (BigInt("0x" + text.slice(4)) & 0x7fff_ffff_ffff_ffffn);
  const distance = ordinal(a) - ordinal(b);
  return distance >= -2n && distance <= 2n;
}

/** RCP and RSQRT: a relative error of at most 1.5 * 2^-12 in each single-precision number. */
function closeSingles(found: Uint8Array, expected: Uint8Array): boolean {
  const a = new DataView(found.slice().buffer), b = new DataView(expected.slice().buffer);
  for (let at = 0; at < 16; at += 4) {
    const x = a.getFloat32(at, true), y = b.getFloat32(at, true);
    if (a.getUint32(at) === b.getUint32(at)) continue;
    if (!(Math.abs(x - y) <= Math.abs(y) * 2 * 1.5 * 2 ** -12)) return false;
  }
  return true;
}
