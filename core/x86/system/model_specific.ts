/**
 * RDMSR, WRMSR, RDTSC and RDPMC (Intel SDM volume 2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { modelSpecificRegister, MSR } from "../model_specific_registers.ts";
import { CR4, GPR, MSR_SLOT, STATE, VECTOR } from "../registers.ts";
import { requirePrivilege } from "./selector.ts";

const TSC_OFFSET = (STATE.MSR >> 2) + MSR_SLOT.TSC_OFFSET * 2;
const TWO_32 = 0x1_0000_0000;

/** RDMSR. */
export function rdmsr(cpu: Cpu): void {
  requirePrivilege(cpu);
  const address = cpu.gpr32(GPR.CX);
  if (address === MSR.IA32_TIME_STAMP_COUNTER) return readTimestamp(cpu);
  const register = modelSpecificRegister(address);
  if (register === undefined) throw new GuestFault(VECTOR.GP, 0);
  const at = (STATE.MSR >> 2) + register.slot * 2;
  if (register.slot < 0) setPair(cpu, register.low, register.high);
  else setPair(cpu, cpu.u32[at]!, cpu.u32[at + 1]!);
}

/** WRMSR. */
export function wrmsr(cpu: Cpu): void {
  requirePrivilege(cpu);
  const address = cpu.gpr32(GPR.CX), low = cpu.gpr32(GPR.AX), high = cpu.gpr32(GPR.DX);
  if (address === MSR.IA32_TIME_STAMP_COUNTER) return writeTimestamp(cpu, low, high);
  const register = modelSpecificRegister(address);
  if (register === undefined || !register.accepts(low, high)) throw new GuestFault(VECTOR.GP, 0);
  if (register.slot < 0) return;
  const at = (STATE.MSR >> 2) + register.slot * 2;
  cpu.u32[at] = (cpu.u32[at]! & ~register.writable) | (low & register.writable);
  cpu.u32[at + 1] = high;
  if (address === MSR.IA32_EFER) cpu.memory.flush(false);
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
