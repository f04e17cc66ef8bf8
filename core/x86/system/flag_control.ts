/**
 * CLI, STI, PUSHF and POPF in every mode (Intel SDM volume 2; volume 3, 20.3).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { FLAG, STATE, VECTOR } from "../registers.ts";

const EFLAGS = STATE.EFLAGS >> 2;

/** `STATE.SHADOW` after STI. */
const SHADOW_STI = 1;

/** #GP(0) unless IF may be changed. */
function requireInterruptPrivilege(cpu: Cpu): void {
  // Real-address mode has CPL 0, virtual-8086 mode CPL 3.
  if (cpu.cpl > cpu.iopl) throw new GuestFault(VECTOR.GP, 0);
}

/** CLI. */
export function cli(cpu: Cpu): void {
  requireInterruptPrivilege(cpu);
  cpu.i32[EFLAGS]! &= ~FLAG.IF;
}

/** STI: interrupts stay inhibited for one more instruction when IF was clear. */
export function sti(cpu: Cpu): void {
  requireInterruptPrivilege(cpu);
  if ((cpu.i32[EFLAGS]! & FLAG.IF) !== 0) return;
  cpu.i32[EFLAGS]! |= FLAG.IF;
  cpu.i32[STATE.SHADOW >> 2] = SHADOW_STI;
}

/** PUSHF, PUSHFD: VM and RF read as clear. */
export function pushf(cpu: Cpu, instruction: Instruction): void {
  if (cpu.virtual8086 && cpu.iopl !== 3) throw new GuestFault(VECTOR.GP, 0);
  cpu.push(cpu.eflags & ~(FLAG.VM | FLAG.RF), instruction.operandSize);
}

/** POPF, POPFD. */
export function popf(cpu: Cpu, instruction: Instruction): void {
  if (cpu.virtual8086 && cpu.iopl !== 3) throw new GuestFault(VECTOR.GP, 0);
  const size = instruction.operandSize;
  const value = cpu.peek(0, size);
  let mask = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT;
  if (size === 4) mask |= FLAG.AC | FLAG.ID;
  if (cpu.cpl <= cpu.iopl) mask |= FLAG.IF;
  if (cpu.cpl === 0) mask |= FLAG.IOPL;
  cpu.adjustStack(size);
  cpu.setEflags(value, mask);
}
