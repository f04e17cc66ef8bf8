/**
 * FXCH, FCMOVcc, FFREE, FFREEP, FINCSTP and FDECSTP (Intel SDM volume 1, 8.3.3 and 8.3.10).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Instruction } from "../instruction.ts";
import { FLAG } from "../registers.ts";
import type { Callout } from "../system/callout.ts";
import { Extended } from "./extended.ts";
import {
  isEmpty,
  pop,
  readRegister,
  rotate,
  setEmpty,
  setStatus,
  stackUnderflow,
  STATUS,
  writeRegister,
} from "./stack.ts";

const value = new Extended();
const other = new Extended();

/** FXCH: an empty register counts as the indefinite when the fault is masked. */
export function fxch(cpu: Cpu, instruction: Instruction): void {
  const i = instruction.operands[0].register;
  readRegister(cpu, 0, value);
  readRegister(cpu, i, other);
  if (isEmpty(cpu, 0) || isEmpty(cpu, i)) {
    if (!stackUnderflow(cpu)) return;
    if (isEmpty(cpu, 0)) value.setIndefinite();
    if (isEmpty(cpu, i)) other.setIndefinite();
  } else setStatus(cpu, STATUS.C1, 0);
  writeRegister(cpu, 0, other);
  writeRegister(cpu, i, value);
}

/** FCMOVcc: moves when any of `flags` is set, or with `negated` when none is. Empty registers fault whether it moves or not. */
export function fcmov(flags: number, negated: boolean): Callout {
  return (cpu, instruction) => {
    const i = instruction.operands[1].register;
    if (isEmpty(cpu, 0) || isEmpty(cpu, i)) {
      if (stackUnderflow(cpu)) writeRegister(cpu, 0, value.setIndefinite());
      return;
    }
    if (((cpu.eflags & flags) !== 0) !== negated) writeRegister(cpu, 0, readRegister(cpu, i, value));
  };
}

/** Flags of the four conditions. */
export const CONDITION = { B: FLAG.CF, E: FLAG.ZF, BE: FLAG.CF | FLAG.ZF, U: FLAG.PF } as const;

/** FFREE. */
export function ffree(cpu: Cpu, instruction: Instruction): void {
  setEmpty(cpu, instruction.operands[0].register);
  setStatus(cpu, STATUS.C1, 0);
}

/** FFREEP: FFREE, then a pop. */
export function ffreep(cpu: Cpu, instruction: Instruction): void {
  ffree(cpu, instruction);
  pop(cpu);
}

/** FINCSTP. */
export function fincstp(cpu: Cpu): void {
  rotate(cpu, 1);
  setStatus(cpu, STATUS.C1, 0);
}

/** FDECSTP. */
export function fdecstp(cpu: Cpu): void {
  rotate(cpu, -1);
  setStatus(cpu, STATUS.C1, 0);
}
