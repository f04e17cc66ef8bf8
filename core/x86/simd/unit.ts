/**
 * When MMX and SSE instructions may run (Intel SDM volume 3, 12.1, 13.1 and table 2-2), and MXCSR (volume 1, 10.2.3).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { CR0, CR4, STATE, VECTOR } from "../registers.ts";
import { admitWaiting } from "../fpu/pending.ts";

/** What an instruction needs. */
export const UNIT = { MMX: 0, SSE: 1 } as const;

/** MXCSR bits. */
export const MXCSR = {
  /** Exception flags, in the order of EXCEPTION. */
  FLAGS: 0x3f,
  /** Denormals are zeros. */
  DAZ: 1 << 6,
  /** Position of the exception masks. */
  MASK_SHIFT: 7,
  /** Rounding control. */
  RC_SHIFT: 13,
  /** Flush to zero. */
  FTZ: 1 << 15,
  /** Bits that exist; the others are reserved. */
  WRITABLE: 0xffff,
} as const;

/** SIMD floating-point exceptions: their flags in MXCSR. */
export const EXCEPTION = {
  INVALID: 1 << 0,
  DENORMAL: 1 << 1,
  ZERO_DIVIDE: 1 << 2,
  OVERFLOW: 1 << 3,
  UNDERFLOW: 1 << 4,
  PRECISION: 1 << 5,
} as const;

/**
 * MXCSR of an operation that changes nothing there as long as it raises nothing but PE: rounding to nearest, PE masked and set already.
 */
export const QUIET_MXCSR = {
  MASK: 3 << MXCSR.RC_SHIFT | EXCEPTION.PRECISION << MXCSR.MASK_SHIFT | EXCEPTION.PRECISION,
  VALUE: EXCEPTION.PRECISION << MXCSR.MASK_SHIFT | EXCEPTION.PRECISION,
} as const;

/**
 * Raises #UD, #NM or #MF unless MMX instructions may run.
 *
 * @returns False if the instruction must wait for the FPU's error to be handled outside the CPU.
 */
export function requireMmx(cpu: Cpu): boolean {
  const cr0 = cpu.i32[STATE.CR0 >> 2]!;
  if ((cr0 & CR0.EM) !== 0) throw new GuestFault(VECTOR.UD);
  if ((cr0 & CR0.TS) !== 0) throw new GuestFault(VECTOR.NM);
  return admitWaiting(cpu);
}

/** Raises #UD or #NM unless SSE instructions may run. */
export function requireSse(cpu: Cpu): void {
  const cr0 = cpu.i32[STATE.CR0 >> 2]!;
  if ((cr0 & CR0.EM) !== 0 || (cpu.i32[STATE.CR4 >> 2]! & CR4.OSFXSR) === 0) throw new GuestFault(VECTOR.UD);
  if ((cr0 & CR0.TS) !== 0) throw new GuestFault(VECTOR.NM);
}
