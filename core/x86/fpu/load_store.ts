/**
 * FLD, FST, FILD, FIST, FISTTP, FBLD and FBSTP (Intel SDM volume 1, 8.3.3).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import type { Callout } from "../system/callout.ts";
import { Context, EXCEPTION, ROUNDING } from "./context.ts";
import { Extended, KIND, kindOf } from "./extended.ts";
import { fromDecimal, fromInteger, toDecimal, toInteger } from "./integer.ts";
import { packDouble, packExtended, packSingle, unpackDouble, unpackExtended, unpackSingle } from "./memory_format.ts";
import { Words } from "./memory_operand.ts";
import { propagateOne } from "./nan.ts";
import {
  controlWord,
  isEmpty,
  pop,
  push,
  readRegister,
  settle,
  stackOverflow,
  stackUnderflow,
  writeRegister,
} from "./stack.ts";

const context = new Context();
const words = new Words();
const value = new Extended();
const indefinite = new Extended().setIndefinite();

/** Loads a value that no conversion can change. */
function pushExact(cpu: Cpu): void {
  if (!isEmpty(cpu, -1)) {
    if (stackOverflow(cpu)) push(cpu, indefinite);
    return;
  }
  settle(cpu, context.begin(controlWord(cpu)));
  push(cpu, value);
}

/** FLD. */
export function fld(cpu: Cpu, instruction: Instruction): void {
  const operand = instruction.operands[0];
  if (operand.kind === OPERAND.ST) return loadRegister(cpu, operand.register);
  words.read(cpu, instruction, operand.size);
  if (operand.size === 10) {
    unpackExtended(words, value);
    return pushExact(cpu);
  }
  const denormal = operand.size === 4 ? unpackSingle(words.low, value) : unpackDouble(words.low, words.high, value);
  if (!isEmpty(cpu, -1)) return pushExact(cpu);
  context.begin(controlWord(cpu));
  if (denormal) context.raise(EXCEPTION.DENORMAL);
  const kind = kindOf(value);
  if (kind >= KIND.QUIET_NAN) propagateOne(context, value, kind, value);
  if (settle(cpu, context)) push(cpu, value);
}

function loadRegister(cpu: Cpu, i: number): void {
  if (isEmpty(cpu, -1) && isEmpty(cpu, i)) {
    if (stackUnderflow(cpu)) push(cpu, indefinite);
    return;
  }
  readRegister(cpu, i, value);
  pushExact(cpu);
}

/** FILD. */
export function fild(cpu: Cpu, instruction: Instruction): void {
  const { size } = instruction.operands[0];
  readInteger(cpu, instruction, size, value);
  pushExact(cpu);
}

/** Reads an integer operand of 2, 4 or 8 bytes. */
export function readInteger(cpu: Cpu, instruction: Instruction, size: number, out: Extended): void {
  if (size === 2) {
    const operand = instruction.operands[0];
    const word = cpu.read(operand.segment, cpu.effectiveAddress(instruction, operand), 2);
    fromInteger((word << 16) >> 31, (word << 16) >> 16, out);
  } else {
    words.read(cpu, instruction, size);
    fromInteger(size === 8 ? words.high : words.low >> 31, words.low, out);
  }
}

/** FBLD. */
export function fbld(cpu: Cpu, instruction: Instruction): void {
  fromDecimal(words.read(cpu, instruction, 10), value);
  pushExact(cpu);
}

/** Writes a converted value to `words`, or raises why it cannot. */
type Conversion = (from: Extended, size: number) => void;

/** Stores ST(0), converted, in the memory operand. */
function storeConverted(cpu: Cpu, instruction: Instruction, convert: Conversion, pops: boolean): void {
  const { size } = instruction.operands[0];
  context.begin(controlWord(cpu));
  if (isEmpty(cpu, 0)) {
    const masked = context.masked(EXCEPTION.INVALID);
    if (masked) {
      convert(indefinite, size);
      words.write(cpu, instruction, size);
    } else words.probe(cpu, instruction, size);
    stackUnderflow(cpu);
    if (masked && pops) pop(cpu);
    return;
  }
  convert(readRegister(cpu, 0, value), size);
  // Memory is not written when the result would not be the format's own (SDM volume 1, 8.5.4 and 8.5.5).
  const forbidding = EXCEPTION.INVALID | EXCEPTION.OVERFLOW | EXCEPTION.UNDERFLOW;
  const stores = (context.flags & ~context.control & forbidding) === 0;
  if (stores) words.write(cpu, instruction, size);
  else {
    words.probe(cpu, instruction, size);
    // What was not stored was not rounded.
    context.flags &= ~EXCEPTION.PRECISION;
    context.roundedUp = false;
  }
  settle(cpu, context);
  if (stores && pops) pop(cpu);
}

function convertReal(from: Extended, size: number): void {
  if (size === 4) packSingle(context, from, words);
  else if (size === 8) packDouble(context, from, words);
  else packExtended(from, words);
}

/** FST and FSTP. */
export function fst(pops: boolean): Callout {
  return (cpu, instruction) => {
    const operand = instruction.operands[0];
    if (operand.kind === OPERAND.MEMORY) return storeConverted(cpu, instruction, convertReal, pops);
    if (isEmpty(cpu, 0)) {
      if (!stackUnderflow(cpu)) return;
      writeRegister(cpu, operand.register, indefinite);
    } else {
      settle(cpu, context.begin(controlWord(cpu)));
      writeRegister(cpu, operand.register, readRegister(cpu, 0, value));
    }
    if (pops) pop(cpu);
  };
}

/** FIST and FISTP. */
export function fist(pops: boolean): Callout {
  const convert: Conversion = (from, size) => toInteger(context, from, size, context.rounding, words);
  return (cpu, instruction) => storeConverted(cpu, instruction, convert, pops);
}

/** FISTTP. */
export function fisttp(cpu: Cpu, instruction: Instruction): void {
  storeConverted(cpu, instruction, truncate, true);
}

function truncate(from: Extended, size: number): void {
  toInteger(context, from, size, ROUNDING.TRUNCATE, words);
}

/** FBSTP. */
export function fbstp(cpu: Cpu, instruction: Instruction): void {
  storeConverted(cpu, instruction, convertDecimal, true);
}

function convertDecimal(from: Extended): void {
  toDecimal(context, from, words);
}
