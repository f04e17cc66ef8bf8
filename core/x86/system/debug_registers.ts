/**
 * MOV to and from debug registers (Intel SDM volume 2; volume 3, 17.2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { DR6, DR7_BIT, noteDebugException } from "../breakpoints.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { CR4, STATE, VECTOR } from "../registers.ts";
import { requirePrivilege } from "./selector.ts";

const DR = STATE.DR >> 2;

/** The debug register that an encoding names: DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them undefined. */
function checkedRegister(cpu: Cpu, register: number): number {
  if (register === 4 || register === 5) {
    if ((cpu.i32[STATE.CR4 >> 2]! & CR4.DE) !== 0) throw new GuestFault(VECTOR.UD);
    register += 2;
  }
  requirePrivilege(cpu);
  if ((cpu.i32[DR + 14]! & DR7_BIT.GD) !== 0) {
    noteDebugException(cpu, DR6.BD);
    throw new GuestFault(VECTOR.DB);
  }
  return register;
}

/** MOV DRn, r32. */
export function movToDebug(cpu: Cpu, instruction: Instruction): void {
  const register = checkedRegister(cpu, instruction.operands[0].register);
  let value = cpu.gpr32(instruction.operands[1].register);
  if (register === 6) {
    value = (value & DR6.WRITABLE) | DR6.FIXED;
  } else if (register === 7) {
    value = (value & DR7_BIT.WRITABLE) | DR7_BIT.FIXED;
  }
  cpu.u32[DR + register * 2] = value;
}

/** MOV r32, DRn. */
export function movFromDebug(cpu: Cpu, instruction: Instruction): void {
  const register = checkedRegister(cpu, instruction.operands[1].register);
  cpu.setGpr32(instruction.operands[0].register, cpu.u32[DR + register * 2]!);
}
