/**
 * What comes before an FPU instruction, and what stays behind after one: the device-not-available and floating-point-error checks
 * (Intel SDM volume 1, 8.7; volume 3, 2.5), the instruction and operand pointers (volume 1, 8.1.8).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { CR0, SEG, STATE, VECTOR } from "../registers.ts";
import type { Callout } from "../system/callout.ts";
import { EXCEPTION } from "./context.ts";
import { controlWord, STATUS, statusWord } from "./stack.ts";

function requireDevice(cpu: Cpu): void {
  if ((cpu.i32[STATE.CR0 >> 2]! & (CR0.EM | CR0.TS)) !== 0) throw new GuestFault(VECTOR.NM);
}

/**
 * Reports a pending error: by #MF, or with CR0.NE clear by FERR#, which is asserted here, at the next instruction that waits, whatever the
 * exception (SDM volume 1, D.2.1.1 leaves the moment to the processor). Unless IGNNE# lets it go on, the CPU then stays at the
 * instruction, so that the interrupt is taken before it.
 *
 * @returns False when the instruction must wait.
 */
export function admitWaiting(cpu: Cpu): boolean {
  if ((statusWord(cpu) & STATUS.ERROR_SUMMARY) === 0) return true;
  if ((cpu.i32[STATE.CR0 >> 2]! & CR0.NE) !== 0) throw new GuestFault(VECTOR.MF);
  const pins = cpu.fpuErrorPins;
  if (pins === undefined) return true;
  pins.setError(true);
  return !(cpu.waits = !pins.ignored());
}

/** WAIT: the device must be available only if CR0.MP monitors it. */
export function wait(cpu: Cpu): void {
  const both = CR0.MP | CR0.TS;
  if ((cpu.i32[STATE.CR0 >> 2]! & both) === both) throw new GuestFault(VECTOR.NM);
  admitWaiting(cpu);
}

/**
 * Any instruction of an 80286 without an 80287 while CR0.EM does not say so: nobody takes part. The processor checks the first word of a
 * memory operand; the others would be interrupt 9, as they are transferred (Intel 80286 programmer's reference manual, table 2-4).
 */
export function withoutFpu(cpu: Cpu, instruction: Instruction): void {
  requireDevice(cpu);
  const operand = instruction.operands.find(({ kind }, k) => k < instruction.count && kind === OPERAND.MEMORY);
  if (operand !== undefined) cpu.linear(operand.segment, cpu.effectiveAddress(instruction, operand), 2, false);
}

/** A control instruction that does not wait. */
export function unwaiting(body: Callout): Callout {
  return (cpu, instruction) => {
    requireDevice(cpu);
    body(cpu, instruction);
  };
}

/** A control instruction that waits. */
export function waiting(body: Callout): Callout {
  return (cpu, instruction) => {
    requireDevice(cpu);
    if (admitWaiting(cpu)) body(cpu, instruction);
  };
}

/** Any other instruction: it waits, and the pointers then tell of it. */
export function recorded(body: Callout): Callout {
  return (cpu, instruction) => {
    requireDevice(cpu);
    if (!admitWaiting(cpu)) return;
    // What the pointers will need is read while the instruction can still fault.
    const opcode = (controlWord(cpu) & EXCEPTION.ALL) === EXCEPTION.ALL ? -1 : opcodeOf(cpu, instruction);
    body(cpu, instruction);
    cpu.u32[STATE.FPU_IP >> 2] = cpu.eip;
    cpu.u32[STATE.FPU_CS >> 2] = cpu.selector(SEG.CS);
    const operand = instruction.operands[0];
    if (instruction.count !== 0 && operand.kind === OPERAND.MEMORY) {
      cpu.u32[STATE.FPU_DP >> 2] = cpu.effectiveAddress(instruction, operand);
      cpu.u32[STATE.FPU_DS >> 2] = cpu.selector(operand.segment);
    }
    // The opcode is kept of instructions that raised an unmasked exception only (SDM volume 1, 8.1.9.1).
    if ((statusWord(cpu) & STATUS.ERROR_SUMMARY) !== 0 && opcode >= 0) cpu.u32[STATE.FPU_OPCODE >> 2] = opcode;
  };
}

/** The eleven opcode bits of an FPU instruction: the low three of its first byte, then ModRM (SDM volume 1, figure 8-8). */
function opcodeOf(cpu: Cpu, instruction: Instruction): number {
  const start = cpu.segmentBase(SEG.CS) + cpu.eip;
  for (let at = 0; at < instruction.length - 1; at++) {
    const byte = cpu.memory.read8((start + at) >>> 0, cpu.user);
    if ((byte & 0xf8) === 0xd8) return ((byte & 7) << 8) | cpu.memory.read8((start + at + 1) >>> 0, cpu.user);
  }
  return -1;
}
