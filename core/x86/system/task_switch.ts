/**
 * Hardware task switches (Intel SDM volume 3, 7.2 and 7.3): by JMP and CALL to a TSS or a task gate, by interrupts through a task gate,
 * by IRET with NT set.
 *
 * A switch has a commit point. What is wrong before it is a fault in the old task, and nothing has changed. What is wrong after it (a
 * segment of the new task, for the most part) is a fault in the new one, before its first instruction.
 *
 * @module
 */
import { DR6, DR7_BIT } from "../breakpoints.ts";
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE, SYSTEM_TYPE } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import { CR0, FLAG, SEG, STATE, VECTOR } from "../registers.ts";
import { loadCr3 } from "./control_registers.ts";
import { beginOnCurrentStack } from "./inner_stack.ts";
import { fetchDescriptor, isNull, selectorFault } from "./selector.ts";
import { loadTaskSegments } from "./task_segments.ts";
import { LINK, saveTask, type TaskFormat, taskFormat, TaskState, TSS32 } from "./task_state.ts";

/** The type bit that tells a busy TSS from an available one, in a descriptor's second dword. */
const BUSY = 1 << 9;

/** EFLAGS bits that exist. */
const EFLAGS_DEFINED = 0x003f_7fd5;

/** What starts a switch. */
type Cause = "jump" | "call" | "return" | "interrupt";

/** How an interrupt or exception enters a task. */
export interface TaskInterrupt {
  /** The EXT bit of error codes, 0 or 1. */
  readonly external: number;
  /** Error code to push on the new task's stack, or -1. */
  readonly errorCode: number;
  /** EIP that the old task goes on with. */
  readonly returnAddress: number;
  /** FLAG.RF if the old task's saved flags have it: after a fault. */
  readonly resume: number;
}

/** The TSS that a switch goes to. */
class NewTask {
  selector = 0;
  base = 0;
  limit = 0;
  attributes = 0;
  format: TaskFormat = TSS32;
  readonly state: TaskState = new TaskState();
}

const task = new NewTask();

/**
 * JMP or CALL to the TSS or task gate whose descriptor is in `cpu.descriptor`: present, and open to CPL and RPL.
 * `selector` is the one that the instruction names.
 */
export function transferToTask(cpu: Cpu, selector: number, cause: "jump" | "call"): void {
  const gate = cpu.descriptor.systemType === SYSTEM_TYPE.TASK_GATE;
  const tss = gate ? cpu.descriptor.gateSelector : selector;
  findAvailable(cpu, tss, 0);
  switchTask(cpu, tss, cause, cpu.next, 0, 0);
  checkEntry(cpu, 0);
}

/** An interrupt or exception through a task gate in the IDT. */
export function interruptTask(cpu: Cpu, tss: number, interrupt: TaskInterrupt): void {
  const { external, errorCode } = interrupt;
  findAvailable(cpu, tss, external);
  switchTask(cpu, tss, "interrupt", interrupt.returnAddress, external, interrupt.resume);
  if (errorCode >= 0) {
    const { frame, memory } = cpu;
    beginOnCurrentStack(cpu, task.format.size);
    frame.add(errorCode);
    cpu.taskSwitched = true;
    frame.checkLimit(external);
    if (cpu.alignmentChecked) frame.checkAlignment(external);
    frame.probe(memory);
    frame.write(memory);
    cpu.adjustStack(-task.format.size);
  }
  checkEntry(cpu, external);
}

/** IRET with NT set: back to the task that the TSS's link names. */
export function returnToTask(cpu: Cpu): void {
  const { memory, target } = cpu;
  const link = memory.read16((cpu.segmentBase(SEG.TR) + LINK) >>> 0, false);
  if ((link & 4) !== 0 || isNull(link) || !fetchDescriptor(cpu, target, link)) throw selectorFault(VECTOR.TS, link);
  const type = target.systemType;
  if (type !== SYSTEM_TYPE.TSS16_BUSY && type !== SYSTEM_TYPE.TSS32_BUSY) throw selectorFault(VECTOR.TS, link);
  if (!target.present) throw selectorFault(VECTOR.NP, link);
  switchTask(cpu, link, "return", cpu.next, 0, 0);
  checkEntry(cpu, 0);
}

/** Reads the descriptor of an available TSS into `cpu.target`. */
function findAvailable(cpu: Cpu, selector: number, external: number): void {
  const { target } = cpu;
  if ((selector & 4) !== 0 || isNull(selector) || !fetchDescriptor(cpu, target, selector)) {
    throw selectorFault(VECTOR.GP, selector, external);
  }
  const type = target.systemType;
  if (type !== SYSTEM_TYPE.TSS16_AVAILABLE && type !== SYSTEM_TYPE.TSS32_AVAILABLE) {
    throw selectorFault(VECTOR.GP, selector, external);
  }
  if (!target.present) throw selectorFault(VECTOR.NP, selector, external);
}

/** Whether EIP lies in the new task's code segment: the last thing that is checked. */
function checkEntry(cpu: Cpu, external: number): void {
  cpu.taskSwitched = true;
  if (cpu.eip > cpu.segmentLimit(SEG.CS)) throw new GuestFault(VECTOR.GP, external);
  cpu.taskSwitched = false;
}

/** Switches to the TSS in `cpu.target`. `resume`: see `TaskInterrupt`. */
function switchTask(
  cpu: Cpu,
  selector: number,
  cause: Cause,
  returnAddress: number,
  external: number,
  resume: number,
): void {
  const { memory, target } = cpu;
  const oldSelector = cpu.selector(SEG.TR), oldBase = cpu.segmentBase(SEG.TR);
  const oldFormat = taskFormat(cpu.segmentAttributes(SEG.TR));
  task.selector = selector;
  task.base = target.base;
  task.limit = target.limit;
  task.attributes = target.attributes | BUSY;
  task.format = taskFormat(target.attributes);
  if (task.limit < task.format.limit) throw selectorFault(VECTOR.TS, selector, external);
  if (cpu.segmentLimit(SEG.TR) < oldFormat.savedTo) throw selectorFault(VECTOR.TS, selector, external);

  // Everything that the switch will touch must be there (step 6 of the manual's list).
  const newBusyByte = (target.address + 5) >>> 0;
  const oldBusyByte = ((cpu.u32[STATE.GDTR_BASE >> 2]! + (oldSelector & 0xfff8)) + 5) >>> 0;
  const nests = cause === "call" || cause === "interrupt";
  memory.probeWrite((oldBase + oldFormat.savedFrom) >>> 0, oldFormat.savedTo - oldFormat.savedFrom + 1, false);
  memory.probeRead(task.base, task.format.limit + 1, false);
  if (nests) memory.probeWrite((task.base + LINK) >>> 0, 2, false);
  else memory.probeWrite(oldBusyByte, 1, false);
  if (cause !== "return") memory.probeWrite(newBusyByte, 1, false);

  // Committed from here on.
  let flags = cpu.eflags | resume;
  if (cause === "return") flags &= ~FLAG.NT;
  if (!nests) memory.write8(oldBusyByte, memory.read8(oldBusyByte, false) & ~(BUSY >> 8), false);
  saveTask(cpu, oldBase, oldFormat, returnAddress, flags);
  if (nests) memory.write16((task.base + LINK) >>> 0, oldSelector, false);
  if (cause !== "return") memory.write8(newBusyByte, memory.read8(newBusyByte, false) | (BUSY >> 8), false);
  task.state.read(cpu, task.base, task.format);
  enter(cpu, nests, external);
}

/** Loads the new task's state. */
function enter(cpu: Cpu, nests: boolean, external: number): void {
  const { state, format } = task;
  cpu.taskSwitched = true;
  cpu.stepDiscarded = true;
  cpu.loadSegmentCache(SEG.TR, task.selector, task.base, task.limit, task.attributes);
  cpu.i32[STATE.CR0 >> 2]! |= CR0.TS;
  cpu.i32[(STATE.DR >> 2) + 14]! &= ~DR7_BIT.LOCAL;
  for (let n = 0; n < 8; n++) cpu.setGpr32(n, state.registers[n]!);
  cpu.eip = cpu.next = state.eip;
  // VM decides how the segment registers are loaded.
  cpu.setEflags((state.eflags & EFLAGS_DEFINED) | (nests ? FLAG.NT : 0), ~0);
  cpu.loadNullSegment(SEG.LDTR, state.ldt);
  for (let n = SEG.ES as number; n <= SEG.GS; n++) {
    cpu.loadSegmentCache(n, state.segments[n]!, 0, 0, ATTRIBUTE.UNUSABLE);
  }
  const virtual8086 = (state.eflags & FLAG.VM) !== 0;
  cpu.setCpl(virtual8086 ? 3 : state.segments[SEG.CS]! & 3);
  cpu.refreshSegments();
  if (format.size === 4 && (cpu.i32[STATE.CR0 >> 2]! & CR0.PG) !== 0) loadCr3(cpu, state.cr3);
  loadTaskSegments(cpu, state, external);
  if (state.trap) cpu.i32[STATE.DEBUG_TRAPS >> 2]! |= DR6.BT;
  cpu.taskSwitched = false;
}
