/**
 * What `--trace` shows: wrappers between the processor and the bus that report each access.
 *
 * @module
 */
import type { VirtualClock } from "../bus/clock.ts";
import type { LogSink } from "../bus/log.ts";
import type { InterruptAcknowledger, SystemBus } from "../bus/system.ts";

/** What can be traced: device accesses, interrupt acknowledges, and the devices' own log including its finest level. */
export const TRACES = ["io", "interrupts", "log"] as const;

/** A bus whose accesses are reported. */
export class TracedBus implements SystemBus {
  readonly #bus: SystemBus;
  readonly #report: (message: string) => void;

  /** Wraps `bus`. */
  constructor(bus: SystemBus, clock: VirtualClock, log: LogSink) {
    this.#bus = bus;
    this.#report = (message) => log({ level: "info", source: "io", message, time: clock.now() });
  }

  /** See `SystemBus`. */
  portRead(port: number, size: number): number {
    const value = this.#bus.portRead(port, size);
    this.#report(`in  port ${hex(port)} size ${size} = ${hex(value)}`);
    return value;
  }

  /** See `SystemBus`. */
  portWrite(port: number, size: number, value: number): void {
    this.#report(`out port ${hex(port)} size ${size} = ${hex(value)}`);
    this.#bus.portWrite(port, size, value);
  }

  /** See `SystemBus`. */
  portReadBlock(port: number, size: number, into: Uint8Array): number {
    const items = this.#bus.portReadBlock(port, size, into);
    this.#report(`ins port ${hex(port)} size ${size}: ${items} items`);
    return items;
  }

  /** See `SystemBus`. */
  portWriteBlock(port: number, size: number, from: Uint8Array): number {
    this.#report(`outs port ${hex(port)} size ${size}: up to ${from.length / size} items`);
    return this.#bus.portWriteBlock(port, size, from);
  }

  /** See `SystemBus`. */
  mmioRead(address: number, size: number): number {
    const value = this.#bus.mmioRead(address, size);
    this.#report(`read  ${hex(address)} size ${size} = ${hex(value)}`);
    return value;
  }

  /** See `SystemBus`. */
  mmioWrite(address: number, size: number, value: number): void {
    this.#report(`write ${hex(address)} size ${size} = ${hex(value)}`);
    this.#bus.mmioWrite(address, size, value);
  }
}

/** An interrupt acknowledger whose cycles are reported. */
export class TracedAcknowledger implements InterruptAcknowledger {
  readonly #acknowledger: InterruptAcknowledger;
  readonly #report: (message: string) => void;

  /** Wraps `acknowledger`. */
  constructor(acknowledger: InterruptAcknowledger, clock: VirtualClock, log: LogSink) {
    this.#acknowledger = acknowledger;
    this.#report = (message) => log({ level: "info", source: "interrupts", message, time: clock.now() });
  }

  /** See `InterruptAcknowledger`. */
  get asserted(): boolean {
    return this.#acknowledger.asserted;
  }

  /** See `InterruptAcknowledger`. */
  acknowledge(): number {
    const vector = this.#acknowledger.acknowledge();
    this.#report(`acknowledge: vector ${hex(vector)}`);
    return vector;
  }
}

function hex(value: number): string {
  return `${value.toString(16)}h`;
}
