/**
 * Delivery of interrupts and exceptions (Intel SDM volume 3, chapter 6 and 20; volume 2, "INT n").
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE, SYSTEM_TYPE } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import { FLAG, GPR, SEG, STATE, VECTOR } from "../registers.ts";
import { beginOnCurrentStack, InnerStack } from "./inner_stack.ts";
import { fetchDescriptor, isNull, selectorFault } from "./selector.ts";
import { interruptTask } from "./task_switch.ts";

/**
 * What is delivered between instructions: a fault of the instruction at EIP; a trap of the one before it (single step);
 * an external interrupt, NMI included.
 */
export type EventKind = "fault" | "trap" | "external";

/** `software`: INT n, INT3 and INTO, which check the gate's DPL. `debug`: INT1, which does not. */
type Kind = EventKind | "software" | "debug";

const EFLAGS = STATE.EFLAGS >> 2;

/** Vectors with an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
const WITH_ERROR_CODE = 1 << VECTOR.DF | 1 << VECTOR.TS | 1 << VECTOR.NP | 1 << VECTOR.SS | 1 << VECTOR.GP |
  1 << VECTOR.PF | 1 << VECTOR.AC;

/** Contributory exceptions (Intel SDM volume 3, table 6-4). */
const CONTRIBUTORY = 1 << VECTOR.DE | 1 << VECTOR.TS | 1 << VECTOR.NP | 1 << VECTOR.SS | 1 << VECTOR.GP;

const innerStack = new InnerStack();

/**
 * Delivers an event between two instructions: on return EIP is the handler's first instruction, or `cpu.shutdown` is set.
 * Faults of the delivery itself are delivered in their turn, as double faults where table 6-5 says so.
 * @param error Error code, or -1; pushed for the vectors that have one when `kind` is "fault".
 */
export function deliver(cpu: Cpu, vector: number, error: number, kind: EventKind): void {
  cpu.halted = false;
  cpu.i32[STATE.SHADOW >> 2] = 0;
  for (;;) {
    if (kind !== "external") {
      cpu.lastVector = vector;
      cpu.lastError = error;
    }
    try {
      transfer(cpu, vector, error, kind, cpu.eip);
      cpu.eip = cpu.next;
      return;
    } catch (thrown) {
      if (!(thrown instanceof GuestFault)) throw thrown;
      // Of a task switch that had happened: EIP is the new task's already.
      cpu.taskSwitched = false;
      const second = thrown.vector;
      if (kind === "fault" && isDoubleFault(vector, second)) {
        if (vector === VECTOR.DF) {
          cpu.shutdown = true;
          return;
        }
        vector = VECTOR.DF;
        error = 0;
      } else {
        vector = second;
        error = thrown.error;
      }
      kind = "fault";
    }
  }
}

/** Delivers an exception that the instruction at EIP raised. */
export function raise(cpu: Cpu, fault: GuestFault): void {
  deliver(cpu, fault.vector, fault.error, "fault");
}

/** The transfer of INT n, INT3 and INTO: returns to `cpu.next`, and changes it to the handler's address. */
export function softwareInterrupt(cpu: Cpu, vector: number): void {
  // The handler runs without the interrupted program's TF (Intel SDM volume 3, 17.3.1.4).
  cpu.stepDiscarded = true;
  transfer(cpu, vector, -1, "software", cpu.next);
}

/** The transfer of INT1. */
export function debugInterrupt(cpu: Cpu, returnAddress: number): void {
  cpu.stepDiscarded = true;
  transfer(cpu, VECTOR.DB, -1, "debug", returnAddress);
}

/** Whether `second`, raised while `first` was being delivered, makes a double (or triple) fault: table 6-5. */
function isDoubleFault(first: number, second: number): boolean {
  const contributory = (CONTRIBUTORY >> second & 1) !== 0;
  if (first === VECTOR.PF || first === VECTOR.DF) return contributory || second === VECTOR.PF;
  return (CONTRIBUTORY >> first & 1) !== 0 && contributory;
}

function transfer(cpu: Cpu, vector: number, error: number, kind: Kind, returnAddress: number): void {
  if (cpu.realMode) {
    realModeTransfer(cpu, vector, returnAddress);
    return;
  }
  let errorCode = -1;
  if (kind === "fault" && vector < 32 && (WITH_ERROR_CODE >> vector & 1) !== 0) errorCode = error < 0 ? 0 : error;
  protectedTransfer(cpu, vector, errorCode, kind, returnAddress);
}

/** Through the interrupt vector table (Intel SDM volume 3, 20.1.4). */
function realModeTransfer(cpu: Cpu, vector: number, returnAddress: number): void {
  const { memory, frame } = cpu;
  if (vector * 4 + 3 > cpu.u32[STATE.IDTR_LIMIT >> 2]!) throw new GuestFault(VECTOR.GP, vector * 8 + 2);
  const entry = (cpu.u32[STATE.IDTR_BASE >> 2]! + vector * 4) >>> 0;
  const offset = memory.read16(entry, false);
  const selector = memory.read16((entry + 2) >>> 0, false);
  beginOnCurrentStack(cpu, 2);
  frame.add(cpu.eflags);
  frame.add(cpu.selector(SEG.CS));
  frame.add(returnAddress);
  frame.checkLimit(0);
  frame.probe(memory);

  frame.write(memory);
  cpu.setGpr32(GPR.SP, frame.pointer);
  cpu.i32[EFLAGS]! &= ~(FLAG.IF | FLAG.TF | FLAG.AC | FLAG.RF);
  cpu.loadRealSegment(SEG.CS, selector);
  cpu.next = offset;
}

function protectedTransfer(cpu: Cpu, vector: number, errorCode: number, kind: Kind, returnAddress: number): void {
  const { descriptor: gate, target, memory } = cpu;
  const external = kind === "software" ? 0 : 1;
  const idtError = vector * 8 + 2 + external;
  if (vector * 8 + 7 > cpu.u32[STATE.IDTR_LIMIT >> 2]!) throw new GuestFault(VECTOR.GP, idtError);
  gate.read(memory, (cpu.u32[STATE.IDTR_BASE >> 2]! + vector * 8) >>> 0);
  const type = gate.systemType;
  // Types 5 to 7, and 14 and 15.
  if (type < SYSTEM_TYPE.TASK_GATE || (type > SYSTEM_TYPE.TRAP_GATE16 && type < SYSTEM_TYPE.INTERRUPT_GATE32)) {
    throw new GuestFault(VECTOR.GP, idtError);
  }
  const cpl = cpu.cpl;
  if (kind === "software" && gate.dpl < cpl) throw new GuestFault(VECTOR.GP, idtError);
  if (!gate.present) throw new GuestFault(VECTOR.NP, idtError);
  if (type === SYSTEM_TYPE.TASK_GATE) {
    const resume = kind === "fault" ? FLAG.RF : 0;
    interruptTask(cpu, gate.gateSelector, { external, errorCode, returnAddress, resume });
    return;
  }

  const selector = gate.gateSelector;
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, external);
  if (!fetchDescriptor(cpu, target, selector) || !target.isCode || target.dpl > cpl) {
    throw selectorFault(VECTOR.GP, selector, external);
  }
  if (!target.present) throw selectorFault(VECTOR.NP, selector, external);
  const inner = !target.isConforming && target.dpl < cpl;
  if (cpu.virtual8086 && (!inner || target.dpl !== 0)) {
    throw selectorFault(VECTOR.GP, selector, external);
  }

  const wide = type >= SYSTEM_TYPE.INTERRUPT_GATE32;
  const offset = wide ? gate.gateOffset : gate.gateOffset & 0xffff;
  // Intel SDM volume 3, 17.3.1.1: the image that a fault pushes has RF set.
  const flags = cpu.eflags | (kind === "fault" ? FLAG.RF : 0);
  const cleared = FLAG.TF | FLAG.NT | FLAG.RF | FLAG.VM | ((type & 1) === 0 ? FLAG.IF : 0);
  if (inner) {
    toInner(cpu, wide ? 4 : 2, offset, flags, cleared, returnAddress, errorCode, external);
  } else {
    toSame(cpu, wide ? 4 : 2, offset, flags, cleared, returnAddress, errorCode, external);
  }
}

function toInner(
  cpu: Cpu,
  size: number,
  offset: number,
  flags: number,
  cleared: number,
  returnAddress: number,
  errorCode: number,
  external: number,
): void {
  const { target, stack, frame, memory } = cpu;
  const dpl = target.dpl;
  innerStack.load(cpu, dpl, external);
  const fromVirtual8086 = cpu.virtual8086;
  frame.begin(stack.base, stack.limit, stack.attributes, innerStack.pointer, size, false);
  if (fromVirtual8086) {
    frame.add(cpu.selector(SEG.GS));
    frame.add(cpu.selector(SEG.FS));
    frame.add(cpu.selector(SEG.DS));
    frame.add(cpu.selector(SEG.ES));
  }
  frame.add(cpu.selector(SEG.SS));
  frame.add(cpu.gpr32(GPR.SP));
  frame.add(flags);
  frame.add(cpu.selector(SEG.CS));
  frame.add(returnAddress);
  if (errorCode >= 0) frame.add(errorCode);
  frame.checkLimit((innerStack.selector & 0xfffc) | external);
  if (offset > target.limit) throw new GuestFault(VECTOR.GP, external);
  frame.probe(memory);
  target.mark(memory, ATTRIBUTE.ACCESSED);
  innerStack.markAccessed(cpu);

  frame.write(memory);
  cpu.i32[EFLAGS]! &= ~cleared;
  cpu.setCpl(dpl);
  cpu.loadSegmentCache(SEG.CS, (cpu.descriptor.gateSelector & ~3) | dpl, target.base, target.limit, target.attributes);
  innerStack.commit(cpu);
  cpu.setGpr32(GPR.SP, frame.pointer);
  if (fromVirtual8086) {
    cpu.loadNullSegment(SEG.GS, 0);
    cpu.loadNullSegment(SEG.FS, 0);
    cpu.loadNullSegment(SEG.DS, 0);
    cpu.loadNullSegment(SEG.ES, 0);
  }
  cpu.next = offset;
}

function toSame(
  cpu: Cpu,
  size: number,
  offset: number,
  flags: number,
  cleared: number,
  returnAddress: number,
  errorCode: number,
  external: number,
): void {
  const { target, frame, memory } = cpu;
  beginOnCurrentStack(cpu, size);
  frame.add(flags);
  frame.add(cpu.selector(SEG.CS));
  frame.add(returnAddress);
  if (errorCode >= 0) frame.add(errorCode);
  frame.checkLimit(external);
  if (cpu.alignmentChecked) frame.checkAlignment(external);
  if (offset > target.limit) throw new GuestFault(VECTOR.GP, external);
  frame.probe(memory);
  target.mark(memory, ATTRIBUTE.ACCESSED);

  frame.write(memory);
  cpu.i32[EFLAGS]! &= ~cleared;
  const selector = (cpu.descriptor.gateSelector & ~3) | cpu.cpl;
  cpu.loadSegmentCache(SEG.CS, selector, target.base, target.limit, target.attributes);
  cpu.setGpr32(GPR.SP, frame.pointer);
  cpu.next = offset;
}
