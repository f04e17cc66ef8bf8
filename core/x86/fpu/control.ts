/**
 * FNINIT, FNCLEX, FLDCW, FNSTCW, FNSTSW and the instructions that do nothing (Intel SDM volume 1, 8.3.11).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { GPR } from "../registers.ts";
import { EXCEPTION } from "./context.ts";
import { controlWord, initialize, setControlWord, setStatus, STATUS, statusWord, summarize } from "./stack.ts";

/** FNINIT. */
export function fninit(cpu: Cpu): void {
  initialize(cpu);
}

/** FNCLEX. */
export function fnclex(cpu: Cpu): void {
  setStatus(cpu, EXCEPTION.ALL | STATUS.STACK_FAULT, 0);
  summarize(cpu);
}

/** FLDCW. */
export function fldcw(cpu: Cpu, instruction: Instruction): void {
  setControlWord(cpu, cpu.readOperand(instruction, 0));
}

/** FNSTCW. */
export function fnstcw(cpu: Cpu, instruction: Instruction): void {
  cpu.writeOperand(instruction, 0, controlWord(cpu));
}

/** FNSTSW: to memory or AX. */
export function fnstsw(cpu: Cpu, instruction: Instruction): void {
  if (instruction.operands[0].kind === OPERAND.MEMORY) cpu.writeOperand(instruction, 0, statusWord(cpu));
  else cpu.setGpr16(GPR.AX, statusWord(cpu));
}

/** FNOP, and FNENI, FNDISI and FNSETPM, which mean nothing since the 387 (SDM volume 3, 23.18.9). */
export function nothing(): void {}
