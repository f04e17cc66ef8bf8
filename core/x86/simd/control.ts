/**
 * LDMXCSR and STMXCSR (Intel SDM volume 1, 10.2.3).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { STATE, VECTOR } from "../registers.ts";
import { MXCSR, requireSse } from "./unit.ts";

/** #GP(0) for a reserved bit. */
export function requireMxcsr(value: number): void {
  if ((value & ~MXCSR.WRITABLE) !== 0) throw new GuestFault(VECTOR.GP, 0);
}

/** LDMXCSR: a flag that is set with its mask clear raises nothing. */
export function ldmxcsr(cpu: Cpu, instruction: Instruction): void {
  requireSse(cpu);
  const value = cpu.readOperand(instruction, 0);
  requireMxcsr(value);
  cpu.u32[STATE.MXCSR >> 2] = value;
}

/** STMXCSR. */
export function stmxcsr(cpu: Cpu, instruction: Instruction): void {
  requireSse(cpu);
  cpu.writeOperand(instruction, 0, cpu.u32[STATE.MXCSR >> 2]!);
}
