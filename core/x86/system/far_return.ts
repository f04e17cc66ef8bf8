/**
 * Far returns: RET far and IRET (Intel SDM volume 2; volume 3, 5.8.6, 6.12.1 and 20.2.1).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { FLAG, GPR, SEG, VECTOR } from "../registers.ts";
import { checkVirtualFlags, LOADED_FLAGS, loadVirtualFlags, virtualized } from "./flag_control.ts";
import { fetchDescriptor, isNull, selectorFault } from "./selector.ts";
import { returnToTask } from "./task_switch.ts";

/** RET far, with or without an immediate count of bytes to release. */
export function retFar(cpu: Cpu, instruction: Instruction): void {
  const size = instruction.operandSize;
  const release = instruction.count > 0 ? instruction.operands[0].value & 0xffff : 0;
  const offset = cpu.peek(0, size);
  const selector = cpu.peek(size, size) & 0xffff;
  if (!cpu.protectedMode) {
    returnToRealSegment(cpu, selector, offset);
    cpu.adjustStack(2 * size + release);
    return;
  }
  checkReturnCode(cpu, selector);
  if ((selector & 3) === cpu.cpl) {
    if (offset > cpu.target.limit) throw new GuestFault(VECTOR.GP, 0);
    cpu.target.mark(cpu.memory, ATTRIBUTE.ACCESSED);
    loadReturnCode(cpu, selector);
    cpu.adjustStack(2 * size + release);
    cpu.next = offset;
    return;
  }
  const pointer = cpu.peek(2 * size + release, size);
  const stackSelector = cpu.peek(3 * size + release, size) & 0xffff;
  checkReturnStack(cpu, stackSelector, selector & 3);
  if (offset > cpu.target.limit) throw new GuestFault(VECTOR.GP, 0);
  markAccessed(cpu);
  returnToOuter(cpu, selector, stackSelector, pointer, offset);
  cpu.adjustStack(release);
}

/** IRET, of either operand size. */
export function iret(cpu: Cpu, instruction: Instruction): void {
  const size = instruction.operandSize;
  if (cpu.realMode) {
    iretRealMode(cpu, size);
    return;
  }
  if (cpu.virtual8086) {
    iretVirtual8086(cpu, size);
    return;
  }
  if ((cpu.systemFlags & FLAG.NT) !== 0) {
    returnToTask(cpu);
    return;
  }
  const offset = cpu.peek(0, size);
  const selector = cpu.peek(size, size) & 0xffff;
  const flags = cpu.peek(2 * size, size);
  const cpl = cpu.cpl;
  if ((flags & FLAG.VM) !== 0 && cpl === 0) {
    returnToVirtual8086(cpu, offset, selector, flags);
    return;
  }
  const mask = returnedFlags(cpu, size);
  checkReturnCode(cpu, selector);
  if ((selector & 3) === cpl) {
    if (offset > cpu.target.limit) throw new GuestFault(VECTOR.GP, 0);
    cpu.target.mark(cpu.memory, ATTRIBUTE.ACCESSED);
    loadReturnCode(cpu, selector);
    cpu.adjustStack(3 * size);
    cpu.next = offset;
  } else {
    const pointer = cpu.peek(3 * size, size);
    const stackSelector = cpu.peek(4 * size, size) & 0xffff;
    checkReturnStack(cpu, stackSelector, selector & 3);
    if (offset > cpu.target.limit) throw new GuestFault(VECTOR.GP, 0);
    markAccessed(cpu);
    returnToOuter(cpu, selector, stackSelector, pointer, offset);
  }
  cpu.setEflags(flags, mask);
}

/** Flags that only a 32-bit image holds. */
const UPPER_FLAGS = FLAG.RF | FLAG.AC | FLAG.ID;

/** Flags that IRET loads at the current privilege. */
function returnedFlags(cpu: Cpu, size: number): number {
  let mask = LOADED_FLAGS;
  if (size === 4) mask |= UPPER_FLAGS;
  if (cpu.cpl <= cpu.iopl) mask |= FLAG.IF;
  if (cpu.cpl === 0) mask |= FLAG.IOPL | (size === 4 ? FLAG.VIF | FLAG.VIP : 0);
  return mask;
}

function iretRealMode(cpu: Cpu, size: number): void {
  const offset = cpu.peek(0, size);
  const selector = cpu.peek(size, size) & 0xffff;
  const flags = cpu.peek(2 * size, size);
  returnToRealSegment(cpu, selector, offset);
  cpu.adjustStack(3 * size);
  cpu.setEflags(flags, LOADED_FLAGS | FLAG.IF | FLAG.IOPL | (size === 4 ? UPPER_FLAGS : 0));
}

function iretVirtual8086(cpu: Cpu, size: number): void {
  const virtual = virtualized(cpu, size);
  const offset = cpu.peek(0, size);
  const selector = cpu.peek(size, size) & 0xffff;
  const flags = cpu.peek(2 * size, size);
  if (virtual) checkVirtualFlags(cpu, flags);
  returnToRealSegment(cpu, selector, offset);
  cpu.adjustStack(3 * size);
  if (virtual) loadVirtualFlags(cpu, flags);
  else cpu.setEflags(flags, LOADED_FLAGS | FLAG.IF | (size === 4 ? UPPER_FLAGS : 0));
}

function returnToVirtual8086(cpu: Cpu, offset: number, selector: number, flags: number): void {
  const pointer = cpu.peek(12, 4);
  const ss = cpu.peek(16, 4);
  const es = cpu.peek(20, 4);
  const ds = cpu.peek(24, 4);
  const fs = cpu.peek(28, 4);
  const gs = cpu.peek(32, 4);
  if (offset > 0xffff) throw new GuestFault(VECTOR.GP, 0);
  cpu.setEflags(flags, LOADED_FLAGS | FLAG.IF | FLAG.IOPL | FLAG.VM | UPPER_FLAGS | FLAG.VIF | FLAG.VIP);
  cpu.setCpl(3);
  cpu.loadVirtual8086Segment(SEG.CS, selector);
  cpu.loadVirtual8086Segment(SEG.SS, ss);
  cpu.loadVirtual8086Segment(SEG.ES, es);
  cpu.loadVirtual8086Segment(SEG.DS, ds);
  cpu.loadVirtual8086Segment(SEG.FS, fs);
  cpu.loadVirtual8086Segment(SEG.GS, gs);
  cpu.setGpr32(GPR.SP, pointer);
  cpu.next = offset;
}

/** Real-address and virtual-8086 mode: CS is a paragraph number. */
function returnToRealSegment(cpu: Cpu, selector: number, offset: number): void {
  if (offset > cpu.segmentLimit(SEG.CS)) throw new GuestFault(VECTOR.GP, 0);
  if (cpu.realMode) cpu.loadRealSegment(SEG.CS, selector);
  else cpu.loadVirtual8086Segment(SEG.CS, selector);
  cpu.next = offset;
}

/** Reads and checks the return code segment into `cpu.target`. */
function checkReturnCode(cpu: Cpu, selector: number): void {
  const { target } = cpu;
  const rpl = selector & 3;
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  if (
    !fetchDescriptor(cpu, target, selector) || !target.isCode || rpl < cpu.cpl ||
    (target.isConforming ? target.dpl > rpl : target.dpl !== rpl)
  ) throw selectorFault(VECTOR.GP, selector);
  if (!target.present) throw selectorFault(VECTOR.NP, selector);
}

/** Reads and checks the return stack segment into `cpu.stack`. */
function checkReturnStack(cpu: Cpu, selector: number, rpl: number): void {
  const { stack } = cpu;
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  if (
    !fetchDescriptor(cpu, stack, selector) || (selector & 3) !== rpl || !stack.isWritableData || stack.dpl !== rpl
  ) throw selectorFault(VECTOR.GP, selector);
  if (!stack.present) throw selectorFault(VECTOR.SS, selector);
}

function markAccessed(cpu: Cpu): void {
  cpu.target.mark(cpu.memory, ATTRIBUTE.ACCESSED);
  cpu.stack.mark(cpu.memory, ATTRIBUTE.ACCESSED);
}

function loadReturnCode(cpu: Cpu, selector: number): void {
  const { target } = cpu;
  cpu.loadSegmentCache(SEG.CS, selector, target.base, target.limit, target.attributes);
}

function returnToOuter(cpu: Cpu, selector: number, stackSelector: number, pointer: number, offset: number): void {
  const { stack } = cpu;
  cpu.setCpl(selector & 3);
  loadReturnCode(cpu, selector);
  cpu.loadSegmentCache(SEG.SS, stackSelector, stack.base, stack.limit, stack.attributes);
  // A 16-bit stack takes SP alone; ESP's upper half keeps the inner stack's.
  if ((stack.attributes & ATTRIBUTE.BIG) !== 0) cpu.setGpr32(GPR.SP, pointer);
  else cpu.setGpr16(GPR.SP, pointer);
  nullInaccessible(cpu, SEG.ES);
  nullInaccessible(cpu, SEG.DS);
  nullInaccessible(cpu, SEG.FS);
  nullInaccessible(cpu, SEG.GS);
  cpu.next = offset;
}

/** A data segment more privileged than the new level is not left behind (Intel SDM volume 3, 5.8.6). */
export function nullInaccessible(cpu: Cpu, segment: number): void {
  const attributes = cpu.segmentAttributes(segment);
  if ((attributes & ATTRIBUTE.UNUSABLE) !== 0) return;
  const conforming = ATTRIBUTE.CODE | ATTRIBUTE.CONFORMING;
  if ((attributes & conforming) !== conforming && ((attributes >> 13) & 3) < cpu.cpl) cpu.loadNullSegment(segment, 0);
}
