/**
 * A debugger's hand in the virtual CPU's thread: holds the CPU, lets it run to a breakpoint or for an instruction, and looks at it.
 *
 * @module
 */
import type { Vcpu, VcpuStop } from "../../engine/vcpu.ts";
import { DebugAccess } from "../../memory/debug_access.ts";
import { cpuid } from "../../x86/cpuid.ts";
import { type DebugAnswer, type DebugCommand, type DebugStop, fromHex, toHex } from "./commands.ts";
import { type DebugRegister, debugRegisters } from "./registers.ts";

/** CPUID leaf 1, EDX. */
const CPUID_SSE = 1 << 25;

/** What a debugger is connected to. */
export interface DebuggerOptions {
  readonly cpu: Vcpu;
  /** Carries out one instruction. */
  readonly step: (interruptible: boolean) => VcpuStop;
  /** Told each time that the CPU stands still after `resume` or `interrupt`. */
  readonly stopped: (stop: DebugStop) => void;
  /** The CPU runs again: the host's time in between did not pass. */
  readonly released: () => void;
  /** Resets the machine. */
  readonly reset: () => void;
}

/** Ends of a run that a debugger may look at first. */
const ENDS = { dead: "halted", shutdown: "triple-fault", unbuilt: "unbuilt" } as const;

/** One machine's debugger, attached or not. */
export class Debugger {
  /** The CPU stands still until the debugger lets it run. */
  held = false;
  /** The next run is of one instruction. */
  stepping = false;
  #attached = false;
  /** The guest has come to an end, and the debugger knows. */
  #endSeen = false;
  #interruptible = false;
  readonly #options: DebuggerOptions;
  readonly #memory: DebugAccess;
  readonly #registers: readonly DebugRegister[];

  /** Nobody is attached. */
  constructor(options: DebuggerOptions) {
    this.#options = options;
    this.#memory = new DebugAccess(options.cpu.memory);
    this.#registers = debugRegisters((cpuid(options.cpu.cpu.model, 1, 0)[3] & CPUID_SSE) !== 0);
  }

  /** Carries out one instruction of a step. */
  step(): VcpuStop {
    return this.#options.step(this.#interruptible);
  }

  /** Looks at how a run of the CPU ended. True: the CPU is held now. */
  sees(stop: VcpuStop): boolean {
    if (!this.#attached) return false;
    switch (stop.reason) {
      case "breakpoint":
        return this.#hold({ why: "breakpoint", address: stop.address });
      case "watchpoint":
        return this.#hold({ why: "watchpoint", watchpoint: stop.watchpoint });
      case "budget":
        return this.stepping && this.#hold({ why: "step" });
      case "halted":
        return false;
      default:
        if (this.#endSeen) return false;
        this.#endSeen = true;
        return this.#hold({ why: ENDS[stop.reason] });
    }
  }

  /** Answers a request, at an instruction boundary. */
  answer(command: DebugCommand): DebugAnswer {
    const { cpu } = this.#options;
    switch (command.kind) {
      case "attach":
        this.#attached = this.held = true;
        this.stepping = false;
        return { sse: this.#registers.some(({ name }) => name === "mxcsr") };
      case "detach":
        this.#attached = this.#endSeen = false;
        cpu.stopAt([], []);
        this.#release(false);
        return {};
      case "resume":
        cpu.stopAt(command.breakpoints, command.watchpoints);
        this.#release(command.step);
        return {};
      case "interrupt":
        if (!this.held) this.#hold({ why: "interrupt" });
        return {};
      case "registers":
        return { bytes: this.#registers.map(({ read }) => toHex(read(cpu.cpu))).join("") };
      case "set-register":
        return { done: this.#setRegister(command.register, command.bytes) };
      case "read": {
        const how = command.physical ? "readPhysical" : "read";
        return { bytes: toHex(this.#memory[how](command.address, command.length)) };
      }
      case "write": {
        const bytes = fromHex(command.bytes);
        return { done: bytes !== undefined && this.#memory.write(command.address, bytes) };
      }
      case "reset":
        this.#endSeen = false;
        this.#options.reset();
        return {};
      case "step-interrupts":
        this.#interruptible = command.on;
        return {};
    }
  }

  #hold(stop: DebugStop): true {
    this.held = true;
    this.stepping = false;
    this.#options.stopped(stop);
    return true;
  }

  #release(step: boolean): void {
    this.stepping = step;
    this.held = false;
    this.#options.cpu.pass();
    this.#options.released();
  }

  /** A register keeps its value where that is what it already has: gdb writes all of them to restore one. */
  #setRegister(number: number, hex: string): boolean {
    const register = this.#registers[number], value = fromHex(hex);
    const { cpu } = this.#options;
    if (register === undefined || value === undefined || value.length !== register.bits / 8) return false;
    if (hex.toLowerCase() === toHex(register.read(cpu.cpu))) return true;
    if (register.write === undefined || !register.write(cpu.cpu, value)) return false;
    cpu.altered();
    return true;
  }
}
