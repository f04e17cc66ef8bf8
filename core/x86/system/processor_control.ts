/**
 * HLT, INVLPG, INVD, WBINVD, CPUID, RSM and the undefined instructions (Intel SDM volume 2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { cpuid as cpuidLeaf } from "../cpuid.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { GPR, VECTOR } from "../registers.ts";
import { requirePrivilege } from "./selector.ts";

/** HLT: EIP moves on; `cpu.halted` keeps the CPU from executing until an event is delivered. */
export function hlt(cpu: Cpu): void {
  requirePrivilege(cpu);
  cpu.halted = true;
}

/** INVLPG: the address is not checked against the segment. */
export function invlpg(cpu: Cpu, instruction: Instruction): void {
  const operand = instruction.operands[0];
  if (operand.kind !== OPERAND.MEMORY) throw new GuestFault(VECTOR.UD);
  requirePrivilege(cpu);
  const offset = cpu.effectiveAddress(instruction, operand);
  cpu.memory.flushPage((cpu.segmentBase(operand.segment) + offset) >>> 0);
}

/** INVD and WBINVD: there are no caches to write back. */
export function invalidateCaches(cpu: Cpu): void {
  requirePrivilege(cpu);
}

/** CPUID. */
export function cpuid(cpu: Cpu): void {
  const leaf = cpuidLeaf(cpu.model, cpu.gpr32(GPR.AX), cpu.gpr32(GPR.CX));
  cpu.setGpr32(GPR.AX, leaf[0]);
  cpu.setGpr32(GPR.BX, leaf[1]);
  cpu.setGpr32(GPR.CX, leaf[2]);
  cpu.setGpr32(GPR.DX, leaf[3]);
}

/** UD0, UD1, UD2, and RSM outside system-management mode, which this model never enters. */
export function undefinedInstruction(): void {
  throw new GuestFault(VECTOR.UD);
}
