/**
 * Software interrupts that a virtual-8086 program handles itself, under CR4.VME (Intel SDM volume 3, 20.3.3.4, methods 5 and 6).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { CR4, FLAG, GPR, SEG, STATE, VECTOR } from "../registers.ts";
import { virtualFlags } from "./flag_control.ts";
import { beginOnCurrentStack } from "./inner_stack.ts";

/** Offset of the I/O map base in a 32-bit TSS; the redirection bit map is the 32 bytes before the I/O map. */
const TSS_IO_MAP_BASE = 102;
const BIT_MAP = 32;

/** Whether the TSS sends a vector to the program's own table: a clear bit. #GP(0) where the TSS has no such bit. */
export function redirected(cpu: Cpu, vector: number): boolean {
  if ((cpu.i32[STATE.CR4 >> 2]! & CR4.VME) === 0) return false;
  const { memory } = cpu;
  const tss = cpu.segmentBase(SEG.TR), limit = cpu.segmentLimit(SEG.TR);
  const wide = (cpu.segmentAttributes(SEG.TR) & 0x800) !== 0;
  if (!wide || limit < TSS_IO_MAP_BASE + 1) throw new GuestFault(VECTOR.GP, 0);
  const at = memory.read16((tss + TSS_IO_MAP_BASE) >>> 0, false) - BIT_MAP + (vector >> 3);
  if (at < 0 || at > limit) throw new GuestFault(VECTOR.GP, 0);
  return ((memory.read8((tss + at) >>> 0, false) >> (vector & 7)) & 1) === 0;
}

/** Through the program's interrupt table at linear address 0, as the 8086 does it. With IOPL below 3 VIF stands for IF. */
export function virtual8086Interrupt(cpu: Cpu, vector: number): void {
  const { memory, frame } = cpu;
  const offset = memory.read16(vector * 4, cpu.user);
  const selector = memory.read16(vector * 4 + 2, cpu.user);
  const virtual = cpu.iopl !== 3;
  beginOnCurrentStack(cpu, 2);
  frame.add(virtual ? virtualFlags(cpu) : cpu.eflags);
  frame.add(cpu.selector(SEG.CS));
  frame.add(cpu.next);
  frame.checkLimit(0);
  if (cpu.alignmentChecked) frame.checkAlignment(0);
  frame.probe(memory);

  frame.write(memory);
  cpu.setGpr32(GPR.SP, frame.pointer);
  cpu.i32[STATE.EFLAGS >> 2]! &= ~(FLAG.TF | FLAG.RF | (virtual ? FLAG.VIF : FLAG.IF));
  cpu.loadVirtual8086Segment(SEG.CS, selector);
  cpu.stepDiscarded = true;
  cpu.next = offset;
}
