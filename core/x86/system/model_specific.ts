/**
 * RDMSR, WRMSR, RDTSC and RDPMC, with the model-specific registers of this CPU model (Intel SDM volume 4).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault, UnbuiltFeature } from "../fault.ts";
import { CR4, GPR, MSR_SLOT, STATE, VECTOR } from "../registers.ts";
import { requirePrivilege } from "./selector.ts";

/** MSR addresses. Any other raises #GP(0). */
export const MSR = {
  IA32_TIME_STAMP_COUNTER: 0x10,
  IA32_PLATFORM_ID: 0x17,
  IA32_BIOS_SIGN_ID: 0x8b,
  IA32_SYSENTER_CS: 0x174,
  IA32_SYSENTER_ESP: 0x175,
  IA32_SYSENTER_EIP: 0x176,
  IA32_DEBUGCTL: 0x1d9,
} as const;

const TSC_OFFSET = (STATE.MSR >> 2) + MSR_SLOT.TSC_OFFSET * 2;
const TWO_32 = 0x1_0000_0000;

/** Index of an MSR's slot in the state block, as dwords. */
function slot(index: number): number {
  return (STATE.MSR >> 2) + index * 2;
}

/** RDMSR. */
export function rdmsr(cpu: Cpu): void {
  requirePrivilege(cpu);
  switch (cpu.gpr32(GPR.CX)) {
    case MSR.IA32_TIME_STAMP_COUNTER:
      readTimestamp(cpu);
      break;
    // Platform 0, no microcode update loaded, no debug feature on.
    case MSR.IA32_PLATFORM_ID:
    case MSR.IA32_BIOS_SIGN_ID:
    case MSR.IA32_DEBUGCTL:
      setPair(cpu, 0, 0);
      break;
    case MSR.IA32_SYSENTER_CS:
      setPair(cpu, cpu.u32[slot(MSR_SLOT.SYSENTER_CS)]!, 0);
      break;
    case MSR.IA32_SYSENTER_ESP:
      setPair(cpu, cpu.u32[slot(MSR_SLOT.SYSENTER_ESP)]!, 0);
      break;
    case MSR.IA32_SYSENTER_EIP:
      setPair(cpu, cpu.u32[slot(MSR_SLOT.SYSENTER_EIP)]!, 0);
      break;
    default:
      throw new GuestFault(VECTOR.GP, 0);
  }
}

/** WRMSR. */
export function wrmsr(cpu: Cpu): void {
  requirePrivilege(cpu);
  const low = cpu.gpr32(GPR.AX);
  switch (cpu.gpr32(GPR.CX)) {
    case MSR.IA32_TIME_STAMP_COUNTER:
      writeTimestamp(cpu, low, cpu.gpr32(GPR.DX));
      break;
    // Software writes 0 before CPUID loads the revision; what it writes does not stay.
    case MSR.IA32_BIOS_SIGN_ID:
      break;
    case MSR.IA32_DEBUGCTL:
      if (low !== 0) throw new UnbuiltFeature("branch trace and last branch recording (IA32_DEBUGCTL)");
      break;
    case MSR.IA32_SYSENTER_CS:
      cpu.u32[slot(MSR_SLOT.SYSENTER_CS)] = low;
      break;
    case MSR.IA32_SYSENTER_ESP:
      cpu.u32[slot(MSR_SLOT.SYSENTER_ESP)] = low;
      break;
    case MSR.IA32_SYSENTER_EIP:
      cpu.u32[slot(MSR_SLOT.SYSENTER_EIP)] = low;
      break;
    default:
      throw new GuestFault(VECTOR.GP, 0);
  }
}

/** RDTSC: needs CPL 0 under CR4.TSD. */
export function rdtsc(cpu: Cpu): void {
  if ((cpu.i32[STATE.CR4 >> 2]! & CR4.TSD) !== 0 && cpu.cpl !== 0) throw new GuestFault(VECTOR.GP, 0);
  readTimestamp(cpu);
}

/** RDPMC: this model has no performance counters. */
export function rdpmc(): void {
  throw new GuestFault(VECTOR.GP, 0);
}

function setPair(cpu: Cpu, low: number, high: number): void {
  cpu.setGpr32(GPR.AX, low);
  cpu.setGpr32(GPR.DX, high);
}

function readTimestamp(cpu: Cpu): void {
  const ticks = cpu.timestamp();
  const low = (ticks % TWO_32) + cpu.u32[TSC_OFFSET]!;
  const high = Math.floor(ticks / TWO_32) + cpu.u32[TSC_OFFSET + 1]! + (low >= TWO_32 ? 1 : 0);
  setPair(cpu, low >>> 0, high >>> 0);
}

/** Sets the counter by its distance from the running one. */
function writeTimestamp(cpu: Cpu, low: number, high: number): void {
  const ticks = cpu.timestamp();
  const difference = low - (ticks % TWO_32);
  cpu.u32[TSC_OFFSET] = difference;
  cpu.u32[TSC_OFFSET + 1] = high - Math.floor(ticks / TWO_32) - (difference < 0 ? 1 : 0);
}
