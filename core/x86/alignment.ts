/**
 * How data must be aligned where alignment is checked (Intel SDM volume 3, table 6-7).
 *
 * @module
 */
import type { Cpu } from "./cpu.ts";
import type { Instruction } from "./instruction.ts";

/**
 * Instructions whose 16-byte operand need not be aligned. The manual lets a processor raise #AC for one that is not aligned at 8 bytes, or
 * not (Intel SDM volume 3, 6.15, "Interrupt 17"); this one does.
 */
const UNALIGNED_16: ReadonlySet<string> = new Set([
  ...["movups", "movupd", "movdqu", "lddqu", "maskmovdqu"],
  ...["pcmpestri", "pcmpestrm", "pcmpistri", "pcmpistrm"],
]);

/** Whether an instruction's access of `size` bytes at a linear address is aligned. */
export function isAligned(cpu: Cpu, instruction: Instruction, linear: number, size: number): boolean {
  if (instruction.form?.semantics === "cmpxchg8b") {
    // One operand of eight bytes, accessed in halves.
    const operand = instruction.operands[0];
    linear = cpu.segmentBase(operand.segment) + cpu.effectiveAddress(instruction, operand);
    size = 8;
  }
  return (linear & (requiredAlignment(instruction, size) - 1)) === 0;
}

/** The alignment in bytes of an access of `size` bytes by an instruction. */
function requiredAlignment(instruction: Instruction, size: number): number {
  switch (instruction.form?.semantics) {
    // Pairs: bounds of 2 or 4 bytes, offset and selector of a far pointer.
    case "bound":
      return size >> 1;
    case "load_far_pointer":
    case "call_far":
    case "jmp_far":
      if (instruction.operands[instruction.count - 1]!.size === size) return instruction.operandSize;
      break;
  }
  switch (size) {
    case 1:
    case 2:
    case 4:
    case 8:
      return size;
    // All others demand alignment whether or not it is checked, and raise #GP themselves (Intel SDM volume 1, 11.3).
    case 16:
      return UNALIGNED_16.has(instruction.form!.semantics) ? 8 : 1;
    // A pseudo-descriptor.
    case 6:
      return 4;
    case 10:
      return 8;
    // FXSAVE's area is checked by the instruction itself, as 16-byte aligned.
    case 512:
      return 1;
    // The FPU's environment and state.
    default:
      return instruction.operandSize === 2 ? 2 : 4;
  }
}
