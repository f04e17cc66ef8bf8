/**
 * What a virtual CPU sees of the machine around it.
 *
 * @module
 */

/** The I/O address space and unmapped physical memory, dispatched to devices. */
export interface SystemBus {
  /** Reads a port. `size` 1, 2 or 4 bytes; unclaimed bytes read as ones. Unsigned. */
  portRead(port: number, size: number): number;
  portWrite(port: number, size: number, value: number): void;
  /** Block transfer of `rep ins`: fills `into` with `into.length / size` items. Returns how many were moved (at least 1). */
  portReadBlock(port: number, size: number, into: Uint8Array): number;
  /** Block transfer of `rep outs`. */
  portWriteBlock(port: number, size: number, from: Uint8Array): number;
  /** Reads device memory at a guest-physical address (up to 2^52). Size 1, 2, 4; unclaimed bytes read as ones. */
  mmioRead(address: number, size: number): number;
  mmioWrite(address: number, size: number, value: number): void;
}

/** Who answers the CPU's interrupt acknowledge: an 8259 pair now, a local APIC later. */
export interface InterruptAcknowledger {
  /** True while INTR is asserted. */
  readonly asserted: boolean;
  /** The acknowledge cycle: returns the vector, 0 to 255 (spurious ones included). */
  acknowledge(): number;
}

/** A stretch of virtual time, until somebody moves the clock: at `retired + n` instructions it is `time + floor(n x rate)`. */
export interface ClockCourse {
  /** Virtual time, an integer. */
  readonly time: number;
  /** The instruction count at which it was that time. */
  readonly retired: number;
  /** Nanoseconds an instruction. */
  readonly rate: number;
}

/** The machine's virtual clock, as the run loop drives it. */
export interface MachineClock {
  /** Virtual nanoseconds at the current instruction. */
  now(): number;
  /** How that time follows from the count of instructions. A clock that does not tell is asked each time. */
  readonly course?: () => ClockCourse;
  /** Retired instructions until the next alarm is due, at least 0; Infinity when none is armed. */
  untilAlarm(): number;
  /** Runs every alarm that is due, in order of due time, then of arming. */
  runDue(): void;
  /** Called when an alarm is armed that is due before all others: the CPU shortens its stretch. */
  earlier: (() => void) | undefined;
}
