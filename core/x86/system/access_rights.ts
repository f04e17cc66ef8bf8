/**
 * LAR, LSL, VERR, VERW and ARPL: asking about selectors without loading them (Intel SDM volume 2; volume 3, 5.10).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { SYSTEM_TYPE } from "../descriptor.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { FLAG } from "../registers.ts";
import { readSelector } from "./descriptor_tables.ts";
import { fetchDescriptor, isNull, requireProtectedMode } from "./selector.ts";

/** System types that LSL accepts: TSS and LDT. */
const WITH_LIMIT = 1 << SYSTEM_TYPE.TSS16_AVAILABLE | 1 << SYSTEM_TYPE.LDT | 1 << SYSTEM_TYPE.TSS16_BUSY |
  1 << SYSTEM_TYPE.TSS32_AVAILABLE | 1 << SYSTEM_TYPE.TSS32_BUSY;

/** System types that LAR accepts: those, call gates and the task gate. */
const WITH_RIGHTS = WITH_LIMIT | 1 << SYSTEM_TYPE.CALL_GATE16 | 1 << SYSTEM_TYPE.TASK_GATE |
  1 << SYSTEM_TYPE.CALL_GATE32;

/** Access rights as LAR shows them: type, S, DPL, P; limit bits 16 to 19; AVL, L, D/B, G. */
const RIGHTS = 0x00ff_ff00;

/** Reads the selector's descriptor into `cpu.target`: whether it is visible at CPL and RPL and of an accepted type. */
function visible(cpu: Cpu, selector: number, systemTypes: number): boolean {
  const { target } = cpu;
  if (isNull(selector) || !fetchDescriptor(cpu, target, selector)) return false;
  const type = target.systemType;
  if (type >= 0 && (systemTypes >> type & 1) === 0) return false;
  if (target.isCode && target.isConforming) return true;
  return target.dpl >= cpu.cpl && target.dpl >= (selector & 3);
}

function setZero(cpu: Cpu, zero: boolean): void {
  cpu.setEflags(zero ? FLAG.ZF : 0, FLAG.ZF);
}

/** LAR. */
export function lar(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  const found = visible(cpu, readSelector(cpu, instruction, 1), WITH_RIGHTS);
  if (found) cpu.setGpr(instruction.operands[0].register, instruction.operandSize, cpu.target.high & RIGHTS);
  setZero(cpu, found);
}

/** LSL. */
export function lsl(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  const found = visible(cpu, readSelector(cpu, instruction, 1), WITH_LIMIT);
  if (found) cpu.setGpr(instruction.operands[0].register, instruction.operandSize, cpu.target.limit);
  setZero(cpu, found);
}

/** VERR. */
export function verr(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  setZero(cpu, visible(cpu, readSelector(cpu, instruction, 0), 0) && cpu.target.isReadable);
}

/** VERW. */
export function verw(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  setZero(cpu, visible(cpu, readSelector(cpu, instruction, 0), 0) && cpu.target.isWritableData);
}

/** ARPL: raises the destination's RPL to the source's. */
export function arpl(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  const selector = readSelector(cpu, instruction, 0);
  const rpl = cpu.gpr16(instruction.operands[1].register) & 3;
  const raised = (selector & 3) < rpl;
  if (raised) {
    const destination = instruction.operands[0];
    const value = (selector & ~3) | rpl;
    if (destination.kind === OPERAND.GPR) cpu.setGpr16(destination.register, value);
    else cpu.write(destination.segment, cpu.effectiveAddress(instruction, destination), 2, value);
  }
  setZero(cpu, raised);
}
