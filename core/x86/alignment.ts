/**
 * How data must be aligned where alignment is checked (Intel SDM volume 3, table 6-7).
 *
 * @module
 */
import type { Instruction } from "./instruction.ts";

/** The alignment in bytes of an access of `size` bytes by an instruction. */
export function requiredAlignment(instruction: Instruction, size: number): number {
  switch (instruction.form?.semantics) {
    case "cmpxchg8b":
      return 8;
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
    case 16:
      return size;
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
