/**
 * The stack of a more privileged level, taken from the TSS (Intel SDM volume 3, 5.8.5, 7.2.1 and 7.6).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { ATTRIBUTE } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import { SEG, VECTOR } from "../registers.ts";
import { fetchDescriptor, isNull, selectorFault } from "./selector.ts";

/** SS and ESP for the new privilege level; the descriptor is in `cpu.stack`. */
export class InnerStack {
  selector = 0;
  pointer = 0;

  /**
   * Reads and checks the stack for privilege level `dpl`: #TS, or #SS when the segment is not present.
   * @param external The EXT bit of error codes, 0 or 1.
   */
  load(cpu: Cpu, dpl: number, external: number): void {
    const { memory, stack } = cpu;
    const base = cpu.segmentBase(SEG.TR);
    const wide = (cpu.segmentAttributes(SEG.TR) & 0x800) !== 0;
    const at = wide ? dpl * 8 + 4 : dpl * 4 + 2;
    if (at + (wide ? 5 : 3) > cpu.segmentLimit(SEG.TR)) throw selectorFault(VECTOR.TS, cpu.selector(SEG.TR), external);
    const address = (base + at) >>> 0;
    this.pointer = wide ? memory.read32(address, false) : memory.read16(address, false);
    this.selector = memory.read16((address + (wide ? 4 : 2)) >>> 0, false);

    const { selector } = this;
    if (isNull(selector)) throw new GuestFault(VECTOR.TS, external);
    if (
      !fetchDescriptor(cpu, stack, selector) || (selector & 3) !== dpl || stack.dpl !== dpl || !stack.isWritableData
    ) throw selectorFault(VECTOR.TS, selector, external);
    if (!stack.present) throw selectorFault(VECTOR.SS, selector, external);
  }

  /** Loads SS; the accessed bit must have been set with `markAccessed` before. */
  commit(cpu: Cpu): void {
    cpu.loadSegmentCache(SEG.SS, this.selector, cpu.stack.base, cpu.stack.limit, cpu.stack.attributes);
  }

  markAccessed(cpu: Cpu): void {
    cpu.stack.mark(cpu.memory, ATTRIBUTE.ACCESSED);
  }
}

/** Starts a push frame on the current stack, with items of `size` bytes. */
export function beginOnCurrentStack(cpu: Cpu, size: number): void {
  let attributes = cpu.segmentAttributes(SEG.SS);
  // Outside protected mode the type of a segment left over from it means nothing.
  if (!cpu.protectedMode) attributes &= ~ATTRIBUTE.EXPAND_DOWN;
  cpu.frame.begin(cpu.segmentBase(SEG.SS), cpu.segmentLimit(SEG.SS), attributes, cpu.gpr32(4), size, cpu.user);
}
