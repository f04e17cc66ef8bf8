/**
 * JMP far and CALL far, direct and through call gates (Intel SDM volume 2; volume 3, 5.8).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE, type Descriptor, SYSTEM_TYPE } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { GPR, SEG, VECTOR } from "../registers.ts";
import { farPointer } from "./far_pointer.ts";
import { beginOnCurrentStack, InnerStack } from "./inner_stack.ts";
import { fetchDescriptor, isNull, selectorFault } from "./selector.ts";
import { transferToTask } from "./task_switch.ts";

const innerStack = new InnerStack();

/** JMP far. */
export function jmpFar(cpu: Cpu, instruction: Instruction): void {
  farPointer.read(cpu, instruction, 0);
  const { selector, offset } = farPointer;
  if (!cpu.protectedMode) {
    jumpToRealSegment(cpu, selector, offset);
    return;
  }
  const { descriptor } = cpu;
  if (!fetchTarget(cpu, selector)) {
    if (!isCallGate(cpu, selector)) {
      transferToTask(cpu, selector, "jump");
      return;
    }
    const gateOffset = gateEntry(descriptor);
    checkGateTarget(cpu, false);
    jumpToCode(cpu, cpu.target, descriptor.gateSelector, gateOffset);
    return;
  }
  checkDirectTarget(cpu, selector);
  jumpToCode(cpu, descriptor, selector, offset);
}

/** CALL far. */
export function callFar(cpu: Cpu, instruction: Instruction): void {
  const size = instruction.operandSize;
  farPointer.read(cpu, instruction, 0);
  const { selector, offset } = farPointer;
  const { descriptor, frame, memory } = cpu;
  if (!cpu.protectedMode) {
    beginReturnFrame(cpu, size);
    if (offset > cpu.segmentLimit(SEG.CS)) throw new GuestFault(VECTOR.GP, 0);
    frame.probe(memory);
    frame.write(memory);
    cpu.setGpr32(GPR.SP, frame.pointer);
    jumpToRealSegment(cpu, selector, offset);
    return;
  }
  if (fetchTarget(cpu, selector)) {
    checkDirectTarget(cpu, selector);
    callCode(cpu, descriptor, selector, offset, size);
    return;
  }
  if (!isCallGate(cpu, selector)) {
    transferToTask(cpu, selector, "call");
    return;
  }
  checkGateTarget(cpu, true);
  const gateSize = descriptor.systemType === SYSTEM_TYPE.CALL_GATE32 ? 4 : 2;
  if (cpu.target.isConforming || cpu.target.dpl === cpu.cpl) {
    callCode(cpu, cpu.target, descriptor.gateSelector, gateEntry(descriptor), gateSize);
  } else {
    callInner(cpu, gateSize);
  }
}

/** Reads the descriptor of a far transfer into `cpu.descriptor`; returns whether it is a code segment. */
function fetchTarget(cpu: Cpu, selector: number): boolean {
  const { descriptor } = cpu;
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  if (!fetchDescriptor(cpu, descriptor, selector)) throw selectorFault(VECTOR.GP, selector);
  if (descriptor.isCode) return true;
  if (descriptor.systemType < 0) throw selectorFault(VECTOR.GP, selector);
  return false;
}

function checkDirectTarget(cpu: Cpu, selector: number): void {
  const { descriptor, cpl } = cpu;
  const allowed = descriptor.isConforming ? descriptor.dpl <= cpl : (selector & 3) <= cpl && descriptor.dpl === cpl;
  if (!allowed) throw selectorFault(VECTOR.GP, selector);
  if (!descriptor.present) throw selectorFault(VECTOR.NP, selector);
}

/** Checks a system descriptor as a target: true for a call gate, false for a task gate or an available TSS. */
function isCallGate(cpu: Cpu, selector: number): boolean {
  const { descriptor } = cpu;
  switch (descriptor.systemType) {
    case SYSTEM_TYPE.CALL_GATE16:
    case SYSTEM_TYPE.CALL_GATE32:
    case SYSTEM_TYPE.TASK_GATE:
    case SYSTEM_TYPE.TSS16_AVAILABLE:
    case SYSTEM_TYPE.TSS32_AVAILABLE:
      break;
    default:
      throw selectorFault(VECTOR.GP, selector);
  }
  if (descriptor.dpl < cpu.cpl || descriptor.dpl < (selector & 3)) throw selectorFault(VECTOR.GP, selector);
  if (!descriptor.present) throw selectorFault(VECTOR.NP, selector);
  return (descriptor.systemType & 7) === SYSTEM_TYPE.CALL_GATE16;
}

/** Reads and checks the code segment of the call gate in `cpu.descriptor` into `cpu.target`. */
function checkGateTarget(cpu: Cpu, call: boolean): void {
  const { target, cpl } = cpu;
  const selector = cpu.descriptor.gateSelector;
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  if (!fetchDescriptor(cpu, target, selector) || !target.isCode || target.dpl > cpl) {
    throw selectorFault(VECTOR.GP, selector);
  }
  // Only a call may raise the privilege.
  if (!call && !target.isConforming && target.dpl !== cpl) throw selectorFault(VECTOR.GP, selector);
  if (!target.present) throw selectorFault(VECTOR.NP, selector);
}

function gateEntry(gate: Descriptor): number {
  return gate.systemType === SYSTEM_TYPE.CALL_GATE32 ? gate.gateOffset : gate.gateOffset & 0xffff;
}

/** Enters a code segment at the current privilege. */
function jumpToCode(cpu: Cpu, code: Descriptor, selector: number, offset: number): void {
  if (offset > code.limit) throw new GuestFault(VECTOR.GP, 0);
  code.mark(cpu.memory, ATTRIBUTE.ACCESSED);
  cpu.loadSegmentCache(SEG.CS, (selector & ~3) | cpu.cpl, code.base, code.limit, code.attributes);
  cpu.next = offset;
}

function jumpToRealSegment(cpu: Cpu, selector: number, offset: number): void {
  if (offset > cpu.segmentLimit(SEG.CS)) throw new GuestFault(VECTOR.GP, 0);
  if (cpu.realMode) cpu.loadRealSegment(SEG.CS, selector);
  else cpu.loadVirtual8086Segment(SEG.CS, selector);
  cpu.next = offset;
}

/** Starts the frame of a call at the current privilege, CS and the return address, and checks its room. */
function beginReturnFrame(cpu: Cpu, size: number): void {
  beginOnCurrentStack(cpu, size);
  cpu.frame.add(cpu.selector(SEG.CS));
  cpu.frame.add(cpu.next);
  cpu.frame.checkLimit(0);
  if (cpu.alignmentChecked) cpu.frame.checkAlignment(0);
}

function callCode(cpu: Cpu, code: Descriptor, selector: number, offset: number, size: number): void {
  const { frame, memory } = cpu;
  beginReturnFrame(cpu, size);
  if (offset > code.limit) throw new GuestFault(VECTOR.GP, 0);
  frame.probe(memory);
  code.mark(memory, ATTRIBUTE.ACCESSED);

  frame.write(memory);
  cpu.setGpr32(GPR.SP, frame.pointer);
  jumpToCode(cpu, code, selector, offset);
}

/** Through a call gate to a more privileged level, on that level's stack. */
function callInner(cpu: Cpu, size: number): void {
  const { descriptor: gate, target, stack, frame, memory } = cpu;
  const { dpl } = target;
  innerStack.load(cpu, dpl, 0);
  frame.begin(stack.base, stack.limit, stack.attributes, innerStack.pointer, size, false);
  frame.add(cpu.selector(SEG.SS));
  frame.add(cpu.gpr32(GPR.SP));
  const parameters = gate.high & 31;
  for (let i = parameters - 1; i >= 0; i--) frame.add(cpu.peek(i * size, size));
  frame.add(cpu.selector(SEG.CS));
  frame.add(cpu.next);
  frame.checkLimit(innerStack.selector & 0xfffc);
  const offset = gateEntry(gate);
  if (offset > target.limit) throw new GuestFault(VECTOR.GP, 0);
  frame.probe(memory);
  target.mark(memory, ATTRIBUTE.ACCESSED);
  innerStack.markAccessed(cpu);

  frame.write(memory);
  cpu.setCpl(dpl);
  cpu.loadSegmentCache(SEG.CS, (gate.gateSelector & ~3) | dpl, target.base, target.limit, target.attributes);
  innerStack.commit(cpu);
  cpu.setGpr32(GPR.SP, frame.pointer);
  cpu.next = offset;
}
