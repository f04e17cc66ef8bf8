/**
 * LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT and STR (Intel SDM volume 2; volume 3, 2.4).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE, SYSTEM_TYPE } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { SEG, STATE, VECTOR } from "../registers.ts";
import { storeSelector } from "./segments.ts";
import { fetchDescriptor, isNull, requirePrivilege, requireProtectedMode, selectorFault } from "./selector.ts";

/** The type bit that tells a busy TSS from an available one. */
const BUSY = 1 << 9;

/** Bytes of a pseudo-descriptor: limit, then base. */
const PSEUDO_DESCRIPTOR = 6;

function loadTable(cpu: Cpu, instruction: Instruction, baseField: number, limitField: number): void {
  const operand = instruction.operands[0];
  if (operand.kind !== OPERAND.MEMORY) throw new GuestFault(VECTOR.UD);
  requirePrivilege(cpu);
  const { memory, user } = cpu;
  const offset = cpu.effectiveAddress(instruction, operand);
  const linear = cpu.linear(operand.segment, offset, PSEUDO_DESCRIPTOR, false);
  const limit = memory.read16(linear, user);
  const base = memory.read32((linear + 2) >>> 0, user);
  cpu.u32[limitField >> 2] = limit;
  cpu.u32[baseField >> 2] = instruction.operandSize === 2 ? base & 0xff_ffff : base;
}

function storeTable(cpu: Cpu, instruction: Instruction, baseField: number, limitField: number): void {
  const operand = instruction.operands[0];
  if (operand.kind !== OPERAND.MEMORY) throw new GuestFault(VECTOR.UD);
  const { memory, user } = cpu;
  const offset = cpu.effectiveAddress(instruction, operand);
  const linear = cpu.linear(operand.segment, offset, PSEUDO_DESCRIPTOR, true);
  memory.probeWrite(linear, PSEUDO_DESCRIPTOR, user);
  memory.write16(linear, cpu.u32[limitField >> 2]!, user);
  memory.write32((linear + 2) >>> 0, cpu.u32[baseField >> 2]!, user);
}

/** LGDT: with a 16-bit operand size the base has 24 bits. */
export function lgdt(cpu: Cpu, instruction: Instruction): void {
  loadTable(cpu, instruction, STATE.GDTR_BASE, STATE.GDTR_LIMIT);
}

/** LIDT. */
export function lidt(cpu: Cpu, instruction: Instruction): void {
  loadTable(cpu, instruction, STATE.IDTR_BASE, STATE.IDTR_LIMIT);
}

/** SGDT: stores the whole base whatever the operand size. */
export function sgdt(cpu: Cpu, instruction: Instruction): void {
  storeTable(cpu, instruction, STATE.GDTR_BASE, STATE.GDTR_LIMIT);
}

/** SIDT. */
export function sidt(cpu: Cpu, instruction: Instruction): void {
  storeTable(cpu, instruction, STATE.IDTR_BASE, STATE.IDTR_LIMIT);
}

/** Reads a selector operand: a register or 16 bits of memory. */
export function readSelector(cpu: Cpu, instruction: Instruction, index: number): number {
  const operand = instruction.operands[index]!;
  if (operand.kind === OPERAND.GPR) return cpu.gpr16(operand.register);
  return cpu.read(operand.segment, cpu.effectiveAddress(instruction, operand), 2);
}

/** LLDT: a null selector makes the LDT unusable. */
export function lldt(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  requirePrivilege(cpu);
  const selector = readSelector(cpu, instruction, 0);
  if (isNull(selector)) {
    cpu.loadNullSegment(SEG.LDTR, selector);
    return;
  }
  const { target } = cpu;
  if ((selector & 4) !== 0 || !fetchDescriptor(cpu, target, selector) || target.systemType !== SYSTEM_TYPE.LDT) {
    throw selectorFault(VECTOR.GP, selector);
  }
  if (!target.present) throw selectorFault(VECTOR.NP, selector);
  cpu.loadSegmentCache(SEG.LDTR, selector, target.base, target.limit, target.attributes);
}

/** LTR: the TSS must be available, and becomes busy. */
export function ltr(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  requirePrivilege(cpu);
  const selector = readSelector(cpu, instruction, 0);
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  const { target } = cpu;
  if ((selector & 4) !== 0 || !fetchDescriptor(cpu, target, selector)) throw selectorFault(VECTOR.GP, selector);
  const type = target.systemType;
  if (type !== SYSTEM_TYPE.TSS16_AVAILABLE && type !== SYSTEM_TYPE.TSS32_AVAILABLE) {
    throw selectorFault(VECTOR.GP, selector);
  }
  if (!target.present) throw selectorFault(VECTOR.NP, selector);
  target.mark(cpu.memory, BUSY);
  cpu.loadSegmentCache(SEG.TR, selector, target.base, target.limit, target.attributes & ~ATTRIBUTE.UNUSABLE);
}

/** SLDT. */
export function sldt(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  storeSelector(cpu, instruction, cpu.selector(SEG.LDTR));
}

/** STR. */
export function str(cpu: Cpu, instruction: Instruction): void {
  requireProtectedMode(cpu);
  storeSelector(cpu, instruction, cpu.selector(SEG.TR));
}
