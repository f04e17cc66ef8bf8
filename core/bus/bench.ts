/**
 * A bench: one device with a bus, a clock, memory and a probe on every line, and no machine.
 *
 * @module
 */

import type { AttachedDevice } from "./attached.ts";
import type { InterfaceOf, MmioClaim, Named, Needs, PortClaim, RegionName, Width } from "./claims.ts";
import { VirtualClock } from "./clock.ts";
import type { ConfigOf, ConfigSchema } from "./config.ts";
import type { AnyDevice, Device, ResetKind } from "./contract.ts";
import type { GuestMemory } from "./dma.ts";
import { BulkheadError } from "./error.ts";
import { DeviceHost, type HostState } from "./host.ts";
import type { LogRecord } from "./log.ts";
import type { PciBus, PciBusOptions } from "./pci_bus.ts";

/** How a bench is set up. */
export interface BenchOptions<C extends ConfigSchema = ConfigSchema, N extends Needs = Needs> {
  /** Configuration of the device; fields left out have their defaults. */
  readonly config?: Partial<ConfigOf<C>>;
  /** What answers the interfaces that the device uses; those left out act as unconnected. */
  readonly uses?: { readonly [Name in Named<N["uses"]>]?: Partial<InterfaceOf<N["uses"], Name>> };
  /** Bytes of guest memory from address 0; 64 KB if absent. */
  readonly memory?: number;
  /** Goes on from here instead of power-on. */
  readonly saved?: BenchState;
}

/** A bench as plain data. */
export interface BenchState {
  /** The device and the clock. */
  readonly host: HostState;
  /** Guest memory. */
  readonly memory: Uint8Array;
}

/** More alarms than this in one {@linkcode Bench.advance} are a device that keeps arming alarms for the present. */
const ALARM_LIMIT = 1_000_000;
/** Where regions without an address of their own are put. */
const PORT_BASE = 0x1000;
const MMIO_BASE = 0xd000_0000;
/** A port, or an address, at which nobody answers. */
const NOWHERE = 0xfff0;
/** What a PCI device finds set up. */
const PCI: PciBusOptions = {
  memory: { first: 0xe000_0000, last: 0xefff_ffff },
  ports: { first: 0xc000, last: 0xcfff },
  requests: [11, 11, 11, 11],
};

/** A device on its bench. */
export class Bench<S extends object = object, N extends Needs = Needs, L extends string = string> {
  /** Guest memory, for DMA. */
  readonly memory: Uint8Array;
  /** Everything the device did, one line each: lines, interface calls, DMA, records; and what reads gave. */
  readonly trace: string[] = [];
  /** What the device reported. */
  readonly logs: LogRecord[] = [];

  readonly #attached: AttachedDevice<N>;
  readonly #host: DeviceHost;
  readonly #pci: PciBus;
  readonly #rises = new Map<string, number>();
  #retired = 0;

  /** Use {@linkcode bench}. */
  constructor(device: AnyDevice, options: BenchOptions) {
    this.memory = new Uint8Array(options.memory ?? 0x10000);
    const clock = new VirtualClock({ retired: () => this.#retired, rate: 1 });
    const host = new DeviceHost({
      clock,
      memory: this.#guestMemory(),
      log: (record) => {
        this.logs.push(record);
        this.#note(`log ${record.level}: ${record.message}`);
      },
    });
    this.#host = host;
    this.#pci = host.addPciBus(PCI);
    this.#attached = host.attach(device, {
      name: "device",
      config: options.config as Record<string, never>,
      at: placesOf(device.needs),
    }) as unknown as AttachedDevice<N>;
    for (const line of Object.keys(device.needs.lines ?? {})) {
      host.join(this.#attached.line(line as Named<N["lines"]>), (level) => {
        if (level) this.#rises.set(line, this.rises(line as Named<N["lines"]>) + 1);
        this.#note(`line ${line} ${level ? "high" : "low"}`);
      });
    }
    for (const use of Object.keys(device.needs.uses ?? {})) this.#connect(use, options.uses);
    if (options.saved === undefined) {
      host.reset("power-on");
    } else {
      this.memory.set(options.saved.memory);
      host.restore(options.saved.host);
    }
  }

  /** Virtual nanoseconds since power-on. */
  get now(): number {
    return this.#host.clock.now();
  }

  /** The device's state object. */
  get state(): S {
    return this.#attached.state as S;
  }

  /** Values of its latch and status registers. */
  get latches(): Readonly<Record<L, number>> {
    return this.#attached.latches as Record<L, number>;
  }

  /** Counters of the device. */
  get counts(): ReadonlyMap<string, number> {
    return this.#attached.counts;
  }

  /** The guest reads `width` bytes, 1 if absent, at a region's offset. */
  read(region: RegionName<N>, offset: number, width: Width = 1): number {
    const address = this.#address(region, offset);
    const value = this.#isPort(region) ? this.#host.portRead(address, width) : this.#host.mmioRead(address, width);
    this.#note(`read ${region}+${offset} ${width}: ${value.toString(16)}`);
    return value;
  }

  /** The guest writes `width` bytes, 1 if absent, at a region's offset. */
  write(region: RegionName<N>, offset: number, value: number, width: Width = 1): void {
    const address = this.#address(region, offset);
    if (this.#isPort(region)) this.#host.portWrite(address, width, value);
    else this.#host.mmioWrite(address, width, value);
  }

  /** The guest reads `count` items from one port, as `rep ins` does. */
  readBlock(region: RegionName<N>, offset: number, width: Width, count: number): Uint8Array {
    const all = new Uint8Array(count * width);
    for (let done = 0; done < count;) {
      done += this.#host.portReadBlock(this.#address(region, offset), width, all.subarray(done * width));
    }
    this.#note(`read ${region}+${offset} ${width} block: ${all.join(" ")}`);
    return all;
  }

  /** The guest writes items to one port, as `rep outs` does. */
  writeBlock(region: RegionName<N>, offset: number, width: Width, from: Uint8Array): void {
    for (let done = 0; done < from.length / width;) {
      done += this.#host.portWriteBlock(this.#address(region, offset), width, from.subarray(done * width));
    }
  }

  /** The guest reads `width` bytes, 1 if absent, of a PCI device's configuration space, at a multiple of them. */
  configurationRead(register: number, width: Width = 1): number {
    const value = this.#pci.read(register, width);
    this.#note(`read configuration+${register} ${width}: ${value.toString(16)}`);
    return value;
  }

  /** The guest writes `width` bytes, 1 if absent, of a PCI device's configuration space. */
  configurationWrite(register: number, value: number, width: Width = 1): void {
    this.#pci.write(register, width, value);
  }

  /** The guest reads `width` bytes, 1 if absent, of device memory, at a guest-physical address. */
  memoryRead(address: number, width: Width = 1): number {
    const value = this.#host.mmioRead(address, width);
    this.#note(`read ${address.toString(16)} ${width}: ${value.toString(16)}`);
    return value;
  }

  /** The guest writes `width` bytes, 1 if absent, of device memory, at a guest-physical address. */
  memoryWrite(address: number, value: number, width: Width = 1): void {
    this.#host.mmioWrite(address, width, value);
  }

  /** Drives an input pin. */
  input(name: Named<N["inputs"]>, level: boolean): void {
    this.#attached.input(name)(level);
  }

  /** The level of an output line. */
  line(name: Named<N["lines"]>): boolean {
    return this.#attached.line(name).level;
  }

  /** How often an output line rose on this bench. */
  rises(name: Named<N["lines"]>): number {
    return this.#rises.get(name) ?? 0;
  }

  /** An interface that the device answers. */
  provides<Name extends Named<N["provides"]>>(name: Name): InterfaceOf<N["provides"], Name> {
    return this.#attached.provides(name);
  }

  /**
   * Lets virtual time pass; alarms ring at their instants.
   *
   * @throws {BulkheadError} `alarm-storm`: the device arms alarms for the present without end.
   */
  advance(nanoseconds: number): void {
    const { clock } = this.#host;
    const end = this.#retired + Math.round(nanoseconds);
    const limit = clock.rings + ALARM_LIMIT;
    for (;;) {
      const next = clock.untilAlarm();
      if (this.#retired + next > end) break;
      this.#retired += next;
      clock.runDue();
      if (clock.rings > limit) {
        throw new BulkheadError({
          code: "alarm-storm",
          subject: "the device on the bench",
          expected: `fewer than ${ALARM_LIMIT} alarms in ${nanoseconds} ns`,
          found: "more",
          remedy: "arm periodic alarms relative to the instant they were due, with a period above 0",
        });
      }
    }
    this.#retired = end;
  }

  /** Resets the device. */
  reset(kind: ResetKind = "hard"): void {
    this.#host.reset(kind);
  }

  /** Everything, as plain data: the `saved` of another bench. */
  save(): BenchState {
    return { host: structuredClone(this.#host.save()), memory: this.memory.slice() };
  }

  #isPort(region: string): boolean {
    return this.#attached.needs.ports?.[region] !== undefined;
  }

  /** A region that a PCI device's guest has unmapped is nowhere. */
  #address(region: RegionName<N>, offset: number): number {
    const { base } = this.#attached.region(region);
    return base < 0 ? NOWHERE : base + offset;
  }

  #note(event: string): void {
    this.trace.push(`${this.now} ${event}`);
  }

  #guestMemory(): GuestMemory {
    const clip = (address: number, length: number) => Math.max(0, Math.min(length, this.memory.length - address));
    return {
      read: (address, into) => {
        const moved = clip(address, into.length);
        into.set(this.memory.subarray(address, address + moved));
        return moved;
      },
      write: (address, from) => {
        const moved = clip(address, from.length);
        if (moved > 0) this.memory.set(from.subarray(0, moved), address);
        this.#note(`dma ${address.toString(16)}: ${from.join(" ")}`);
        return moved;
      },
    };
  }

  #connect(name: string, given: Readonly<Record<string, object | undefined>> | undefined): void {
    const socket = this.#attached.uses(name as Named<N["uses"]>);
    const answers = { ...socket.kind.unconnected, ...given?.[name] } as Record<string, unknown>;
    const peer: Record<string, unknown> = {};
    for (const [member, answer] of Object.entries(answers)) {
      peer[member] = typeof answer !== "function" ? answer : (...values: unknown[]) => {
        this.#note(`${name}.${member}(${values.map((value) => value instanceof Uint8Array ? [...value] : value)})`);
        return answer(...values);
      };
    }
    this.#host.connect(socket, peer as never);
  }
}

/**
 * Puts a device on a bench and powers it on.
 *
 * @param device The device.
 * @param options Its configuration and surroundings.
 * @throws {BulkheadError} A wrong configuration or wiring.
 */
export function bench<
  S extends object,
  C extends ConfigSchema,
  N extends Needs,
  L extends Readonly<Record<string, number>>,
>(device: Device<S, C, N, L>, options: BenchOptions<C, N> = {}): Bench<S, N, keyof L & string> {
  return new Bench<S, N, keyof L & string>(device as AnyDevice, options as BenchOptions);
}

/** Addresses for regions that claim none. */
function placesOf(needs: Needs): Record<string, number> {
  const places: Record<string, number> = {};
  let port = PORT_BASE;
  const moved = Object.values(needs.pci?.bars ?? {});
  for (const [name, { base, size }] of Object.entries<PortClaim>(needs.ports ?? {})) {
    if (base !== undefined || moved.includes(name)) continue;
    places[name] = port;
    port += size;
  }
  let address = MMIO_BASE;
  for (const [name, { base, size }] of Object.entries<MmioClaim>(needs.mmio ?? {})) {
    if (base !== undefined || moved.includes(name)) continue;
    places[name] = address;
    address += size;
  }
  return places;
}
