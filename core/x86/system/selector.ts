/**
 * Segment selectors: reading the descriptor that one names (Intel SDM volume 3, 3.4.2 and 3.5.1).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Descriptor } from "../descriptor.ts";
import { GuestFault } from "../fault.ts";
import { SEG, STATE, VECTOR } from "../registers.ts";

/** Whether a selector is null, whatever its RPL. */
export function isNull(selector: number): boolean {
  return (selector & 0xfffc) === 0;
}

/**
 * Reads the descriptor that a selector names from the GDT or the LDT.
 * Returns false, having read nothing, when it lies beyond the table's limit or there is no LDT.
 */
export function fetchDescriptor(cpu: Cpu, into: Descriptor, selector: number): boolean {
  const index = selector & 0xfff8;
  if ((selector & 4) !== 0) {
    // An unusable LDTR has limit 0, which no descriptor fits.
    if (index + 7 > cpu.segmentLimit(SEG.LDTR)) return false;
    into.read(cpu.memory, (cpu.segmentBase(SEG.LDTR) + index) >>> 0);
  } else {
    if (index + 7 > cpu.u32[STATE.GDTR_LIMIT >> 2]!) return false;
    into.read(cpu.memory, (cpu.u32[STATE.GDTR_BASE >> 2]! + index) >>> 0);
  }
  return true;
}

/** A fault whose error code names a selector (Intel SDM volume 3, 6.13). `external`: the EXT bit, 0 or 1. */
export function selectorFault(vector: number, selector: number, external = 0): GuestFault {
  return new GuestFault(vector, (selector & 0xfffc) | external);
}

/** #GP(0) unless CPL is 0; in virtual-8086 mode CPL is 3. */
export function requirePrivilege(cpu: Cpu): void {
  if (cpu.cpl !== 0) throw new GuestFault(VECTOR.GP, 0);
}

/** #UD outside protected mode: the instruction is not recognised in real-address and virtual-8086 mode. */
export function requireProtectedMode(cpu: Cpu): void {
  if (!cpu.protectedMode) throw new GuestFault(VECTOR.UD);
}
