/**
 * The mode in which breakpoints and alignment checks work: one instruction at a time, each access seen. It costs nothing while it is off.
 *
 * @module
 */
import { WatchedMemory } from "../memory/watched_memory.ts";
import { isAligned } from "../x86/alignment.ts";
import { breakpointsEnabled, dataBreakpoints, portBreakpoints, singleStepsBranches } from "../x86/breakpoints.ts";
import type { AccessObserver, Cpu } from "../x86/cpu.ts";
import { GuestFault } from "../x86/fault.ts";
import type { Instruction } from "../x86/instruction.ts";
import type { LinearMemory } from "../memory/linear.ts";
import { FLAG, STATE, VECTOR } from "../x86/registers.ts";

/** Watches one CPU while its state asks for it. */
export class CarefulMode implements AccessObserver {
  /** Every instruction is watched now. */
  active = false;
  readonly #plain: LinearMemory;
  readonly #watched: WatchedMemory;

  /** @param instruction The decoded instruction that runs. */
  constructor(readonly cpu: Cpu, readonly instruction: Instruction) {
    this.#plain = cpu.memory;
    this.#watched = new WatchedMemory(cpu.memory, (linear, size, write) => this.#data(linear, size, write));
  }

  /** Follows the CPU's state: breakpoints enabled, alignment checked, or branches single-stepped. Returns whether the mode was entered or left. */
  update(): boolean {
    const { cpu } = this;
    const breakpoints = breakpointsEnabled(cpu);
    const branches = (cpu.systemFlags & FLAG.TF) !== 0 && singleStepsBranches(cpu);
    const wanted = breakpoints || branches || cpu.alignmentChecked;
    cpu.memory = breakpoints ? this.#watched : this.#plain;
    if (wanted === this.active) return false;
    this.active = wanted;
    cpu.observe(wanted ? this : undefined);
    return true;
  }

  /** After RESET: nothing is observed. */
  reset(): void {
    this.active = false;
    this.cpu.memory = this.#plain;
    this.cpu.observer = undefined;
  }

  /** Whether the instruction that was at `from` has transferred control. */
  branched(from: number): boolean {
    const { eip, systemFlags } = this.cpu;
    // A repeated string that goes on stays where it is, with RF set.
    if (eip === from) return (systemFlags & FLAG.RF) === 0;
    return eip !== (from + this.instruction.length) >>> 0;
  }

  access(linear: number, size: number, write: boolean): void {
    // Between the segment checks and paging: where alignment stands among the faults of an instruction is the processor's choice
    // (Intel SDM volume 3, 6.9), and the address that is checked is the linear one.
    if (this.cpu.alignmentChecked && !isAligned(this.cpu, this.instruction, linear, size)) {
      throw new GuestFault(VECTOR.AC, 0);
    }
    this.#data(linear, size, write);
  }

  port(port: number, size: number): void {
    this.cpu.i32[STATE.DEBUG_TRAPS >> 2]! |= portBreakpoints(this.cpu, port, size);
  }

  /** Data breakpoints are traps: what they met is reported after the instruction. */
  #data(linear: number, size: number, write: boolean): void {
    this.cpu.i32[STATE.DEBUG_TRAPS >> 2]! |= dataBreakpoints(this.cpu, linear, size, write);
  }
}
