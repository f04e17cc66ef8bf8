/**
 * A virtual CPU with RAM, a bus that answers by a rule, and interrupts at known instruction counts. It keeps a log of what crossed its
 * boundary.
 *
 * @module
 */
import type { InterruptAcknowledger, SystemBus } from "../../bus/system.ts";
import { allocateMemory, layoutMemory } from "../../memory/layout.ts";
import { Vcpu } from "../vcpu.ts";
import type { VcpuOptions, VcpuStop } from "../vcpu_interface.ts";
import { prepare } from "./image.ts";
import { EXTERNAL, PORT, RAM_BYTES } from "./layout.ts";
import type { Event, Scenario } from "./scenario.ts";

/** When code is translated: after how many executions. */
export interface Translate {
  readonly after: number;
}

/** How a machine runs. */
export interface Engine {
  /** Undefined: never. */
  readonly translate?: Translate;
  /** Instructions' definitions where they are not the usual ones: what a difference is tested with. */
  readonly callouts?: VcpuOptions["callouts"];
  /** Makes what says how many instructions the next stretch has, at least 1; a seed decides. */
  readonly stretches: (seed: number) => () => number;
}

/** What crossed the boundary: kind, instructions retired before it, and two values. */
export const LOG = {
  FAULT: 0,
  INTERRUPT: 1,
  PORT_READ: 2,
  PORT_WRITE: 3,
  MMIO_READ: 4,
  MMIO_WRITE: 5,
  HALTED: 6,
} as const;

/** Numbers of an entry in the log. */
export const ENTRY = 4;

/** A run with so many entries goes round in circles. */
const LONGEST_LOG = 40_000 * ENTRY;

/** Programs after which a machine forgets the code of those before; it forgets when such a seed begins. */
export const HISTORY = 32;

/** How a run ended whose log became too long. */
export const ENDLESS = "endless";

/** The program has done so much that it is not run on. */
class Endless {}

/** A machine that runs one scenario after another. */
export class FuzzMachine {
  readonly vcpu: Vcpu;
  readonly ram: Uint8Array;
  /** Entries of the last run. */
  readonly log: number[] = [];
  /** Why the last run ended. */
  ended = "";
  #begin = 0;
  #reads = 0;
  /** Requests that wait: vectors. */
  #requests: number[] = [];
  /** What is to come, by instruction count. */
  #events: Event[] = [];

  constructor(readonly engine: Engine) {
    const layout = layoutMemory(RAM_BYTES);
    // deno-lint-ignore no-this-alias
    const machine = this;
    const interrupts: InterruptAcknowledger = {
      get asserted() {
        return machine.#requests.length > 0;
      },
      acknowledge: () => {
        const vector = this.#requests.shift() ?? EXTERNAL + 7;
        this.#note(LOG.INTERRUPT, vector, 0);
        return vector;
      },
    };
    let asked = false;
    const options: VcpuOptions & { readonly translate?: Translate } = {
      ...engine.callouts === undefined ? {} : { callouts: engine.callouts },
      get translate() {
        asked = true;
        return engine.translate;
      },
      memory: allocateMemory(layout),
      layout,
      bus: this.#bus(),
      interrupts,
      clock: {
        now: () => this.retired,
        earlier: undefined,
        course: () => ({ time: 0, retired: this.#begin, rate: 1 }),
      },
      faulted: ({ vector, error }) => this.#note(LOG.FAULT, vector, error),
    };
    this.vcpu = new Vcpu(options);
    if (engine.translate !== undefined && !asked) throw new Error("the virtual CPU has no translator to compare");
    this.ram = this.vcpu.physical.bytes.subarray(layout.ram, layout.ram + RAM_BYTES);
  }

  /** Instructions of this run so far. */
  get retired(): number {
    return this.vcpu.retired - this.#begin;
  }

  #note(kind: number, first: number, second: number, retired = this.retired): void {
    if (this.log.length >= LONGEST_LOG) throw new Endless();
    this.log.push(kind, retired, first, second);
  }

  #answer(address: number, size: number): number {
    const mixed = Math.imul(address + this.#reads++ * 0x61, 0x9e37_79b1) >>> 0;
    return size === 4 ? mixed : mixed >>> (32 - size * 8);
  }

  #bus(): SystemBus {
    return {
      portRead: (port, size) => {
        const value = this.#answer(port, size);
        this.#note(LOG.PORT_READ, port, value);
        return value;
      },
      portWrite: (port, size, value) => {
        this.#note(LOG.PORT_WRITE, port * 8 + size, value);
        this.#ask(port, value);
      },
      portReadBlock: (port, size, into) => {
        for (let i = 0; i < into.length; i += size) {
          const value = this.#answer(port, size);
          this.#note(LOG.PORT_READ, port, value, this.retired + i / size);
          for (let byte = 0; byte < size; byte++) into[i + byte] = value >>> (byte * 8);
        }
        return into.length / size;
      },
      portWriteBlock: (port, size, from) => {
        for (let i = 0; i < from.length; i += size) {
          let value = 0;
          for (let byte = size; byte-- > 0;) value = value * 256 + from[i + byte]!;
          this.#note(LOG.PORT_WRITE, port * 8 + size, value, this.retired + i / size);
          if (this.#ask(port, value)) return i / size + 1;
        }
        return from.length / size;
      },
      mmioRead: (address, size) => {
        // Where code is fetched from devices, how often is not told.
        const value = Math.imul(address, 0x9e37_79b1) >>> (32 - size * 8);
        this.#note(LOG.MMIO_READ, address, size);
        return value;
      },
      mmioWrite: (address, size, value) => this.#note(LOG.MMIO_WRITE, address * 8 + size, value),
    };
  }

  /** A port that asks for interrupts: now, which is true, or later. */
  #ask(port: number, value: number): boolean {
    if ((port & ~7) === PORT.INTERRUPT) {
      if (this.#requests.length >= 4) return false;
      this.#requests.push(EXTERNAL + (port & 7));
      return true;
    }
    if (port === PORT.ALARM && this.#events.length < 100) {
      this.#events.push({ at: this.retired + 1 + (value & 63), vector: EXTERNAL + 8 });
      this.#events.sort((a, b) => a.at - b.at);
      this.vcpu.interrupt();
      return true;
    }
    return false;
  }

  /** Runs a scenario in memory that is filled with `ram`. `forget`: all decoded and translated code first. */
  run(scenario: Scenario, ram: Uint8Array, forget = scenario.seed % HISTORY === 0): void {
    const { vcpu } = this;
    vcpu.physical.write(0, ram);
    vcpu.reset();
    prepare(vcpu.cpu, scenario);
    // Decoded and translated code of the programs before stays, as far as they were at other addresses: it must not be taken for this one's.
    if (forget) vcpu.save();
    this.log.length = 0;
    this.#begin = vcpu.retired;
    this.#reads = 0;
    this.#requests = [];
    this.#events = [...scenario.events];
    try {
      this.ended = this.#loop(scenario.instructions, this.engine.stretches(scenario.seed));
    } catch (error) {
      if (!(error instanceof Endless)) throw error;
      this.ended = ENDLESS;
    }
  }

  /** The next event's time has come. */
  #happen(): void {
    const event = this.#events.shift()!;
    if ("vector" in event) this.#requests.push(event.vector);
    else this.vcpu.physical.write(event.physical, event.bytes);
  }

  #loop(instructions: number, stretchLength: () => number): string {
    const { vcpu } = this;
    for (;;) {
      while (this.#events.length > 0 && this.#events[0]!.at <= this.retired) this.#happen();
      const { retired } = this;
      if (retired >= instructions) return retired === instructions ? "budget" : `${retired - instructions} too many`;
      const due = Math.min(instructions, this.#events[0]?.at ?? instructions);
      const stretch = Math.min(due - retired, stretchLength());
      const stop = vcpu.run(stretch);
      if (this.retired > retired + stretch) {
        return `a stretch of ${stretch} at ${retired} retired ${this.retired - retired}`;
      }
      if (stop.reason === "budget") {
        if (this.retired < retired + stretch && !vcpu.interrupted) {
          return `a stretch of ${stretch} at ${retired} retired ${this.retired - retired}`;
        }
      } else if (stop.reason === "halted" && this.#events.length > 0) {
        this.#note(LOG.HALTED, 0, 0);
        this.#happen();
      } else return describe(stop);
    }
  }
}

function describe(stop: VcpuStop): string {
  return stop.reason === "unbuilt" ? `unbuilt: ${stop.feature}` : stop.reason;
}
