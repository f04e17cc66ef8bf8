/**
 * MOV to and from debug registers (Intel SDM volume 2; volume 3, 17.2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault, UnbuiltFeature } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { CR4, STATE, VECTOR } from "../registers.ts";
import { requirePrivilege } from "./selector.ts";

const DR = STATE.DR >> 2;

/** DR6: breakpoint conditions, BD, BS, BT; the rest is fixed. */
const DR6_WRITABLE = 0x0000_e00f;
const DR6_FIXED = 0xffff_0ff0;
const DR6_BD = 1 << 13;

/** DR7: enables, GD and the conditions; the rest is fixed. */
const DR7_WRITABLE = 0xffff_23ff;
const DR7_FIXED = 1 << 10;
const DR7_ENABLES = 0xff;
const DR7_GD = 1 << 13;

/** The debug register that an encoding names: DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them undefined. */
function checkedRegister(cpu: Cpu, register: number): number {
  if (register === 4 || register === 5) {
    if ((cpu.i32[STATE.CR4 >> 2]! & CR4.DE) !== 0) throw new GuestFault(VECTOR.UD);
    register += 2;
  }
  requirePrivilege(cpu);
  const dr7 = cpu.i32[DR + 14]!;
  if ((dr7 & DR7_GD) !== 0) {
    // General detect: the processor clears GD on entry to the handler, so that it can use the registers.
    cpu.i32[DR + 14] = dr7 & ~DR7_GD;
    cpu.i32[DR + 12]! |= DR6_BD;
    throw new GuestFault(VECTOR.DB);
  }
  return register;
}

/** MOV DRn, r32. */
export function movToDebug(cpu: Cpu, instruction: Instruction): void {
  const register = checkedRegister(cpu, instruction.operands[0].register);
  let value = cpu.gpr32(instruction.operands[1].register);
  if (register === 6) {
    value = (value & DR6_WRITABLE) | DR6_FIXED;
  } else if (register === 7) {
    if ((value & DR7_ENABLES) !== 0) throw new UnbuiltFeature("hardware breakpoints (DR7)");
    value = (value & DR7_WRITABLE) | DR7_FIXED;
  }
  cpu.u32[DR + register * 2] = value;
}

/** MOV r32, DRn. */
export function movFromDebug(cpu: Cpu, instruction: Instruction): void {
  const register = checkedRegister(cpu, instruction.operands[1].register);
  cpu.setGpr32(instruction.operands[0].register, cpu.u32[DR + register * 2]!);
}
