/**
 * Interrupt 13 of an 80286 in real-address mode, "segment overrun" (Intel 80286 programmer's reference manual, table 2-4): one vector
 * whichever the segment, and a string instruction that meets it cannot be restarted as it is, for its registers have gone on.
 *
 * Each index register has moved once its access is refused. REP's count is that of the processor, which counts an item off with its last
 * read, and looks one item ahead by the time that a write is refused: recordings show it, and Intel's errata "80286 REP MOVS and REP INS
 * Restartability" (1984) for writes, with what the last item does.
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, REPEAT } from "../instruction.ts";
import { FLAG, GPR, VECTOR } from "../registers.ts";

/** An access of a string instruction. */
interface Access {
  /** The register that holds its offset. */
  readonly pointer: number;
  readonly write: boolean;
  /** Items that REP has counted off when it is refused. */
  readonly counted: number;
}

const access = (pointer: number, write: boolean, counted: number): Access => ({ pointer, write, counted });

/** By semantics, what a string instruction accesses, in the 80286's order. */
const ACCESSES: Readonly<Record<string, readonly Access[]>> = {
  lods: [access(GPR.SI, false, 1)],
  outs: [access(GPR.SI, false, 1)],
  scas: [access(GPR.DI, false, 1)],
  cmps: [access(GPR.DI, false, 0), access(GPR.SI, false, 1)],
  movs: [access(GPR.SI, false, 1), access(GPR.DI, true, 2)],
  stos: [access(GPR.DI, true, 2)],
  ins: [access(GPR.DI, true, 2)],
};

/**
 * What an 80286 in real-address mode makes of a fault, whose instruction is still to be found at EIP.
 *
 * @param instruction Decodes it. What the decoding throws means that the fault was none of an access.
 * @returns The fault to deliver.
 */
export function segmentOverrun(cpu: Cpu, fault: GuestFault, instruction: () => Instruction | undefined): GuestFault {
  if (!cpu.realMode || (fault.vector !== VECTOR.GP && fault.vector !== VECTOR.SS)) return fault;
  try {
    const faulting = instruction();
    if (faulting !== undefined) goOn(cpu, faulting);
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
  }
  return new GuestFault(VECTOR.GP, 0);
}

/** Moves the registers of a string instruction as far as its first access that is refused. */
function goOn(cpu: Cpu, { form, operands, repeat, addressSize }: Instruction): void {
  const accesses = ACCESSES[form!.semantics];
  if (accesses === undefined) return;
  const refused = accesses.findIndex(({ pointer, write }) => {
    const operand = operands.find(({ base }) => base === pointer)!;
    return isRefused(cpu, operand.segment, cpu.gpr(pointer, addressSize), operand.size, write);
  });
  if (refused < 0) return;
  const down = (cpu.systemFlags & FLAG.DF) !== 0;
  for (const { pointer } of accesses.slice(0, refused + 1)) {
    const { size } = operands.find(({ base }) => base === pointer)!;
    cpu.setGpr(pointer, addressSize, cpu.gpr(pointer, addressSize) + (down ? -size : size));
  }
  if (repeat === REPEAT.NONE) return;
  const count = cpu.gpr(GPR.CX, addressSize);
  cpu.setGpr(GPR.CX, addressSize, Math.max(0, count - accesses[refused]!.counted));
}

function isRefused(cpu: Cpu, segment: number, offset: number, size: number, write: boolean): boolean {
  try {
    cpu.checkSegment(segment, offset, size, write);
    return false;
  } catch {
    return true;
  }
}
