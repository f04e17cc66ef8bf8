/**
 * What `--trace` shows. Each kind is a wrapper around, or a hook into, what it watches: a machine that is not traced has none of them.
 *
 * @module
 */
import type { VirtualClock } from "../bus/clock.ts";
import type { LogSink } from "../bus/log.ts";
import type { InterruptAcknowledger, SystemBus } from "../bus/system.ts";
import { CALLOUT_TABLE } from "../engine/callout_table.ts";
import type { Cpu } from "../x86/cpu.ts";
import type { GuestFault } from "../x86/fault.ts";
import { SEG, STATE, VECTOR } from "../x86/registers.ts";
import type { Callout } from "../x86/system/callout.ts";
import { FORMS } from "../x86/table/table.ts";
import { exceptionName } from "./report.ts";

/**
 * What can be traced: instructions; interrupts, from devices and by instructions; exceptions; accesses to devices, under two names; what
 * happens to regions of translated code; and the devices' own log including its finest level.
 */
export const TRACES = ["instructions", "interrupts", "faults", "devices", "io", "regions", "log"] as const;

/** What a traced thing reports with. */
export type Reporter = (message: string) => void;

/** A reporter for one kind of trace. */
export function reporter(source: string, clock: VirtualClock, log: LogSink): Reporter {
  return (message) => log({ level: "info", source, message, time: clock.now() });
}

/** A bus that knows the names of what answers. */
export interface NamedBus extends SystemBus {
  /** Device and register at a port; undefined where nobody answers. */
  portName(port: number): string | undefined;
  /** Device and register at a guest-physical address; undefined where nobody answers. */
  mmioName(address: number): string | undefined;
}

/** A bus whose accesses are reported. */
export class TracedBus implements SystemBus {
  readonly #bus: NamedBus;
  readonly #report: Reporter;

  /** Wraps `bus`. */
  constructor(bus: NamedBus, report: Reporter) {
    this.#bus = bus;
    this.#report = report;
  }

  /** See `SystemBus`. */
  portRead(port: number, size: number): number {
    const value = this.#bus.portRead(port, size);
    this.#report(`${this.#port(port)}: read ${digits(value, size)}`);
    return value;
  }

  /** See `SystemBus`. */
  portWrite(port: number, size: number, value: number): void {
    this.#report(`${this.#port(port)}: write ${digits(value, size)}`);
    this.#bus.portWrite(port, size, value);
  }

  /** See `SystemBus`. */
  portReadBlock(port: number, size: number, into: Uint8Array): number {
    const items = this.#bus.portReadBlock(port, size, into);
    this.#report(`${this.#port(port)}: read ${items} times ${size * 8} bits`);
    return items;
  }

  /** See `SystemBus`. */
  portWriteBlock(port: number, size: number, from: Uint8Array): number {
    this.#report(`${this.#port(port)}: write up to ${from.length / size} times ${size * 8} bits`);
    return this.#bus.portWriteBlock(port, size, from);
  }

  /** See `SystemBus`. */
  mmioRead(address: number, size: number): number {
    const value = this.#bus.mmioRead(address, size);
    this.#report(`${this.#address(address)}: read ${digits(value, size)}`);
    return value;
  }

  /** See `SystemBus`. */
  mmioWrite(address: number, size: number, value: number): void {
    this.#report(`${this.#address(address)}: write ${digits(value, size)}`);
    this.#bus.mmioWrite(address, size, value);
  }

  #port(port: number): string {
    return `${this.#bus.portName(port) ?? "nobody"} (port ${hex(port)})`;
  }

  #address(address: number): string {
    return `${this.#bus.mmioName(address) ?? "nobody"} (address ${hex(address)})`;
  }
}

/** An interrupt acknowledger whose cycles are reported. */
export class TracedAcknowledger implements InterruptAcknowledger {
  readonly #acknowledger: InterruptAcknowledger;
  readonly #cpu: () => Cpu;
  readonly #report: Reporter;

  /** Wraps `acknowledger`. */
  constructor(acknowledger: InterruptAcknowledger, cpu: () => Cpu, report: Reporter) {
    this.#acknowledger = acknowledger;
    this.#cpu = cpu;
    this.#report = report;
  }

  /** See `InterruptAcknowledger`. */
  get asserted(): boolean {
    return this.#acknowledger.asserted;
  }

  /** See `InterruptAcknowledger`. */
  acknowledge(): number {
    const vector = this.#acknowledger.acknowledge();
    this.#report(`vector ${hex(vector)} from the interrupt controller, before ${place(this.#cpu())}`);
    return vector;
  }
}

/** Instructions that are interrupts, with the vector of those that have a fixed one. */
const SOFTWARE_INTERRUPTS: Readonly<Record<string, number | undefined>> = {
  int: undefined,
  int1: VECTOR.DB,
  int3: VECTOR.BP,
  into: VECTOR.OF,
};

/** The definitions of instructions, with interrupts by instruction reported. */
export function tracedCallouts(report: Reporter): (Callout | undefined)[] {
  return CALLOUT_TABLE.map((callout, id) => {
    const { semantics, mnemonic } = FORMS[id]!;
    if (callout === undefined || !Object.hasOwn(SOFTWARE_INTERRUPTS, semantics)) return callout;
    return (cpu, instruction) => {
      const at = place(cpu), next = cpu.next;
      callout(cpu, instruction);
      // INTO without overflow is none.
      if (semantics === "into" && cpu.next === next) return;
      const vector = SOFTWARE_INTERRUPTS[semantics] ?? instruction.operands[0].value & 0xff;
      report(`vector ${hex(vector)} from the instruction ${mnemonic.toUpperCase()} at ${at}`);
    };
  });
}

/** Reports an exception of the instruction at which the CPU stands. */
export function reportFault(cpu: Cpu, { vector, error }: GuestFault, report: Reporter): void {
  const code = error < 0 ? "" : `, error code ${hex(error)}`;
  const address = vector === VECTOR.PF ? `, CR2 ${address32(cpu.u32[STATE.CR2 >> 2]!)}` : "";
  report(`${exceptionName(vector)} (vector ${hex(vector)})${code}${address} at ${place(cpu)}`);
}

/** CS:EIP. */
export function place(cpu: Cpu): string {
  return `${cpu.selector(SEG.CS).toString(16).padStart(4, "0")}:${address32(cpu.eip)}`;
}

function address32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

function digits(value: number, size: number): string {
  return `${(value >>> 0).toString(16).padStart(size * 2, "0")}h`;
}

function hex(value: number): string {
  return `${value.toString(16)}h`;
}
