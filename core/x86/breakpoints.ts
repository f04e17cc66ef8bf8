/**
 * The breakpoints of the debug registers (Intel SDM volume 3, 17.2).
 *
 * @module
 */
import type { Cpu } from "./cpu.ts";
import { CR4, MSR_SLOT, SEG, STATE } from "./registers.ts";

const DR = STATE.DR >> 2;
const DR7 = DR + 14;

/** DR6 bits beside B0 to B3. */
export const DR6 = {
  /** The breakpoint conditions, B0 to B3. */
  CONDITIONS: 15,
  /** A debug register was accessed under DR7.GD. */
  BD: 1 << 13,
  /** Single step. */
  BS: 1 << 14,
  /** Task switch to a TSS with its T bit set. */
  BT: 1 << 15,
  /** Bits that software can write. */
  WRITABLE: 0x0000_e00f,
  /** Bits that are always set. */
  FIXED: 0xffff_0ff0,
} as const;

/** DR7 bits. */
export const DR7_BIT = {
  /** L0, G0 to L3, G3. */
  ENABLES: 0xff,
  /** L0 to L3 and LE, which a task switch clears. */
  LOCAL: 0x155,
  GD: 1 << 13,
  WRITABLE: 0xffff_23ff,
  FIXED: 1 << 10,
} as const;

/** R/W fields of DR7. */
const KIND = { EXECUTE: 0, WRITE: 1, PORT: 2, ACCESS: 3 } as const;

/** Bytes by LEN field. 10b is undefined on processors of 32 bits and eight bytes on later ones. */
const LENGTH = [1, 2, 8, 4] as const;

const DEBUGCTL = (STATE.MSR >> 2) + 2 * MSR_SLOT.DEBUGCTL;

/** IA32_DEBUGCTL.BTF: TF traps after branches only. */
export const BTF = 1 << 1;

/** Whether TF traps after branches only (Intel SDM volume 3, 17.4.3). */
export function singleStepsBranches(cpu: Cpu): boolean {
  return (cpu.i32[DEBUGCTL]! & BTF) !== 0;
}

/** Whether any breakpoint is enabled. */
export function breakpointsEnabled(cpu: Cpu): boolean {
  return (cpu.i32[DR7]! & DR7_BIT.ENABLES) !== 0;
}

/** Bits B0 to B3 of enabled breakpoints whose kind is in `kinds`, a mask by R/W value, and whose range meets `size` bytes at `address`. */
function matching(cpu: Cpu, kinds: number, address: number, size: number): number {
  const control = cpu.i32[DR7]!;
  let bits = 0;
  for (let n = 0; n < 4; n++) {
    if (((control >> (2 * n)) & 3) === 0) continue;
    const field = (control >>> (16 + 4 * n)) & 15;
    if (((kinds >> (field & 3)) & 1) === 0) continue;
    const length = LENGTH[(field >> 2) as 0 | 1 | 2 | 3];
    // The processor ignores the address bits below the length (Intel SDM volume 3, 17.2.5).
    const start = (cpu.u32[DR + 2 * n]! & -length) >>> 0;
    if (address < start + length && start < address + size) bits |= 1 << n;
  }
  return bits;
}

/** Breakpoints on the execution of the instruction at EIP: its first byte, prefixes included. */
export function executeBreakpoints(cpu: Cpu): number {
  const linear = (cpu.eip + cpu.segmentBase(SEG.CS)) >>> 0;
  return matching(cpu, 1 << KIND.EXECUTE, linear, 1);
}

/** Breakpoints on data of `size` bytes at a linear address. */
export function dataBreakpoints(cpu: Cpu, linear: number, size: number, write: boolean): number {
  return matching(cpu, 1 << KIND.ACCESS | (write ? 1 << KIND.WRITE : 0), linear, size);
}

/** Breakpoints on `size` ports from `port` on: they exist under CR4.DE only. */
export function portBreakpoints(cpu: Cpu, port: number, size: number): number {
  return (cpu.i32[STATE.CR4 >> 2]! & CR4.DE) === 0 ? 0 : matching(cpu, 1 << KIND.PORT, port, size);
}

/**
 * Notes in DR6 why a debug exception is raised, and clears DR7.GD, so that its handler can use the registers (Intel SDM volume 3,
 * 17.2.3 and 17.2.4), and BTF. B0 to B3 tell of this exception; the others stay until software clears them.
 */
export function noteDebugException(cpu: Cpu, bits: number): void {
  cpu.i32[DR + 12] = (cpu.i32[DR + 12]! & ~DR6.CONDITIONS) | bits;
  cpu.i32[DR7]! &= ~DR7_BIT.GD;
  cpu.i32[DEBUGCTL]! &= ~BTF;
}
