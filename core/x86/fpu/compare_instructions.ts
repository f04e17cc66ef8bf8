/**
 * FCOM, FUCOM, FCOMI, FUCOMI, FICOM, FTST and FXAM (Intel SDM volume 1, 8.3.6).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { ARITHMETIC_FLAGS, FLAG } from "../registers.ts";
import type { Callout } from "../system/callout.ts";
import { readReal } from "./arithmetic_instructions.ts";
import { compare, RELATION } from "./compare.ts";
import { Context } from "./context.ts";
import { Extended, kindOf } from "./extended.ts";
import { readInteger } from "./load_store.ts";
import {
  CONDITIONS,
  controlWord,
  isEmpty,
  pop,
  readRegister,
  setStatus,
  settle,
  stackUnderflow,
  STATUS,
} from "./stack.ts";

const context = new Context();
const first = new Extended();
const second = new Extended();
const zero = new Extended();

/** Condition codes and flags by RELATION (SDM volume 1, tables 8-5 and 8-7). */
const { C0, C1, C2, C3 } = STATUS;
const CODES: readonly number[] = [0, C0, C3, C0 | C2 | C3];
const FLAGS: readonly number[] = [0, FLAG.CF, FLAG.ZF, FLAG.CF | FLAG.PF | FLAG.ZF];

/** Where a comparison leaves its result. */
interface Report {
  /** Condition codes that it replaces. */
  readonly codes: number;
  leave(cpu: Cpu, relation: number): void;
}

const inCodes: Report = {
  codes: CONDITIONS,
  leave: (cpu, relation) => setStatus(cpu, C0 | C2 | C3, CODES[relation]!),
};

/** FCOMI leaves C1 alone, as processors do, but for a stack fault. */
const inFlags: Report = {
  codes: 0,
  leave: (cpu, relation) => cpu.setEflags(FLAGS[relation]!, ARITHMETIC_FLAGS),
};

function popTimes(cpu: Cpu, count: number): void {
  for (let popped = 0; popped < count; popped++) pop(cpu);
}

function underflow(cpu: Cpu, report: Report, pops: number): void {
  const masked = stackUnderflow(cpu);
  report.leave(cpu, RELATION.UNORDERED);
  if (masked) popTimes(cpu, pops);
}

function compareWith(cpu: Cpu, quiet: boolean, report: Report, pops: number): void {
  const relation = compare(context, readRegister(cpu, 0, first), second, quiet);
  const completed = settle(cpu, context, report.codes);
  report.leave(cpu, relation);
  if (completed) popTimes(cpu, pops);
}

function compareRegisters(cpu: Cpu, i: number, quiet: boolean, report: Report, pops: number): void {
  if (isEmpty(cpu, 0) || isEmpty(cpu, i)) return underflow(cpu, report, pops);
  context.begin(controlWord(cpu));
  readRegister(cpu, i, second);
  compareWith(cpu, quiet, report, pops);
}

/** FCOM and FUCOM: with a register, ST(1) where none is named, or memory. */
export function fcom(quiet: boolean, pops: number): Callout {
  return (cpu: Cpu, instruction: Instruction) => {
    const operand = instruction.operands[0];
    if (instruction.count === 0 || operand.kind === OPERAND.ST) {
      return compareRegisters(cpu, instruction.count === 0 ? 1 : operand.register, quiet, inCodes, pops);
    }
    const denormal = readReal(cpu, instruction, second);
    if (isEmpty(cpu, 0)) return underflow(cpu, inCodes, pops);
    context.begin(controlWord(cpu)).denormalOperand = denormal;
    compareWith(cpu, quiet, inCodes, pops);
  };
}

/** FICOM. */
export function ficom(pops: number): Callout {
  return (cpu: Cpu, instruction: Instruction) => {
    readInteger(cpu, instruction, instruction.operands[0].size, second);
    if (isEmpty(cpu, 0)) return underflow(cpu, inCodes, pops);
    context.begin(controlWord(cpu));
    compareWith(cpu, false, inCodes, pops);
  };
}

/** FCOMI and FUCOMI. */
export function fcomi(quiet: boolean, pops: number): Callout {
  return (cpu: Cpu, instruction: Instruction) => {
    compareRegisters(cpu, instruction.operands[1].register, quiet, inFlags, pops);
  };
}

/** FTST. */
export function ftst(cpu: Cpu): void {
  if (isEmpty(cpu, 0)) return underflow(cpu, inCodes, 0);
  context.begin(controlWord(cpu));
  second.assign(zero);
  compareWith(cpu, false, inCodes, 0);
}

/** Condition codes of FXAM by KIND (SDM volume 2, FXAM). */
const CLASSES: readonly number[] = [C3, C2, C2 | C3, C0 | C2, C0, C0, 0];

/** FXAM. */
export function fxam(cpu: Cpu): void {
  readRegister(cpu, 0, first);
  const codes = isEmpty(cpu, 0) ? C0 | C3 : CLASSES[kindOf(first)]!;
  setStatus(cpu, CONDITIONS, codes | (first.sign === 1 ? C1 : 0));
}
