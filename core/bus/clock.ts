/**
 * The virtual clock: the only time that devices and the guest see.
 *
 * Virtual time is `base + retired x rate`. In deterministic use the rate is fixed and nobody calls
 * {@linkcode VirtualClock.sync}; a halted CPU jumps to the next alarm. In real time each safe point calls `sync`, which
 * bends the rate towards the host's clock, so that the guest sees no jumps while it computes, and moves the base only
 * over longer gaps (a halted CPU, a busy host), never past an alarm: each missed tick is delivered on its own, at its
 * own instant, with the guest running in between.
 *
 * @module
 */

import type { MachineClock } from "./system.ts";

/** How a clock runs. Times are nanoseconds. */
export interface ClockOptions {
  /** Instructions retired since power-on; never decreases. */
  readonly retired: () => number;
  /** Virtual nanoseconds of one instruction: 4 if absent, 250 million instructions a second. Above 0. */
  readonly rate?: number;
  /** Gaps from this length on move the base instead of bending the rate; 2 ms if absent. */
  readonly longGap?: number;
  /** The longest lag behind the host that is still made up; 1 s if absent. What exceeds it is dropped and counted. */
  readonly backlog?: number;
  /** Called after every change of base or rate: with these moves, a replay needs no other clock. */
  readonly moved?: (move: ClockMove) => void;
}

/** From `retired` on, virtual time is `time + (instructions since) x rate`. */
export interface ClockMove {
  /** Instruction count of the move. */
  readonly retired: number;
  /** Virtual time at that count, an integer. */
  readonly time: number;
  /** Nanoseconds an instruction from there on. */
  readonly rate: number;
}

/** A clock as plain data. */
export interface ClockState {
  /** Version of this layout. */
  readonly version: 1;
  /** Virtual time. */
  readonly time: number;
  /** Nanoseconds an instruction. */
  readonly rate: number;
  /** Armed alarms in the order of their arming. */
  readonly alarms: readonly { readonly name: string; readonly due: number }[];
}

/** An alarm as the clock keeps it. */
export interface ClockAlarm {
  /** Unique in its machine: `com1/timeout`. */
  readonly name: string;
  /** When it is due; Infinity when it is not armed. */
  readonly due: number;
}

interface Entry {
  readonly name: string;
  due: number;
  order: number;
  /** The pass of `runDue` in which it last rang. */
  rung: number;
  ring: ((due: number) => void) | null;
}

/** Rates outside of this range are not those of any engine on any host. */
const MIN_RATE = 0.05;
const MAX_RATE = 1000;
/** Nanoseconds over which a small lag is made up. */
const CONVERGENCE = 5_000_000;
/** The share of a new speed measurement in the estimate. */
const SMOOTHING = 0.25;
/** Fewer instructions between two safe points measure the host's noise, not the engine's speed. */
const MEASURABLE = 1000;

/** The virtual clock of one machine. */
export class VirtualClock implements MachineClock {
  readonly #retired: () => number;
  readonly #longGap: number;
  readonly #backlog: number;
  readonly #moved: ((move: ClockMove) => void) | undefined;

  /** Virtual time at the anchor, an integer; the anchor is where base or rate last changed. */
  #time = 0;
  #anchor: number;
  #rate: number;
  #course: ClockMove | undefined;

  readonly #alarms = new Map<string, Entry>();
  readonly #entries: Entry[] = [];
  #nextDue = Infinity;
  #order = 0;
  #pass = 0;

  #hostOrigin = NaN;
  #lastHost = 0;
  #lastRetired = 0;
  #speed: number;

  /** Nanoseconds of host time that were never delivered because the lag exceeded the backlog. */
  dropped = 0;
  /** How often the base was moved over a long gap. */
  steps = 0;
  /** Alarms that have rung. */
  rings = 0;
  /** Called when an alarm is armed that is due before all others, so that a run loop can shorten its stretch. */
  earlier: (() => void) | undefined;

  /** A clock at virtual time 0. */
  constructor(options: ClockOptions) {
    this.#retired = options.retired;
    this.#rate = this.#speed = options.rate ?? 4;
    this.#longGap = options.longGap ?? 2_000_000;
    this.#backlog = options.backlog ?? 1_000_000_000;
    this.#moved = options.moved;
    this.#anchor = options.retired();
  }

  /** Virtual nanoseconds at the current instruction, an integer. */
  now(): number {
    return this.#time + Math.floor((this.#retired() - this.#anchor) * this.#rate);
  }

  /** How time runs from the last move on; the same object until the next. */
  course(): ClockMove {
    return this.#course ??= { time: this.#time, retired: this.#anchor, rate: this.#rate };
  }

  /** Nanoseconds an instruction, at present. */
  get rate(): number {
    return this.#rate;
  }

  /** Retired instructions until the next alarm is due, at least 0; Infinity when none is armed. */
  untilAlarm(): number {
    if (this.#nextDue === Infinity) return Infinity;
    const distance = this.#nextDue - this.#time;
    if (distance <= 0) return 0;
    let count = Math.ceil(distance / this.#rate);
    // Rounding of the quotient may be off by one either way; `now` at this count decides.
    while (Math.floor(count * this.#rate) < distance) count++;
    while (count > 0 && Math.floor((count - 1) * this.#rate) >= distance) count--;
    return Math.max(0, count - (this.#retired() - this.#anchor));
  }

  /** Virtual nanoseconds until the next alarm, at least 0; Infinity when none is armed. How long a halted CPU may sleep. */
  nanosecondsUntilAlarm(): number {
    return Math.max(0, this.#nextDue - this.now());
  }

  /**
   * Runs the alarms that are due, in order of due time, then of arming; each at most once a call. One that arms itself
   * again for an instant already past stays due, and the guest runs in between.
   */
  runDue(): void {
    const now = this.now();
    if (this.#nextDue > now) return;
    const pass = ++this.#pass;
    for (;;) {
      let first: Entry | undefined;
      for (const entry of this.#entries) {
        if (entry.due > now || entry.rung === pass) continue;
        if (first === undefined || entry.due < first.due || (entry.due === first.due && entry.order < first.order)) {
          first = entry;
        }
      }
      if (first === undefined) break;
      const due = first.due;
      first.due = Infinity;
      first.rung = pass;
      this.rings++;
      first.ring?.(due);
    }
    this.#findNext();
  }

  /**
   * Moves a halted, deterministic machine to its next alarm; the caller then runs what is due.
   *
   * @returns False if no alarm is armed: nothing will ever wake this machine.
   */
  skipToAlarm(): boolean {
    if (this.#nextDue === Infinity) return false;
    if (this.#nextDue > this.now()) this.#moveTo(this.#nextDue, this.#rate);
    return true;
  }

  /**
   * Follows the host's clock; called at safe points of a machine in real time, before `runDue`.
   *
   * @param hostNanoseconds A monotonic host clock. The first call, and the first after {@linkcode VirtualClock.resync},
   * only notes it.
   */
  sync(hostNanoseconds: number): void {
    const now = this.now();
    const retired = this.#retired();
    if (Number.isNaN(this.#hostOrigin)) {
      this.#hostOrigin = hostNanoseconds - now;
      this.#lastHost = hostNanoseconds;
      this.#lastRetired = retired;
      return;
    }
    const instructions = retired - this.#lastRetired;
    const elapsed = hostNanoseconds - this.#lastHost;
    this.#lastHost = hostNanoseconds;
    this.#lastRetired = retired;

    let lag = hostNanoseconds - this.#hostOrigin - now;
    if (lag > this.#backlog) {
      const excess = lag - this.#backlog;
      this.dropped += excess;
      this.#hostOrigin += excess;
      lag = this.#backlog;
    }
    const halted = instructions === 0;
    if (lag > 0 && (halted || lag >= this.#longGap)) {
      const target = Math.min(now + Math.floor(lag), Math.max(now, this.#nextDue));
      if (target > now) {
        this.steps++;
        this.#moveTo(target, this.#rate);
      }
      return;
    }
    if (instructions < MEASURABLE || elapsed <= 0) return;
    const measured = clamp(elapsed / instructions, MIN_RATE, MAX_RATE);
    this.#speed += (measured - this.#speed) * SMOOTHING;
    const rate = clamp(this.#speed * clamp(1 + lag / CONVERGENCE, 0.5, 1.5), MIN_RATE, MAX_RATE);
    this.#moveTo(now, rate);
  }

  /** Forgets the host's clock: the machine was paused or restored, and the time in between did not pass for it. */
  resync(): void {
    this.#hostOrigin = NaN;
  }

  /** Applies a logged move, in a replay. `move.retired` must be the present count. */
  apply(move: ClockMove): void {
    this.#moveTo(move.time, move.rate);
  }

  /** Makes an alarm known, with what it runs; one that a restored state has armed is armed. */
  alarm(name: string, ring: (due: number) => void): ClockAlarm {
    const entry = this.#entry(name);
    entry.ring = ring;
    return entry;
  }

  /** Arms an alarm; Infinity disarms it. */
  arm(alarm: ClockAlarm, due: number): void {
    const entry = alarm as Entry;
    const was = entry.due;
    entry.due = Math.ceil(due);
    if (entry.due === Infinity) {
      if (was === this.#nextDue) this.#findNext();
      return;
    }
    entry.order = ++this.#order;
    if (entry.due < this.#nextDue) {
      this.#nextDue = entry.due;
      this.earlier?.();
    } else if (was === this.#nextDue) {
      this.#findNext();
    }
  }

  /** Forgets alarms whose name starts with `prefix`. */
  removeAlarms(prefix: string): void {
    for (const [name, entry] of this.#alarms) {
      if (!name.startsWith(prefix)) continue;
      this.#alarms.delete(name);
      this.#entries.splice(this.#entries.indexOf(entry), 1);
    }
    this.#findNext();
  }

  /** The clock as plain data. */
  save(): ClockState {
    const armed = this.#entries.filter((entry) => entry.due !== Infinity).sort((a, b) => a.order - b.order);
    return {
      version: 1,
      time: this.now(),
      rate: this.#rate,
      alarms: armed.map(({ name, due }) => ({ name, due })),
    };
  }

  /** Takes over a saved state at the present instruction count. Alarms may be made known before or after. */
  restore(saved: ClockState): void {
    for (const entry of this.#entries) entry.due = Infinity;
    for (const { name, due } of saved.alarms) {
      const entry = this.#entry(name);
      entry.due = due;
      entry.order = ++this.#order;
    }
    this.#time = saved.time;
    this.#anchor = this.#retired();
    this.#course = undefined;
    this.#rate = this.#speed = saved.rate;
    this.#findNext();
    this.resync();
  }

  #entry(name: string): Entry {
    let entry = this.#alarms.get(name);
    if (entry === undefined) {
      entry = { name, due: Infinity, order: 0, rung: 0, ring: null };
      this.#alarms.set(name, entry);
      this.#entries.push(entry);
    }
    return entry;
  }

  #findNext(): void {
    let next = Infinity;
    for (const { due } of this.#entries) if (due < next) next = due;
    this.#nextDue = next;
  }

  #moveTo(time: number, rate: number): void {
    this.#time = time;
    this.#anchor = this.#retired();
    this.#course = undefined;
    this.#rate = rate;
    this.#moved?.({ retired: this.#anchor, time, rate });
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
