/**
 * `--trace instructions`: runs a virtual CPU one instruction at a time and reports each.
 *
 * @module
 */
import type { Vcpu, VcpuStop } from "../engine/vcpu.ts";
import { DebugAccess } from "../memory/debug_access.ts";
import { DECODE, decode, MAXIMUM_LENGTH } from "../x86/decode.ts";
import { formatInstruction } from "../x86/disassemble.ts";
import { Instruction } from "../x86/instruction.ts";
import { MODE, SEG, STATE } from "../x86/registers.ts";
import type { SteppableCpu } from "./run_loop.ts";
import { place, type Reporter } from "./trace.ts";

/** A CPU whose instructions are reported when they have retired: an iteration of a repeated string by itself, a faulting one not at all. */
export class TracedCpu implements SteppableCpu {
  readonly #cpu: Vcpu;
  readonly #memory: DebugAccess;
  readonly #report: Reporter;
  readonly #instruction = new Instruction();

  /** Drives `cpu`. */
  constructor(cpu: Vcpu, report: Reporter) {
    this.#cpu = cpu;
    this.#memory = new DebugAccess(cpu.memory);
    this.#report = report;
  }

  /** See `RunnableCpu`. */
  get retired(): number {
    return this.#cpu.retired;
  }

  /** See `RunnableCpu`. */
  run(maximum: number): VcpuStop {
    const target = this.retired + maximum;
    // An alarm that is armed for earlier, or a machine that must be looked at, is seen after the instruction that brought it about.
    for (;;) {
      const stop = this.step(true);
      if (stop.reason !== "budget" || this.retired >= target || this.#cpu.interrupted) return stop;
    }
  }

  /** See `SteppableCpu`. */
  step(interruptible: boolean): VcpuStop {
    const cpu = this.#cpu;
    const text = this.#text(), before = cpu.retired;
    const stop = cpu.step(interruptible);
    if (cpu.retired !== before) this.#report(`${cpu.retired} ${text}`);
    return stop;
  }

  #text(): string {
    const { cpu } = this.#cpu;
    const linear = (cpu.eip + cpu.segmentBase(SEG.CS)) >>> 0;
    const bytes = this.#memory.read(linear, MAXIMUM_LENGTH);
    const big = (cpu.i32[STATE.MODE >> 2]! & MODE.D) !== 0;
    const decoded = decode(bytes, 0, bytes.length, big, this.#instruction) === DECODE.OK;
    return `${place(cpu)} ${decoded ? formatInstruction(this.#instruction, cpu.eip, big) : "(no instruction)"}`;
  }
}
