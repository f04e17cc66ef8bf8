/**
 * Loading a data or stack segment register from a selector (Intel SDM volume 2, "MOV"; volume 3, 5.6 and 5.7).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import { SEG, VECTOR } from "../registers.ts";
import { fetchDescriptor, isNull, selectorFault } from "./selector.ts";

/** Loads ES, SS, DS, FS or GS in any mode; throws before anything is changed. */
export function loadSegment(cpu: Cpu, segment: number, selector: number): void {
  if (!cpu.protectedMode) {
    if (cpu.realMode) cpu.loadRealSegment(segment, selector);
    else cpu.loadVirtual8086Segment(segment, selector);
  } else if (segment === SEG.SS) {
    loadStackSegment(cpu, selector);
  } else if (isNull(selector)) {
    cpu.loadNullSegment(segment, selector);
  } else {
    loadDataSegment(cpu, segment, selector);
  }
}

function loadDataSegment(cpu: Cpu, segment: number, selector: number): void {
  const { target } = cpu;
  if (!fetchDescriptor(cpu, target, selector) || !target.isReadable) throw selectorFault(VECTOR.GP, selector);
  const { dpl } = target;
  if (!(target.isCode && target.isConforming) && ((selector & 3) > dpl || cpu.cpl > dpl)) {
    throw selectorFault(VECTOR.GP, selector);
  }
  if (!target.present) throw selectorFault(VECTOR.NP, selector);
  target.mark(cpu.memory, ATTRIBUTE.ACCESSED);
  cpu.loadSegmentCache(segment, selector, target.base, target.limit, target.attributes);
}

function loadStackSegment(cpu: Cpu, selector: number): void {
  const { target, cpl } = cpu;
  if (isNull(selector)) throw new GuestFault(VECTOR.GP, 0);
  if (
    !fetchDescriptor(cpu, target, selector) || (selector & 3) !== cpl || !target.isWritableData || target.dpl !== cpl
  ) throw selectorFault(VECTOR.GP, selector);
  if (!target.present) throw selectorFault(VECTOR.SS, selector);
  target.mark(cpu.memory, ATTRIBUTE.ACCESSED);
  cpu.loadSegmentCache(SEG.SS, selector, target.base, target.limit, target.attributes);
}
