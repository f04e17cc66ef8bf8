/**
 * Loading and checking the segments of a task that was switched to (Intel SDM volume 3, table 7-1).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE, SYSTEM_TYPE } from "../descriptor.ts";
import { SEG, VECTOR } from "../registers.ts";
import { fetchDescriptor, isNull, selectorFault } from "./selector.ts";
import type { TaskState } from "./task_state.ts";

/**
 * Loads LDTR, then CS, SS and the data segments. The registers hold the selectors already, unusable: those that a fault keeps from being
 * loaded stay so.
 * @param external The EXT bit of error codes, 0 or 1.
 */
export function loadTaskSegments(cpu: Cpu, state: TaskState, external: number): void {
  loadLocalTable(cpu, state.ldt, external);
  if (cpu.virtual8086) {
    for (let n = SEG.ES as number; n <= SEG.GS; n++) cpu.loadVirtual8086Segment(n, state.segments[n]!);
    return;
  }
  loadCode(cpu, state.segments[SEG.CS]!, external);
  loadStack(cpu, state.segments[SEG.SS]!, external);
  for (const segment of [SEG.ES, SEG.DS, SEG.FS, SEG.GS]) loadData(cpu, segment, state.segments[segment]!, external);
}

function loadLocalTable(cpu: Cpu, selector: number, external: number): void {
  const { target } = cpu;
  if (isNull(selector)) return;
  if (
    (selector & 4) !== 0 || !fetchDescriptor(cpu, target, selector) || target.systemType !== SYSTEM_TYPE.LDT ||
    !target.present
  ) throw selectorFault(VECTOR.TS, selector, external);
  cpu.loadSegmentCache(SEG.LDTR, selector, target.base, target.limit, target.attributes);
}

function loadCode(cpu: Cpu, selector: number, external: number): void {
  const { target } = cpu;
  const rpl = selector & 3;
  if (
    isNull(selector) || !fetchDescriptor(cpu, target, selector) || !target.isCode ||
    (target.isConforming ? target.dpl > rpl : target.dpl !== rpl)
  ) throw selectorFault(VECTOR.TS, selector, external);
  if (!target.present) throw selectorFault(VECTOR.NP, selector, external);
  load(cpu, SEG.CS, selector);
}

function loadStack(cpu: Cpu, selector: number, external: number): void {
  const { target, cpl } = cpu;
  if (
    isNull(selector) || !fetchDescriptor(cpu, target, selector) || !target.isWritableData || target.dpl !== cpl ||
    (selector & 3) !== cpl
  ) throw selectorFault(VECTOR.TS, selector, external);
  if (!target.present) throw selectorFault(VECTOR.SS, selector, external);
  load(cpu, SEG.SS, selector);
}

function loadData(cpu: Cpu, segment: number, selector: number, external: number): void {
  const { target } = cpu;
  if (isNull(selector)) return;
  if (!fetchDescriptor(cpu, target, selector) || !target.isReadable) throw selectorFault(VECTOR.TS, selector, external);
  const { dpl } = target;
  if (!(target.isCode && target.isConforming) && (dpl < cpu.cpl || dpl < (selector & 3))) {
    throw selectorFault(VECTOR.TS, selector, external);
  }
  if (!target.present) throw selectorFault(VECTOR.NP, selector, external);
  load(cpu, segment, selector);
}

function load(cpu: Cpu, segment: number, selector: number): void {
  const { target } = cpu;
  target.mark(cpu.memory, ATTRIBUTE.ACCESSED);
  cpu.loadSegmentCache(segment, selector, target.base, target.limit, target.attributes);
}
