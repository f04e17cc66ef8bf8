/**
 * MOV, PUSH and POP of segment registers, and LDS, LES, LFS, LGS, LSS (Intel SDM volume 2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { GPR, SEG, STATE, VECTOR } from "../registers.ts";
import { farPointer } from "./far_pointer.ts";
import { loadSegment } from "./segment_load.ts";

/** `STATE.SHADOW` after MOV SS and POP SS. */
const SHADOW_STACK_SEGMENT = 2;

/** MOV Sw, Ew. */
export function movToSegment(cpu: Cpu, instruction: Instruction): void {
  const segment = instruction.operands[0].register;
  if (segment === SEG.CS || segment > SEG.GS) throw new GuestFault(VECTOR.UD);
  const source = instruction.operands[1];
  const selector = source.kind === OPERAND.GPR
    ? cpu.gpr16(source.register)
    : cpu.read(source.segment, cpu.effectiveAddress(instruction, source), 2);
  loadSegment(cpu, segment, selector);
  if (segment === SEG.SS) cpu.i32[STATE.SHADOW >> 2] = SHADOW_STACK_SEGMENT;
}

/** MOV Ew, Sw: 16 bits to memory, zero-extended to a 32-bit register. */
export function movFromSegment(cpu: Cpu, instruction: Instruction): void {
  const segment = instruction.operands[1].register;
  if (segment > SEG.GS) throw new GuestFault(VECTOR.UD);
  storeSelector(cpu, instruction, cpu.selector(segment));
}

/** Stores a 16-bit system register: a register destination is written at the operand size, memory always 16 bits. */
export function storeSelector(cpu: Cpu, instruction: Instruction, value: number): void {
  const destination = instruction.operands[0];
  if (destination.kind === OPERAND.GPR) {
    cpu.setGpr(destination.register, instruction.operandSize, value);
  } else {
    cpu.write(destination.segment, cpu.effectiveAddress(instruction, destination), 2, value);
  }
}

/** PUSH of a segment register; a 32-bit push zero-extends it. */
export function pushSegment(cpu: Cpu, instruction: Instruction): void {
  cpu.push(cpu.selector(instruction.operands[0].register), instruction.operandSize);
}

/** POP of a segment register. */
export function popSegment(cpu: Cpu, instruction: Instruction): void {
  const segment = instruction.operands[0].register;
  const selector = cpu.peek(0, instruction.operandSize) & 0xffff;
  // The old stack's address size moves the pointer, even when SS itself is popped.
  const pointer = cpu.movedStack(instruction.operandSize);
  loadSegment(cpu, segment, selector);
  cpu.setGpr32(GPR.SP, pointer);
  if (segment === SEG.SS) cpu.i32[STATE.SHADOW >> 2] = SHADOW_STACK_SEGMENT;
}

/** LDS, LES, LFS, LGS, LSS. */
export function loadFarPointer(cpu: Cpu, instruction: Instruction): void {
  farPointer.read(cpu, instruction, 1);
  loadSegment(cpu, segmentOf(instruction.form!.mnemonic), farPointer.selector);
  cpu.setGpr(instruction.operands[0].register, instruction.operandSize, farPointer.offset);
}

/** The segment register that the mnemonic's second letter names. */
function segmentOf(mnemonic: string): number {
  switch (mnemonic.charAt(1).toUpperCase()) {
    case "D":
      return SEG.DS;
    case "E":
      return SEG.ES;
    case "F":
      return SEG.FS;
    case "G":
      return SEG.GS;
    default:
      return SEG.SS;
  }
}
