/**
 * The run loop of a virtual CPU: stretches of instructions, alarms, sleep, and looks at the attention word in between.
 *
 * It never spins: a halted CPU sleeps on the attention word until its next alarm, a paused one until somebody calls.
 *
 * @module
 */
import type { VirtualClock } from "../bus/clock.ts";
import type { InterruptAcknowledger } from "../bus/system.ts";
import type { VcpuStop } from "../engine/vcpu.ts";
import type { AttentionWord } from "../sandbox/ring.ts";

/** Instructions between two looks at the attention word at first, and at least: about 100 microseconds of interpreted code. */
export const SLICE = 25_000;

/** Instructions between two looks at most. */
const LONGEST_SLICE = 16 * SLICE;

/** Nanoseconds of host time that a slice may take; one that took less than half of it is followed by a longer one. */
const SLICE_TIME = 150_000;

/** Milliseconds of one sleep at most: every wait has a limit. */
const LONGEST_SLEEP = 1000;

/** Sleeps shorter than this many milliseconds cost more than they save. */
const SHORTEST_SLEEP = 0.02;

/**
 * A guest that has nothing to do but to count its timer's ticks is woken for several of them at a time: on a host whose cores are shared,
 * waking is most of what a tick costs. Every tick is still delivered by itself, at its own virtual instant, and whatever comes from outside
 * wakes the guest at once; a timer may ring up to NAP milliseconds late in host time.
 */
const NAP = 60;

/** Nanoseconds of host time over which a guest's work is judged. */
const QUIET_WINDOW = 200_000_000;

/** Instructions a nanosecond below which a guest has nothing to do: an idle Linux, ticking 250 times a second, retires 0.001. */
const QUIET_RATE = 0.003;

/** The part of a virtual CPU that the loop drives. */
export interface RunnableCpu {
  /** Instructions retired since power-on. */
  readonly retired: number;
  /** Retires `maximum` instructions, or some fewer unless `exact`; fewer, too, when something else must be decided. */
  run(maximum: number, exact: boolean): VcpuStop;
}

/** A virtual CPU that a debugger can drive, too. */
export interface SteppableCpu extends RunnableCpu {
  /** For a debugger: retires one instruction, or takes one exception or interrupt. Device interrupts only if it is `interruptible`. */
  step(interruptible: boolean): VcpuStop;
}

/** The part of a debugger that the loop obeys. */
export interface LoopDebugger {
  /** The CPU stands still. */
  readonly held: boolean;
  /** The next run is `step`. */
  readonly stepping: boolean;
  /** Runs one instruction. */
  step(): VcpuStop;
  /** Looks at why the CPU returned. True: it is held now, whatever the reason would have led to. */
  sees(stop: VcpuStop): boolean;
}

/** How the loop ended by itself. */
export type LoopEnd =
  | { readonly reason: "halted" | "triple-fault" | "instructions" }
  | { readonly reason: "unbuilt"; readonly feature: string };

/** What the loop is made of. */
export interface RunLoopOptions {
  readonly cpu: RunnableCpu;
  readonly clock: VirtualClock;
  /** Who holds the interrupts that wait. */
  readonly interrupts: Pick<InterruptAcknowledger, "asserted">;
  /** True: virtual time takes no notice of the host's. */
  readonly deterministic: boolean;
  /** Raised by whoever wants something. */
  readonly attention: AttentionWord;
  /** Instructions after which to end, or null. */
  readonly stopAt: number | null;
  /** The host's monotonic clock in nanoseconds. */
  readonly hostTime: () => number;
  /** Called once for each change of the attention word, at an instruction boundary. */
  readonly attend: () => void;
  /** Called at each safe point; `idle` before a sleep. */
  readonly safePoint: (idle: boolean) => void;
  /** Called when the guest has had nothing to do for a while, once each time, before a sleep. */
  readonly rest?: () => void;
  /** The machine's debugger, if it can have one. */
  readonly debugger?: LoopDebugger;
}

/** Drives one virtual CPU. */
export class RunLoop {
  readonly #options: RunLoopOptions;
  readonly #leaveAlarm;
  #seen = -1;
  #leave = false;
  #paused = true;
  #slice = SLICE;
  /** Whether the guest had nothing to do in the last window, and where the present window began. */
  #quiet = false;
  #window = { time: 0, retired: 0, attention: 0 };
  /** Virtual nanoseconds that the CPU was halted. */
  haltedTime = 0;
  /** Stretches by why they ended. */
  readonly stops: Record<VcpuStop["reason"], number> = {
    budget: 0,
    halted: 0,
    dead: 0,
    breakpoint: 0,
    watchpoint: 0,
    shutdown: 0,
    unbuilt: 0,
  };

  /** A paused loop. */
  constructor(options: RunLoopOptions) {
    this.#options = options;
    // An alarm that is due at once makes the engine leave at the next instruction boundary, at the same one in every deterministic run.
    this.#leaveAlarm = options.clock.alarm("machine/leave", () => {});
  }

  /** Whether the CPU stands still until `resume`. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Stops before the next instruction. The host's time from here on does not pass for the guest. */
  pause(): void {
    this.#paused = true;
    this.#boundary();
  }

  /** The debugger lets the CPU run. The host's time in between did not pass for the guest. */
  released(): void {
    this.#options.clock.resync();
  }

  /** Lets the CPU run. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#options.clock.resync();
  }

  /** Makes `run` return before the next instruction. */
  leave(): void {
    this.#leave = true;
    this.#boundary();
  }

  /** Runs until `leave` (undefined) or until the guest itself comes to an end. */
  run(): LoopEnd | undefined {
    const { debugger: debug } = this.#options;
    const { cpu, clock, interrupts, deterministic, attention, stopAt, hostTime, attend, safePoint } = this.#options;
    this.#leave = false;
    for (;;) {
      const raised = attention.value;
      if (raised !== this.#seen) {
        this.#seen = raised;
        attend();
      }
      if (this.#leave) return undefined;
      if (this.#paused || debug?.held) {
        safePoint(true);
        attention.wait(this.#seen, LONGEST_SLEEP);
        continue;
      }
      if (stopAt !== null && cpu.retired >= stopAt) return { reason: "instructions" };
      // While an interrupt waits for the guest to take it, time does not step ahead: the next tick of the timer would be lost in it, and a
      // guest that compares its clocks (Linux's clocksource watchdog) would find them apart.
      if (!deterministic && !interrupts.asserted) clock.sync(hostTime());
      clock.runDue();
      if (this.#leave || this.#paused) continue;

      const left = stopAt === null ? Infinity : stopAt - cpu.retired;
      const slice = this.#slice;
      const stretch = Math.max(1, Math.min(slice, left, clock.untilAlarm()));
      const began = hostTime();
      const stop = debug?.stepping ? debug.step() : cpu.run(stretch, stretch < slice);
      if (stretch === slice && stop.reason === "budget") this.#paceBy(hostTime() - began);
      this.stops[stop.reason]++;
      safePoint(false);
      if (debug?.sees(stop)) continue;
      if (stop.reason === "halted") this.#sleep();
      else if (stop.reason === "dead") return { reason: "halted" };
      else if (stop.reason === "shutdown") return { reason: "triple-fault" };
      else if (stop.reason === "unbuilt") return { reason: "unbuilt", feature: stop.feature };
    }
  }

  /** Sizes the next slice by the host time that a whole one took. What the guest sees does not depend on it. */
  #paceBy(elapsed: number): void {
    if (elapsed > SLICE_TIME) this.#slice = Math.max(SLICE, this.#slice >> 1);
    else if (elapsed > 0 && elapsed < SLICE_TIME / 2) this.#slice = Math.min(LONGEST_SLICE, this.#slice * 2);
  }

  /** HLT with interrupts on: time passes until the next alarm, or until somebody calls. */
  #sleep(): void {
    const { clock, deterministic, attention, hostTime, safePoint } = this.#options;
    if (this.#leave || this.#paused) return;
    const since = clock.now();
    if (deterministic && clock.skipToAlarm()) {
      this.haltedTime += clock.now() - since;
      return;
    }
    if (!deterministic) clock.sync(hostTime());
    const untilAlarm = clock.nanosecondsUntilAlarm() / 1e6;
    if (untilAlarm >= SHORTEST_SLEEP) {
      safePoint(true);
      const limit = this.#mayNap() ? Math.max(untilAlarm, NAP) : untilAlarm;
      attention.wait(this.#seen, Math.min(limit, LONGEST_SLEEP));
      if (!deterministic) clock.sync(hostTime());
    }
    this.haltedTime += clock.now() - since;
  }

  /** Whether the guest has had nothing to do of late. */
  #mayNap(): boolean {
    const { cpu, attention, hostTime } = this.#options;
    const window = this.#window, time = hostTime(), raised = attention.value;
    const elapsed = time - window.time, wasQuiet = this.#quiet;
    if (raised !== window.attention) this.#quiet = false;
    else if (elapsed < QUIET_WINDOW) return this.#quiet;
    else this.#quiet = cpu.retired - window.retired < elapsed * QUIET_RATE;
    this.#window = { time, retired: cpu.retired, attention: raised };
    if (this.#quiet && !wasQuiet) this.#options.rest?.();
    return this.#quiet;
  }

  #boundary(): void {
    const { clock } = this.#options;
    clock.arm(this.#leaveAlarm, clock.now());
  }
}
