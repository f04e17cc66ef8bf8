/**
 * SYSENTER and SYSEXIT (Intel SDM volume 2; volume 3, 5.8.7).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { FLAG, GPR, MSR_SLOT, SEG, STATE, VECTOR } from "../registers.ts";
import { requirePrivilege } from "./selector.ts";

const SLOT = STATE.MSR >> 2;

/** The fixed descriptors: flat, 4 GB, 32-bit, accessed; DPL 0. */
const CODE = 0xc0_9b00;
const DATA = 0xc0_9300;
const DPL3 = 3 << 13;

/** IA32_SYSENTER_CS, or #GP(0) in real-address mode or when it is null. */
function entrySelector(cpu: Cpu): number {
  const selector = cpu.u32[SLOT + MSR_SLOT.SYSENTER_CS * 2]! & 0xffff;
  if (cpu.realMode || (selector & 0xfffc) === 0) throw new GuestFault(VECTOR.GP, 0);
  return selector;
}

/** SYSENTER. */
export function sysenter(cpu: Cpu): void {
  const selector = entrySelector(cpu) & 0xfffc;
  cpu.i32[STATE.EFLAGS >> 2]! &= ~(FLAG.VM | FLAG.IF | FLAG.RF);
  cpu.setCpl(0);
  cpu.loadSegmentCache(SEG.CS, selector, 0, 0xffff_ffff, CODE);
  cpu.loadSegmentCache(SEG.SS, selector + 8, 0, 0xffff_ffff, DATA);
  cpu.setGpr32(GPR.SP, cpu.u32[SLOT + MSR_SLOT.SYSENTER_ESP * 2]!);
  cpu.next = cpu.u32[SLOT + MSR_SLOT.SYSENTER_EIP * 2]!;
}

/** SYSEXIT. */
export function sysexit(cpu: Cpu): void {
  const selector = entrySelector(cpu);
  requirePrivilege(cpu);
  cpu.setCpl(3);
  cpu.loadSegmentCache(SEG.CS, (selector + 16) | 3, 0, 0xffff_ffff, CODE | DPL3);
  cpu.loadSegmentCache(SEG.SS, (selector + 24) | 3, 0, 0xffff_ffff, DATA | DPL3);
  cpu.setGpr32(GPR.SP, cpu.gpr32(GPR.CX));
  cpu.next = cpu.gpr32(GPR.DX);
}
