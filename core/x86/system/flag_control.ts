/**
 * CLI, STI, PUSHF and POPF in every mode, virtual interrupts included (Intel SDM volume 2; volume 3, 20.3 and 20.4).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { CR4, FLAG, STATE, VECTOR } from "../registers.ts";

const EFLAGS = STATE.EFLAGS >> 2;

/** `STATE.SHADOW` after STI. */
const SHADOW_STI = 1;

/** Flags that POPF and IRET load at any privilege. */
export const LOADED_FLAGS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT;

/**
 * Whether VIF stands for IF now: in virtual-8086 mode under CR4.VME with IOPL below 3 (Intel SDM volume 3, 20.3).
 * Outside it, in real-address mode for one, the answer is false.
 */
export function virtualInterrupts(cpu: Cpu): boolean {
  return cpu.virtual8086 && cpu.iopl !== 3 && (cpu.i32[STATE.CR4 >> 2]! & CR4.VME) !== 0;
}

/** The same for CLI and STI in protected mode: CR4.PVI at CPL 3 (Intel SDM volume 3, 20.4). */
function protectedVirtualInterrupts(cpu: Cpu): boolean {
  return cpu.protectedMode && cpu.cpl === 3 && (cpu.i32[STATE.CR4 >> 2]! & CR4.PVI) !== 0;
}

/** Whether CLI and STI change IF (true) or VIF (false); #GP(0) where they may change neither. */
function changesInterruptFlag(cpu: Cpu): boolean {
  // Real-address mode has CPL 0, virtual-8086 mode CPL 3.
  if (cpu.cpl <= cpu.iopl) return true;
  if (!virtualInterrupts(cpu) && !protectedVirtualInterrupts(cpu)) throw new GuestFault(VECTOR.GP, 0);
  return false;
}

/** CLI. */
export function cli(cpu: Cpu): void {
  cpu.i32[EFLAGS]! &= changesInterruptFlag(cpu) ? ~FLAG.IF : ~FLAG.VIF;
}

/** STI: interrupts stay inhibited for one more instruction when IF was clear. */
export function sti(cpu: Cpu): void {
  if (!changesInterruptFlag(cpu)) {
    if ((cpu.i32[EFLAGS]! & FLAG.VIP) !== 0) throw new GuestFault(VECTOR.GP, 0);
    cpu.i32[EFLAGS]! |= FLAG.VIF;
    return;
  }
  if ((cpu.i32[EFLAGS]! & FLAG.IF) !== 0) return;
  cpu.i32[EFLAGS]! |= FLAG.IF;
  cpu.i32[STATE.SHADOW >> 2] = SHADOW_STI;
}

/** FLAGS as a virtual-8086 program sees them under VME: IOPL 3, and VIF for IF. */
export function virtualFlags(cpu: Cpu): number {
  const flags = cpu.eflags;
  return (flags & ~FLAG.IF) | FLAG.IOPL | ((flags & FLAG.VIF) !== 0 ? FLAG.IF : 0);
}

/** Loads FLAGS under VME: VIF takes IF's place. #GP(0) if TF would be set, or an interrupt waits that IF would let in. */
export function checkVirtualFlags(cpu: Cpu, value: number): void {
  const waits = (cpu.i32[EFLAGS]! & FLAG.VIP) !== 0 && (value & FLAG.IF) !== 0;
  if (waits || (value & FLAG.TF) !== 0) throw new GuestFault(VECTOR.GP, 0);
}

/** The second half of loading FLAGS under VME, after `checkVirtualFlags`. */
export function loadVirtualFlags(cpu: Cpu, value: number): void {
  cpu.setEflags(value | ((value & FLAG.IF) !== 0 ? FLAG.VIF : 0), LOADED_FLAGS | FLAG.VIF);
}

/** #GP(0) in virtual-8086 mode with IOPL below 3, unless VME makes the 16-bit form work: then true. */
export function virtualized(cpu: Cpu, operandSize: number): boolean {
  if (!cpu.virtual8086 || cpu.iopl === 3) return false;
  if (operandSize !== 2 || !virtualInterrupts(cpu)) throw new GuestFault(VECTOR.GP, 0);
  return true;
}

/** PUSHF, PUSHFD: VM and RF read as clear. */
export function pushf(cpu: Cpu, instruction: Instruction): void {
  const size = instruction.operandSize;
  cpu.push(virtualized(cpu, size) ? virtualFlags(cpu) : cpu.eflags & ~(FLAG.VM | FLAG.RF), size);
}

/** POPF, POPFD. */
export function popf(cpu: Cpu, instruction: Instruction): void {
  const size = instruction.operandSize;
  const virtual = virtualized(cpu, size);
  const value = cpu.peek(0, size);
  if (virtual) {
    checkVirtualFlags(cpu, value);
    cpu.adjustStack(size);
    return loadVirtualFlags(cpu, value);
  }
  let mask = LOADED_FLAGS;
  if (size === 4) mask |= FLAG.AC | FLAG.ID;
  if (cpu.cpl <= cpu.iopl) mask |= FLAG.IF;
  if (cpu.cpl === 0) mask |= FLAG.IOPL;
  cpu.adjustStack(size);
  cpu.setEflags(value, mask);
}
