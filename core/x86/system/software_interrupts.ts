/**
 * INT n, INT3, INT1, INTO and BOUND (Intel SDM volume 2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { FLAG, VECTOR } from "../registers.ts";
import { debugInterrupt, softwareInterrupt } from "./interrupts.ts";
import { redirected, virtual8086Interrupt } from "./virtual_8086_interrupt.ts";

/**
 * INT n. In virtual-8086 mode it needs IOPL 3, or CR4.VME and a bit of the TSS that sends it to the program's own handler (Intel SDM
 * volume 3, 20.3.3 and table 20-2); the other forms do not.
 */
export function int(cpu: Cpu, instruction: Instruction): void {
  const vector = instruction.operands[0].value & 0xff;
  if (cpu.virtual8086) {
    if (redirected(cpu, vector)) {
      virtual8086Interrupt(cpu, vector);
      return;
    }
    if (cpu.iopl !== 3) throw new GuestFault(VECTOR.GP, 0);
  }
  softwareInterrupt(cpu, vector);
}

/** INT3, the one-byte form. */
export function int3(cpu: Cpu): void {
  softwareInterrupt(cpu, VECTOR.BP);
}

/**
 * INT1. The address saved is the instruction's own: processors differ from the manual's "next instruction" here, and the
 * recorded ones save this.
 */
export function int1(cpu: Cpu): void {
  debugInterrupt(cpu, cpu.eip);
}

/** INTO. */
export function into(cpu: Cpu): void {
  if ((cpu.eflags & FLAG.OF) !== 0) softwareInterrupt(cpu, VECTOR.OF);
}

/** BOUND: #BR unless the index lies within the two signed bounds in memory. */
export function bound(cpu: Cpu, instruction: Instruction): void {
  const [register, operand] = instruction.operands;
  const size = instruction.operandSize;
  const linear = cpu.linear(operand.segment, cpu.effectiveAddress(instruction, operand), 2 * size, false);
  const second = (linear + size) >>> 0;
  const { memory, user } = cpu;
  let index: number;
  let lower: number;
  let upper: number;
  if (size === 4) {
    index = cpu.gpr32(register.register) | 0;
    lower = memory.read32(linear, user) | 0;
    upper = memory.read32(second, user) | 0;
  } else {
    index = (cpu.gpr16(register.register) << 16) >> 16;
    lower = (memory.read16(linear, user) << 16) >> 16;
    upper = (memory.read16(second, user) << 16) >> 16;
  }
  if (index < lower || index > upper) throw new GuestFault(VECTOR.BR);
}
