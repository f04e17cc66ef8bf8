/**
 * The instructions that carry out one arithmetic operation: FADD to FDIVR in all their forms, and those on ST(0), or ST(0) and ST(1),
 * alone (Intel SDM volume 1, 8.3.5).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import type { Callout } from "../system/callout.ts";
import type { Binary, Unary } from "./arithmetic.ts";
import { Context } from "./context.ts";
import { Extended } from "./extended.ts";
import { readInteger } from "./load_store.ts";
import { unpackDouble, unpackSingle } from "./memory_format.ts";
import { Words } from "./memory_operand.ts";
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
  writeRegister,
} from "./stack.ts";
import { NO_QUOTIENT } from "./scale.ts";

const context = new Context();
const words = new Words();
const destination = new Extended();
const source = new Extended();
const result = new Extended();
const indefinite = new Extended().setIndefinite();

/** Reads a single or double operand; returns whether it was denormal in its own format. */
export function readReal(cpu: Cpu, instruction: Instruction, out: Extended): boolean {
  const { size } = instruction.operands[0];
  words.read(cpu, instruction, size);
  return size === 4 ? unpackSingle(words.low, out) : unpackDouble(words.low, words.high, out);
}

function finish(cpu: Cpu, i: number, pops: boolean): void {
  if (!settle(cpu, context)) return;
  writeRegister(cpu, i, result);
  if (pops) pop(cpu);
}

/** The masked response to an operand that is not there. */
function underflow(cpu: Cpu, i: number, pops: boolean): void {
  if (!stackUnderflow(cpu)) return;
  writeRegister(cpu, i, indefinite);
  if (pops) pop(cpu);
}

/** FADD, FSUB, FSUBR, FMUL, FDIV and FDIVR: ST(0) with memory, or two registers of which the first is the destination. */
export function real(operation: Binary, pops = false): Callout {
  return (cpu, instruction) => {
    const operand = instruction.operands[0];
    if (operand.kind === OPERAND.ST) {
      const i = operand.register;
      const j = instruction.operands[1].register;
      if (isEmpty(cpu, i) || isEmpty(cpu, j)) return underflow(cpu, i, pops);
      context.begin(controlWord(cpu));
      operation(context, readRegister(cpu, i, destination), readRegister(cpu, j, source), result);
      finish(cpu, i, pops);
      return;
    }
    const denormal = readReal(cpu, instruction, source);
    if (isEmpty(cpu, 0)) return underflow(cpu, 0, false);
    context.begin(controlWord(cpu)).denormalOperand = denormal;
    operation(context, readRegister(cpu, 0, destination), source, result);
    finish(cpu, 0, false);
  };
}

/** FIADD and the like. */
export function integer(operation: Binary): Callout {
  return (cpu, instruction) => {
    readInteger(cpu, instruction, instruction.operands[0].size, source);
    if (isEmpty(cpu, 0)) return underflow(cpu, 0, false);
    context.begin(controlWord(cpu));
    operation(context, readRegister(cpu, 0, destination), source, result);
    finish(cpu, 0, false);
  };
}

/** An operation on ST(0). */
export function onTop(operation: Unary): Callout {
  return (cpu) => {
    if (isEmpty(cpu, 0)) return underflow(cpu, 0, false);
    operation(context.begin(controlWord(cpu)), readRegister(cpu, 0, destination), result);
    finish(cpu, 0, false);
  };
}

/** An operation on ST(0) and ST(1) that replaces ST(0), or ST(1) and pops. */
export function onTopTwo(operation: Binary, pops: boolean): Callout {
  const i = pops ? 1 : 0;
  return (cpu) => {
    if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) return underflow(cpu, i, pops);
    context.begin(controlWord(cpu));
    operation(context, readRegister(cpu, 0, destination), readRegister(cpu, 1, source), result);
    finish(cpu, i, pops);
  };
}

/** Computes a remainder; returns C0 to C3 as they report its quotient, or NO_QUOTIENT. */
type Remainder = (context: Context, a: Extended, b: Extended, out: Extended) => number;

/** FPREM and FPREM1. */
export function remainder(operation: Remainder): Callout {
  return (cpu) => {
    if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) {
      setStatus(cpu, STATUS.C2, 0);
      return underflow(cpu, 0, false);
    }
    context.begin(controlWord(cpu));
    const bits = operation(context, readRegister(cpu, 0, destination), readRegister(cpu, 1, source), result);
    const completed = settle(cpu, context);
    if (bits === NO_QUOTIENT || !completed) setStatus(cpu, STATUS.C2, 0);
    else setStatus(cpu, CONDITIONS, bits);
    if (!completed) return;
    writeRegister(cpu, 0, result);
  };
}

/** FCHS and FABS: only the sign changes, of whatever is there. */
export function sign(change: (sign: number) => number): Callout {
  return (cpu) => {
    if (isEmpty(cpu, 0)) return underflow(cpu, 0, false);
    settle(cpu, context.begin(controlWord(cpu)));
    readRegister(cpu, 0, result);
    result.sign = change(result.sign);
    writeRegister(cpu, 0, result);
  };
}
