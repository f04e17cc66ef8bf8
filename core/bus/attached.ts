/**
 * One device in its machine: its state, its connections, and what it is given.
 *
 * @module
 */

import type { DmaClaim, InterfaceOf, LineKind, Named, Needs, RegionName } from "./claims.ts";
import type { ClockAlarm, VirtualClock } from "./clock.ts";
import { type ConfigOf, type ConfigSchema, resolveConfig } from "./config.ts";
import type { Alarm, AnyDevice, Context, Region, ResetKind } from "./contract.ts";
import { type DmaCount, dmaWindow, type GuestMemory } from "./dma.ts";
import { BulkheadError } from "./error.ts";
import { Socket } from "./interface.ts";
import { type LineSink, type MessageInterrupt, Output } from "./lines.ts";
import { liveState } from "./live_state.ts";
import type { LogSink } from "./log.ts";
import { PciFunction, type PciState } from "./pci_function.ts";
import { RegionMap, RegisterStorage } from "./registers.ts";

/** A device as plain data. */
export interface DeviceState {
  /** The device's id. */
  readonly id: string;
  /** Version of the state. */
  readonly version: number;
  /** Its state object. */
  readonly state: unknown;
  /** Its latch and status registers. */
  readonly latches: Readonly<Record<string, number>>;
  /** Levels that it drives. */
  readonly lines: Readonly<Record<string, boolean>>;
  /** Where its regions are; -1 for one that is unmapped. */
  readonly regions: Readonly<Record<string, number>>;
  /** Its PCI header; absent for other devices. */
  readonly pci?: PciState;
}

/** What the machine lends to its devices. */
export interface Surroundings {
  /** The machine's clock. */
  readonly clock: VirtualClock;
  /** Guest memory, for DMA. */
  readonly memory: GuestMemory;
  /** Where records go. */
  readonly log: LogSink;
  /** Who takes message interrupts; nobody if absent. */
  readonly messages?: (message: MessageInterrupt) => void;
}

/** Counters that a device may have; more are not kept. */
const MOST_COUNTERS = 256;

interface AnyWiring {
  regions?: Record<string, Region>;
  inputs?: Record<string, LineSink>;
  provides?: Record<string, object>;
  reset?(kind: ResetKind): void;
}

/** A device of a machine, as the machine's assembly connects it. */
export class AttachedDevice<N extends Needs = Needs> {
  /** Regions by name. */
  readonly regions: ReadonlyMap<string, RegionMap>;
  /** Counters of {@linkcode Context.count}. */
  readonly counts = new Map<string, number>();
  /** Bytes moved, by DMA window. */
  readonly transfers = new Map<string, DmaCount>();
  /** The checked configuration. */
  readonly config: Readonly<Record<string, number | string | boolean>>;
  /** Its place on a PCI bus, if it claims one. */
  readonly pci: PciFunction | undefined;

  readonly #definition: AnyDevice;
  readonly #around: Surroundings;
  readonly #outputs = new Map<string, Output>();
  readonly #uses = new Map<string, Socket<object>>();
  readonly #provides = new Map<string, Socket<object>>();
  readonly #storage: RegisterStorage;
  #state: object;
  #wiring: AnyWiring = {};

  /** Wires the device. Called by the host only. */
  constructor(
    /** The device's name in its machine. */
    readonly name: string,
    definition: AnyDevice,
    config: Readonly<Record<string, unknown>>,
    around: Surroundings,
  ) {
    this.#definition = definition;
    this.#around = around;
    const needs: Needs = definition.needs;
    const schema: ConfigSchema = definition.config ?? {};
    this.config = Object.freeze(resolveConfig(this.#subject, schema, config));
    this.regions = new Map(
      Object.entries<{ size: number; priority?: number }>({ ...needs.ports, ...needs.mmio, ...needs.configuration })
        .map(([region, { size, priority }]) => [region, new RegionMap(name, region, size, priority ?? 0)]),
    );
    this.pci = needs.pci === undefined ? undefined : new PciFunction(needs, this.regions);
    for (const [line, kind] of Object.entries<LineKind>(needs.lines ?? {})) this.#outputs.set(line, new Output(kind));
    for (const [use, kind] of Object.entries(needs.uses ?? {})) this.#uses.set(use, new Socket(kind));
    for (const [provided, kind] of Object.entries(needs.provides ?? {})) {
      this.#provides.set(provided, new Socket(kind));
    }
    if (needs.pci?.interrupt !== undefined) {
      this.pci!.drivenBy(this.#named("line", this.#outputs, needs.pci.interrupt));
    }
    const messages = [...this.#outputs.values()].filter(({ kind }) => kind === "message");
    if (messages.length > 0 && around.messages !== undefined) this.pci?.offerMessages(name, messages, around.messages);
    this.#storage = new RegisterStorage(name, definition.latches ?? {});
    this.#state = definition.state(this.config);
    this.#wire();
  }

  /** What the device claims. */
  get needs(): N {
    return this.#definition.needs;
  }

  /** The device's state object, for tests and inspection. It changes with every restore. */
  get state(): object {
    return liveState(this.#state);
  }

  /** Values of latch and status registers, for tests and inspection. */
  get latches(): Record<string, number> {
    return this.#storage.regs;
  }

  /** An output line, to be joined. */
  line(name: Named<N["lines"]>): Output {
    return this.#named("line", this.#outputs, name);
  }

  /** An input pin, as a sink. */
  input(name: Named<N["inputs"]>): LineSink {
    if (!this.needs.inputs?.includes(name)) throw this.#undeclared("input", this.needs.inputs ?? [], name);
    return (level) => this.#wiring.inputs![name]!(level);
  }

  /** The socket of an interface that the device calls, to be connected. */
  uses<Name extends Named<N["uses"]>>(name: Name): Socket<InterfaceOf<N["uses"], Name> & object> {
    return this.#named("interface", this.#uses, name) as Socket<InterfaceOf<N["uses"], Name> & object>;
  }

  /** An interface that the device answers. The object stays the same over restores. */
  provides<Name extends Named<N["provides"]>>(name: Name): InterfaceOf<N["provides"], Name> {
    return this.#named("interface", this.#provides, name).port as InterfaceOf<N["provides"], Name>;
  }

  /** A region's map. */
  region(name: RegionName<N>): RegionMap {
    return this.#named("region", this.regions, name);
  }

  /** Powers the device on, or resets it. */
  reset(kind: ResetKind): void {
    if (kind === "hard") this.pci?.reset();
    if (kind === "hard" && this.#wiring.reset === undefined) {
      this.#state = this.#definition.state(this.config);
      this.#storage.reset();
      for (const name of this.needs.alarms ?? []) this.#around.clock.arm(this.#clockAlarm(name, () => {}), Infinity);
      this.#wire();
      for (const output of this.#outputs.values()) output.set(false);
      return;
    }
    this.#wiring.reset?.(kind);
  }

  /** The device as plain data. */
  save(): DeviceState {
    return {
      id: this.#definition.id,
      version: this.#definition.version,
      state: this.#cloned(liveState(this.#state)),
      latches: this.#storage.save(),
      lines: Object.fromEntries([...this.#outputs].map(([name, output]) => [name, output.level])),
      regions: Object.fromEntries([...this.regions].map(([name, region]) => [name, region.base])),
      ...(this.pci === undefined ? {} : { pci: this.pci.save() }),
    };
  }

  /**
   * Takes over a saved state and wires the device anew. The host maps the regions.
   *
   * @throws {BulkheadError} `device-mismatch` or `state-version`.
   */
  restore(saved: DeviceState): void {
    const { id, version, migrate } = this.#definition;
    if (saved.id !== id) {
      throw new BulkheadError({
        code: "device-mismatch",
        subject: this.#subject,
        expected: `the state of ${id}`,
        found: `that of ${saved.id}`,
        remedy: "restore into a machine with the same devices",
      });
    }
    let state = structuredClone(saved.state);
    for (let from = saved.version; from !== version; from++) {
      const step = migrate?.[from];
      if (step === undefined) {
        throw new BulkheadError({
          code: "state-version",
          subject: this.#subject,
          expected: `a state of version ${version}, or one that it can migrate`,
          found: `version ${saved.version}`,
          remedy: "use the version of the device that saved it",
        });
      }
      state = step(state);
    }
    this.#state = state as object;
    this.#storage.load(saved.latches);
    this.#wire();
    for (const [name, output] of this.#outputs) output.restore(saved.lines[name] ?? false);
    if (saved.pci !== undefined) this.pci?.restore(saved.pci);
  }

  #wire(): void {
    const wiring = this.#definition.wire(this.#context()) as AnyWiring;
    this.#wiring = wiring;
    this.#answers("region", [...this.regions.keys()], wiring.regions);
    this.#answers("input", this.needs.inputs ?? [], wiring.inputs);
    this.#answers("interface", [...this.#provides.keys()], wiring.provides);
    this.#storage.watch(Object.values(wiring.regions ?? {}), (name) => this.line(name as Named<N["lines"]>));
    for (const [name, region] of this.regions) region.fill(wiring.regions![name]!, this.#storage);
    for (const [name, socket] of this.#provides) socket.connect(wiring.provides![name]!);
  }

  #context(): Context<object, ConfigSchema, Needs, string> {
    const { clock, memory, log } = this.#around;
    const alarms = this.needs.alarms ?? [];
    return Object.freeze(
      {
        state: this.#state,
        config: this.config as ConfigOf<ConfigSchema>,
        regs: this.#storage.regs,
        irq: (name: string) => this.line(name as Named<N["lines"]>),
        alarm: (name: string, ring: (due: number) => void) => {
          if (!alarms.includes(name)) throw this.#undeclared("alarm", alarms, name);
          return deviceAlarm(clock, this.#clockAlarm(name, ring));
        },
        dma: (name: string) => {
          const claims = new Map<string, DmaClaim>(Object.entries(this.needs.dma ?? {}));
          const claim = this.#named("dma", claims, name);
          let count = this.transfers.get(name);
          if (count === undefined) this.transfers.set(name, count = { read: 0, written: 0, missed: 0 });
          return dmaWindow(`${this.#subject}, DMA window "${name}"`, claim, this.#reachable(memory), count);
        },
        // The static type of the context says which interface a name stands for.
        use: (name: string) => this.#named("interface", this.#uses, name).port as never,
        virtio: {
          queue: (name: string) => {
            throw this.#undeclared("queue", [], name);
          },
          accepted: () => false,
          configurationChanged: () => {},
          fail: () => {},
        },
        now: () => clock.now(),
        log: (level, message, fields) => log({ level, source: this.name, message, time: clock.now(), fields }),
        count: (metric: string, by = 1) => {
          if (this.counts.size >= MOST_COUNTERS && !this.counts.has(metric)) return;
          this.counts.set(metric, (this.counts.get(metric) ?? 0) + by);
        },
      } satisfies Context<object, ConfigSchema, Needs, string>,
    );
  }

  /** Memory as far as the guest lets a PCI device reach it. */
  #reachable(memory: GuestMemory): GuestMemory {
    const { pci } = this;
    if (pci === undefined) return memory;
    return {
      read: (address, into) => pci.busMaster ? memory.read(address, into) : 0,
      write: (address, from) => pci.busMaster ? memory.write(address, from) : 0,
    };
  }

  #clockAlarm(name: string, ring: (due: number) => void): ClockAlarm {
    return this.#around.clock.alarm(`${this.name}/${name}`, ring);
  }

  get #subject(): string {
    return `device "${this.name}"`;
  }

  #cloned(state: object): unknown {
    try {
      return structuredClone(state);
    } catch (cause) {
      throw new BulkheadError({
        code: "state-not-plain",
        subject: this.#subject,
        expected: "a state of plain data",
        found: cause instanceof Error ? cause.message : String(cause),
        remedy: "keep functions and live objects out of the state",
      }, { cause });
    }
  }

  #named<T>(what: string, all: ReadonlyMap<string, T>, name: string): T {
    const found = all.get(name);
    if (found === undefined) throw this.#undeclared(what, [...all.keys()], name);
    return found;
  }

  #undeclared(what: string, declared: readonly string[], name: string): BulkheadError {
    return new BulkheadError({
      code: `undeclared-${what}`,
      subject: this.#subject,
      expected: declared.length === 0
        ? `no ${what}, as its needs declare none`
        : `a declared ${what}: ${declared.join(", ")}`,
      found: `"${name}"`,
      remedy: `declare it in the needs of ${this.#definition.id}`,
    });
  }

  #answers(what: string, declared: readonly string[], answers: object | undefined): void {
    const given = Object.keys(answers ?? {});
    for (const name of given) if (!declared.includes(name)) throw this.#undeclared(what, declared, name);
    for (const name of declared) {
      if (given.includes(name)) continue;
      throw new BulkheadError({
        code: `unanswered-${what}`,
        subject: this.#subject,
        expected: `its wiring to answer the ${what} "${name}"`,
        found: given.length === 0 ? "none" : `only ${given.join(", ")}`,
        remedy: `return it from wire() of ${this.#definition.id}`,
      });
    }
  }
}

function deviceAlarm(clock: VirtualClock, alarm: ClockAlarm): Alarm {
  return {
    at: (nanoseconds) => clock.arm(alarm, nanoseconds),
    after: (nanoseconds) => clock.arm(alarm, clock.now() + nanoseconds),
    cancel: () => clock.arm(alarm, Infinity),
    get armed() {
      return alarm.due !== Infinity;
    },
    get due() {
      return alarm.due;
    },
  };
}
