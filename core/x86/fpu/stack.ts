/**
 * The register stack, the tags and the status word in the CPU block (Intel SDM volume 1, 8.1.2, 8.1.3 and 8.1.7).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { STATE } from "../registers.ts";
import { BEFORE_COMPUTATION, type Context, EXCEPTION } from "./context.ts";
import { type Extended, SPECIAL_EXPONENT } from "./extended.ts";

const ST = STATE.FPU_ST >> 2;
const CONTROL = STATE.FPU_CONTROL >> 2;
const STATUS_WORD = STATE.FPU_STATUS >> 2;
const TAGS = STATE.FPU_TAG >> 2;

/** Status word bits above the exception flags (SDM volume 1, figure 8-4). */
export const STATUS = {
  STACK_FAULT: 1 << 6,
  ERROR_SUMMARY: 1 << 7,
  C0: 1 << 8,
  C1: 1 << 9,
  C2: 1 << 10,
  TOP: 7 << 11,
  C3: 1 << 14,
  BUSY: 1 << 15,
} as const;

/** C0, C1, C2 and C3. */
export const CONDITIONS = STATUS.C0 | STATUS.C1 | STATUS.C2 | STATUS.C3;

/** Tags (SDM volume 1, figure 8-7). */
export const TAG = { VALID: 0, ZERO: 1, SPECIAL: 2, EMPTY: 3 } as const;

/** The tag of a non-empty register's contents. */
function tagOf(exponent: number, high: number, low: number): number {
  if (high < 0) return exponent === 0 || exponent === SPECIAL_EXPONENT ? TAG.SPECIAL : TAG.VALID;
  return (exponent | high | low) === 0 ? TAG.ZERO : TAG.SPECIAL;
}

export function controlWord(cpu: Cpu): number {
  return cpu.i32[CONTROL]!;
}

export function statusWord(cpu: Cpu): number {
  return cpu.i32[STATUS_WORD]!;
}

export function setStatusWord(cpu: Cpu, value: number): void {
  cpu.i32[STATUS_WORD] = value;
}

/** Replaces the status bits of `mask` by those of `value`. */
export function setStatus(cpu: Cpu, mask: number, value: number): void {
  cpu.i32[STATUS_WORD] = (cpu.i32[STATUS_WORD]! & ~mask) | value;
}

/** Sets the control word; bit 6 reads as 1, bits 7 and 13 to 15 as 0. An exception flag that it unmasks becomes pending. */
export function setControlWord(cpu: Cpu, value: number): void {
  cpu.i32[CONTROL] = (value & 0x1f7f) | 0x40;
  summarize(cpu);
}

/** Derives ES, and B which copies it, from flags and masks. FERR# goes with ES; it comes with the next instruction that waits. */
export function summarize(cpu: Cpu): void {
  const status = cpu.i32[STATUS_WORD]!;
  const pending = (status & ~cpu.i32[CONTROL]! & EXCEPTION.ALL) !== 0;
  const summary = STATUS.ERROR_SUMMARY | STATUS.BUSY;
  cpu.i32[STATUS_WORD] = pending ? status | summary : status & ~summary;
  if (!pending) cpu.fpuErrorPins?.setError(false);
}

/** The tag word as FNSTENV stores it: what a register that is not empty holds decides its tag. MMX instructions tag all as valid. */
export function tagWord(cpu: Cpu): number {
  return derivedTags(cpu, cpu.i32[TAGS]!);
}

/** Sets the tag word as FLDENV does: a register is empty or not; what it holds decides the rest. */
export function setTagWord(cpu: Cpu, value: number): void {
  cpu.i32[TAGS] = derivedTags(cpu, value);
}

/** Tags of registers that are empty where `value` says so. */
function derivedTags(cpu: Cpu, value: number): number {
  let tags = 0;
  for (let physical = 0; physical < 8; physical++) {
    const empty = ((value >> (physical * 2)) & 3) === TAG.EMPTY;
    const at = ST + physical * 4;
    const tag = empty ? TAG.EMPTY : tagOf(cpu.i32[at + 2]! & 0x7fff, cpu.i32[at + 1]!, cpu.i32[at]!);
    tags |= tag << (physical * 2);
  }
  return tags;
}

/** FNINIT: default control word, everything else zero, all registers empty. */
export function initialize(cpu: Cpu): void {
  cpu.i32[CONTROL] = 0x37f;
  cpu.i32[STATUS_WORD] = 0;
  cpu.i32[TAGS] = 0xffff;
  cpu.i32[STATE.FPU_OPCODE >> 2] = 0;
  cpu.i32[STATE.FPU_IP >> 2] = 0;
  cpu.i32[STATE.FPU_CS >> 2] = 0;
  cpu.i32[STATE.FPU_DP >> 2] = 0;
  cpu.i32[STATE.FPU_DS >> 2] = 0;
  summarize(cpu);
}

/** Number of the physical register that ST(i) is. */
function physicalOf(cpu: Cpu, i: number): number {
  return ((cpu.i32[STATUS_WORD]! >> 11) + i) & 7;
}

export function isEmpty(cpu: Cpu, i: number): boolean {
  return ((cpu.i32[TAGS]! >> (physicalOf(cpu, i) * 2)) & 3) === TAG.EMPTY;
}

export function setEmpty(cpu: Cpu, i: number): void {
  cpu.i32[TAGS]! |= TAG.EMPTY << (physicalOf(cpu, i) * 2);
}

/** Reads ST(i), whether empty or not. */
export function readRegister(cpu: Cpu, i: number, into: Extended): Extended {
  const at = ST + physicalOf(cpu, i) * 4;
  const signExponent = cpu.i32[at + 2]!;
  into.sign = (signExponent >> 15) & 1;
  into.exponent = signExponent & 0x7fff;
  into.high = cpu.i32[at + 1]!;
  into.low = cpu.i32[at]!;
  return into;
}

/** Writes ST(i) and its tag. */
export function writeRegister(cpu: Cpu, i: number, value: Extended): void {
  const physical = physicalOf(cpu, i);
  const at = ST + physical * 4;
  const { exponent, high, low } = value;
  cpu.i32[at] = low;
  cpu.i32[at + 1] = high;
  cpu.i32[at + 2] = (value.sign << 15) | exponent;
  cpu.i32[TAGS] = (cpu.i32[TAGS]! & ~(3 << (physical * 2))) | (tagOf(exponent, high, low) << (physical * 2));
}

/** Moves TOP by `count`, modulo 8. */
export function rotate(cpu: Cpu, count: number): void {
  const status = cpu.i32[STATUS_WORD]!;
  cpu.i32[STATUS_WORD] = (status & ~STATUS.TOP) | ((status + (count << 11)) & STATUS.TOP);
}

export function pop(cpu: Cpu): void {
  setEmpty(cpu, 0);
  rotate(cpu, 1);
}

export function push(cpu: Cpu, value: Extended): void {
  rotate(cpu, -1);
  writeRegister(cpu, 0, value);
}

/**
 * Records what an operation raised, C1 included.
 *
 * @param cleared STATUS bits that the operation clears first.
 * @returns Whether the operation may go on: false when it must leave its operands as they were.
 */
export function settle(cpu: Cpu, context: Context, cleared: number = STATUS.C1): boolean {
  const { flags } = context;
  const unmasked = flags & ~context.control & EXCEPTION.ALL;
  let status = (cpu.i32[STATUS_WORD]! & ~cleared) | flags;
  if (unmasked !== 0) status |= STATUS.ERROR_SUMMARY | STATUS.BUSY;
  const stopped = (unmasked & BEFORE_COMPUTATION) !== 0;
  if (context.roundedUp && !stopped) status |= STATUS.C1;
  cpu.i32[STATUS_WORD] = status;
  return !stopped;
}

/** Records a stack fault (SDM volume 1, 8.5.1.1); true when it is masked. C1 tells overflow from underflow. */
function stackFault(cpu: Cpu, c1: number): boolean {
  const masked = (cpu.i32[CONTROL]! & EXCEPTION.INVALID) !== 0;
  setStatus(
    cpu,
    STATUS.C1,
    c1 | STATUS.STACK_FAULT | EXCEPTION.INVALID | (masked ? 0 : STATUS.ERROR_SUMMARY | STATUS.BUSY),
  );
  return masked;
}

export function stackUnderflow(cpu: Cpu): boolean {
  return stackFault(cpu, 0);
}

export function stackOverflow(cpu: Cpu): boolean {
  return stackFault(cpu, STATUS.C1);
}
