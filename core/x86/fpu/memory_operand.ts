/**
 * Memory operands of 4, 8 and 10 bytes: all checks are made before the first byte is written.
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Instruction, Operand } from "../instruction.ts";

const PAGE = 0x1000;

/** Linear address of the instruction's memory operand, its segment checks made. */
export function operandAddress(cpu: Cpu, instruction: Instruction, size: number, write: boolean): number {
  const operand: Operand = instruction.operands[0];
  return cpu.linear(operand.segment, cpu.effectiveAddress(instruction, operand), size, write);
}

/** Reads words into a {@linkcode Words}: a third word of 10-byte operands has 16 bits. */
export class Words {
  low = 0;
  high = 0;
  top = 0;

  /** Reads an operand of 4, 8 or 10 bytes. */
  read(cpu: Cpu, instruction: Instruction, size: number): this {
    const linear = operandAddress(cpu, instruction, size, false);
    const { memory, user } = cpu;
    this.low = memory.read32(linear, user) | 0;
    if (size > 4) this.high = memory.read32((linear + 4) >>> 0, user) | 0;
    if (size > 8) this.top = memory.read16((linear + 8) >>> 0, user);
    return this;
  }

  /** Makes the checks of a write. */
  probe(cpu: Cpu, instruction: Instruction, size: number): void {
    cpu.memory.probeWrite(operandAddress(cpu, instruction, size, true), size, cpu.user);
  }

  /** Writes an operand of 2, 4, 8 or 10 bytes. */
  write(cpu: Cpu, instruction: Instruction, size: number): void {
    const linear = operandAddress(cpu, instruction, size, true);
    const { memory, user } = cpu;
    if (size === 2) return memory.write16(linear, this.low & 0xffff, user);
    if ((linear & (PAGE - 1)) > PAGE - size) memory.probeWrite(linear, size, user);
    memory.write32(linear, this.low >>> 0, user);
    if (size > 4) memory.write32((linear + 4) >>> 0, this.high >>> 0, user);
    if (size > 8) memory.write16((linear + 8) >>> 0, this.top, user);
  }
}
