/**
 * Far pointers: an offset and a selector, as an immediate or in memory.
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { VECTOR } from "../registers.ts";

/** A far pointer read from an operand. */
class FarPointer {
  selector = 0;
  /** Unsigned, of the instruction's operand size. */
  offset = 0;

  /** Reads operand `index`; #UD when it is a register. */
  read(cpu: Cpu, instruction: Instruction, index: number): void {
    const operand = instruction.operands[index]!;
    const size = instruction.operandSize;
    if (operand.kind === OPERAND.FAR) {
      this.offset = size === 2 ? operand.value & 0xffff : operand.value >>> 0;
      this.selector = operand.register;
      return;
    }
    if (operand.kind !== OPERAND.MEMORY) throw new GuestFault(VECTOR.UD);
    const { memory, user } = cpu;
    const linear = cpu.linear(operand.segment, cpu.effectiveAddress(instruction, operand), size + 2, false);
    this.offset = size === 2 ? memory.read16(linear, user) : memory.read32(linear, user);
    this.selector = memory.read16((linear + size) >>> 0, user);
  }
}

/** The pointer of the instruction being executed. */
export const farPointer: FarPointer = new FarPointer();
