/**
 * Assembles devices into a machine's I/O.
 *
 * @module
 */

import { AttachedDevice, type DeviceState } from "./attached.ts";
import type { ConfigurationClaim, MmioClaim, Needs, PortClaim, RegionName } from "./claims.ts";
import type { ClockState, VirtualClock } from "./clock.ts";
import type { ConfigOf, ConfigSchema } from "./config.ts";
import type { AnyDevice, Device, ResetKind } from "./contract.ts";
import type { DmaCount, GuestMemory } from "./dma.ts";
import { BulkheadError } from "./error.ts";
import type { Interface, Socket } from "./interface.ts";
import { type LineSink, type MessageInterrupt, Net, type Output } from "./lines.ts";
import type { LogSink } from "./log.ts";
import { PciBus, type PciBusOptions } from "./pci_bus.ts";
import { checkPci } from "./pci_checks.ts";
import { pciBars } from "./pci_function.ts";
import type { RegionMap } from "./registers.ts";
import type { SlotKind } from "./registers.ts";
import { type AddressSpace, MmioSpace, PortSpace } from "./spaces.ts";
import type { SystemBus } from "./system.ts";
import { overPci } from "../virtio/over_pci.ts";

/** What a host is made of. */
export interface DeviceHostOptions {
  /** The machine's clock. */
  readonly clock: VirtualClock;
  /** Guest memory, for DMA; without it DMA meets nobody. */
  readonly memory?: GuestMemory;
  /** Where devices' records go; nowhere if absent. */
  readonly log?: LogSink;
  /** Who takes message interrupts, a local APIC; without it no device offers them. */
  readonly messages?: (message: MessageInterrupt) => void;
}

/** How a device is placed in its machine. */
export interface AttachOptions<C extends ConfigSchema, N extends Needs> {
  /** Its name in the machine: `com1`; the part of its id after the slash if absent. */
  readonly name?: string;
  /** Configuration; fields left out have their defaults. */
  readonly config?: Partial<ConfigOf<C>>;
  /** First addresses of regions, instead of those in the claims; null leaves a region unmapped. */
  readonly at?: Readonly<Partial<Record<RegionName<N>, number | null>>>;
}

/** All devices, their lines and the clock as plain data. */
export interface HostState {
  /** Version of this layout. */
  readonly version: 1;
  /** The clock with its alarms. */
  readonly clock: ClockState;
  /** Devices by name. */
  readonly devices: Readonly<Record<string, DeviceState>>;
}

/** Accesses of one register. */
export interface RegisterStatistics {
  /** The region it is in. */
  readonly region: string;
  /** Its name; a handler's is its region's. */
  readonly register: string;
  /** Its kind. */
  readonly kind: SlotKind;
  /** Reads by the guest. */
  readonly reads: number;
  /** Writes by the guest. */
  readonly writes: number;
}

/** What one device did. */
export interface DeviceStatistics {
  /** Registers that were used. */
  readonly registers: readonly RegisterStatistics[];
  /** The device's own counters. */
  readonly counts: Readonly<Record<string, number>>;
  /** Bytes moved, by DMA window. */
  readonly dma: Readonly<Record<string, DmaCount>>;
}

/** What the bus did. */
export interface HostStatistics {
  /** Devices by name. */
  readonly devices: Readonly<Record<string, DeviceStatistics>>;
  /** Bytes of accesses that nobody answered. */
  readonly unclaimed: { portReads: number; portWrites: number; mmioReads: number; mmioWrites: number };
  /** Alarms that rang. */
  readonly alarms: number;
}

const NO_MEMORY: GuestMemory = { read: () => 0, write: () => 0 };
const NAME = /^[a-z][a-z0-9_-]*$/;
const ID = /^[a-z0-9][a-z0-9_.-]*\/[a-z0-9][a-z0-9_.-]*$/;
const PORTS = 0x10000;
const ADDRESSES = 2 ** 52;

/**
 * The devices of a machine, and the bus through which its CPU reaches them. Devices run in the caller's thread.
 */
export class DeviceHost implements SystemBus {
  /** The machine's clock. */
  readonly clock: VirtualClock;
  readonly #ports = new PortSpace();
  readonly #mmio = new MmioSpace();
  readonly #memory: GuestMemory;
  readonly #log: LogSink;
  readonly #messages: DeviceHostOptions["messages"];
  readonly #devices = new Map<string, AttachedDevice>();
  readonly #links = new Map<Socket<object>, object>();
  #pci: PciBus | undefined;

  /** A machine without devices. */
  constructor(options: DeviceHostOptions) {
    this.clock = options.clock;
    this.#memory = options.memory ?? NO_MEMORY;
    this.#log = options.log ?? (() => {});
    this.#messages = options.messages;
  }

  /**
   * Gives the machine a PCI bus, onto which devices that claim one are put from then on, in the order of their attachment. Whether the guest
   * finds it is up to a host bridge.
   */
  addPciBus(options: PciBusOptions): PciBus {
    return this.#pci = new PciBus(options);
  }

  /**
   * Adds a device: wires it and maps its regions.
   *
   * @throws {BulkheadError} A claim that this machine cannot meet, a conflict, or a wrong configuration or wiring.
   */
  attach<S extends object, C extends ConfigSchema, N extends Needs, L extends Readonly<Record<string, number>>>(
    given: Device<S, C, N, L>,
    options: AttachOptions<C, N> = {},
  ): AttachedDevice<N> {
    const name = options.name ?? given.id.slice(given.id.indexOf("/") + 1);
    const device = overPci(given as AnyDevice, name);
    this.#checkDefinition(device, name);
    try {
      return this.#attach<N>(device, name, options as AttachOptions<ConfigSchema, N>);
    } catch (error) {
      // Nothing of it stays: who attaches it may go on without it.
      for (const alarm of device.needs.alarms ?? []) this.clock.removeAlarms(`${name}/${alarm}`);
      this.#ports.forget(name);
      this.#mmio.forget(name);
      throw error;
    }
  }

  #attach<N extends Needs>(
    device: AnyDevice,
    name: string,
    options: AttachOptions<ConfigSchema, N>,
  ): AttachedDevice<N> {
    const attached = new AttachedDevice<N>(name, device, options.config ?? {}, {
      clock: this.clock,
      memory: this.#memory,
      log: this.#log,
      ...(this.#messages && { messages: this.#messages }),
    });
    const places = options.at as Readonly<Record<string, number | null | undefined>> | undefined;
    for (
      const [region, claim] of Object.entries<PortClaim | MmioClaim>({ ...device.needs.ports, ...device.needs.mmio })
    ) {
      const base = places?.[region] === undefined ? claim.base ?? null : places[region];
      if (base !== null) this.#map(attached as AttachedDevice, region, base, true);
    }
    for (const [region, { at }] of Object.entries<ConfigurationClaim>(device.needs.configuration ?? {})) {
      this.#map(attached as AttachedDevice, region, at, true);
    }
    if (attached.pci !== undefined) {
      this.#pci!.plug(name, attached.pci, (region, base) => {
        if (attached.regions.get(region.name) === region) {
          this.#map(attached as AttachedDevice, region.name, base, false);
        } else if (base === null) this.#mmio.unmap(region);
        else this.#mmio.map(region, base, false);
      });
      for (const [use, { name }] of Object.entries<Interface<object>>(device.needs.uses ?? {})) {
        if (name === pciBars.name) this.connect(attached.uses(use as never) as never, attached.pci.barAccess as never);
      }
    }
    this.#devices.set(name, attached as AttachedDevice);
    return attached;
  }

  /**
   * Joins outputs, wired-OR, to sinks: inputs of devices, or functions of the machine.
   *
   * @returns The net, whose level can be asked and to which more can be joined.
   */
  join(outputs: Output | readonly Output[], ...sinks: readonly LineSink[]): Net {
    const net = new Net();
    for (const sink of sinks) net.to(sink);
    for (const output of [outputs].flat() as Output[]) output.join(net);
    return net;
  }

  /** Connects an interface that a device calls to what answers it: another device's, or an object of the machine. */
  connect<T extends object>(socket: Socket<T>, peer: NoInfer<T>): void {
    socket.connect(peer);
    this.#links.set(socket as unknown as Socket<object>, peer);
  }

  /**
   * Moves a region, or unmaps it with `null`; a bus that enumerates its devices does so at run time. Where ranges then
   * overlap with the same priority, the one mapped first answers.
   */
  move<N extends Needs>(device: AttachedDevice<N>, region: RegionName<N>, base: number | null): void {
    this.#map(device as unknown as AttachedDevice, region, base, false);
  }

  /** A device by its name in the machine. */
  device(name: string): AttachedDevice | undefined {
    return this.#devices.get(name);
  }

  /** Powers all devices on, or resets them, in the order of their attachment. */
  reset(kind: ResetKind): void {
    for (const device of this.#devices.values()) device.reset(kind);
    this.#relink();
  }

  /** All state as plain data. Take it at an instruction boundary. */
  save(): HostState {
    return {
      version: 1,
      clock: this.clock.save(),
      devices: Object.fromEntries([...this.#devices].map(([name, device]) => [name, device.save()])),
    };
  }

  /**
   * Takes over a saved state. Lines have their saved levels; sinks outside of devices are not told.
   *
   * @throws {BulkheadError} `device-mismatch`, `state-version`: a state of other devices or of an unknown version.
   */
  restore(saved: HostState): void {
    const missing = Object.keys(saved.devices).filter((name) => !this.#devices.has(name));
    const added = [...this.#devices.keys()].filter((name) => saved.devices[name] === undefined);
    if (saved.version !== 1 || missing.length > 0 || added.length > 0) {
      throw new BulkheadError({
        code: "device-mismatch",
        subject: "saved machine state",
        expected: saved.version === 1 ? `devices ${[...this.#devices.keys()].join(", ")}` : "version 1",
        found: saved.version === 1 ? Object.keys(saved.devices).join(", ") || "none" : `version ${saved.version}`,
        remedy: "restore into a machine with the same devices",
      });
    }
    this.clock.restore(saved.clock);
    for (const [name, device] of this.#devices) {
      const state = saved.devices[name]!;
      device.restore(state);
      for (const [region, base] of Object.entries(state.regions)) {
        if (device.regions.has(region)) this.#map(device, region, base < 0 ? null : base, false);
      }
    }
    this.#relink();
  }

  /** What the bus and its devices did so far. */
  statistics(): HostStatistics {
    const devices: Record<string, DeviceStatistics> = {};
    for (const [name, device] of this.#devices) {
      const registers = [...device.regions.values()].flatMap((region) =>
        region.slots.filter(({ reads, writes }) => reads + writes > 0).map((slot): RegisterStatistics => ({
          region: region.name,
          register: slot.name,
          kind: slot.kind,
          reads: slot.reads,
          writes: slot.writes,
        }))
      );
      devices[name] = {
        registers,
        counts: Object.fromEntries(device.counts),
        dma: Object.fromEntries(device.transfers),
      };
    }
    return {
      devices,
      unclaimed: {
        portReads: this.#ports.unclaimedReads,
        portWrites: this.#ports.unclaimedWrites,
        mmioReads: this.#mmio.unclaimedReads,
        mmioWrites: this.#mmio.unclaimedWrites,
      },
      alarms: this.clock.rings,
    };
  }

  /** See {@linkcode SystemBus.portRead}. */
  portRead(port: number, size: number): number {
    return this.#ports.read(port, size);
  }

  /** See {@linkcode SystemBus.portWrite}. */
  portWrite(port: number, size: number, value: number): void {
    this.#ports.write(port, size, value);
  }

  /** See {@linkcode SystemBus.portReadBlock}. */
  portReadBlock(port: number, size: number, into: Uint8Array): number {
    return this.#ports.readBlock(port, size, into);
  }

  /** See {@linkcode SystemBus.portWriteBlock}. */
  portWriteBlock(port: number, size: number, from: Uint8Array): number {
    return this.#ports.writeBlock(port, size, from);
  }

  /** See {@linkcode SystemBus.mmioRead}. */
  mmioRead(address: number, size: number): number {
    return this.#mmio.read(address, size);
  }

  /** See {@linkcode SystemBus.mmioWrite}. */
  mmioWrite(address: number, size: number, value: number): void {
    this.#mmio.write(address, size, value);
  }

  /** The range around a guest-physical address that one region answers; undefined where none does. */
  mmioRange(address: number): { start: number; end: number } | undefined {
    return this.#mmio.rangeAt(address);
  }

  /** Device and register at a port; undefined where nobody answers. */
  portName(port: number): string | undefined {
    return this.#ports.nameAt(port);
  }

  /** Device and register at a guest-physical address; undefined where nobody answers. */
  mmioName(address: number): string | undefined {
    return this.#mmio.nameAt(address);
  }

  #relink(): void {
    for (const device of this.#devices.values()) {
      for (const region of device.regions.values()) this.#spaceOf(device, region).refilled(region);
    }
    for (const [socket, peer] of this.#links) socket.connect(peer);
  }

  #spaceOf({ needs, pci }: AttachedDevice, { name }: RegionMap): AddressSpace {
    if (needs.configuration?.[name] !== undefined) return pci!.space;
    return needs.ports?.[name] === undefined ? this.#mmio : this.#ports;
  }

  #map(device: AttachedDevice, name: string, base: number | null, exclusive: boolean): void {
    const region = device.region(name);
    const isPorts = device.needs.ports?.[name] !== undefined;
    const space = this.#spaceOf(device, region);
    if (base === null) {
      space.unmap(region);
      return;
    }
    const limit = isPorts ? PORTS : ADDRESSES;
    if (!Number.isInteger(base) || base < 0 || base + region.size > limit) {
      throw new BulkheadError({
        code: "address-range",
        subject: `device "${device.name}"`,
        where: `region "${name}"`,
        expected: `${region.size} ${isPorts ? "ports" : "bytes"} below ${limit.toString(16)}h`,
        found: `first address ${base.toString(16)}h`,
        remedy: "place the region lower",
      });
    }
    space.map(region, base, exclusive);
  }

  #checkDefinition(device: AnyDevice, name: string): void {
    const refuse = (code: string, expected: string, found: string, remedy: string) => {
      throw new BulkheadError({ code, subject: `device "${name}"`, expected, found, remedy });
    };
    const needs: Needs = device.needs;
    if (device.api !== 1) refuse("device-api", "contract version 1", `${device.api}`, "use a Bulkhead that has it");
    if (!ID.test(device.id)) refuse("device-id", "an id such as acme/heartbeat", `"${device.id}"`, "correct the id");
    if (!NAME.test(name)) refuse("device-name", "a name of a-z, 0-9, - and _", `"${name}"`, "choose another name");
    if (this.#devices.has(name)) {
      refuse("device-name", "one device of this name", "a second one", "give each a name of its own");
    }
    if ("host" in needs) {
      const remedy = "ask for them in a back end, made by backend({...}), and connect the device to that";
      refuse("unmet-claim", "a device without host rights", "one that needs them", remedy);
    }
    if (needs.pci !== undefined && this.#pci === undefined) {
      refuse("unmet-claim", "no PCI identity", "one", "this machine has no PCI bus");
    }
    checkPci(needs, name);
    if (needs.memory !== undefined) {
      refuse("unmet-claim", "no device memory", `"${Object.keys(needs.memory)[0]}"`, "this machine lends none");
    }
    for (const region of Object.keys(needs.ports ?? {})) {
      if (needs.mmio?.[region] !== undefined) {
        refuse("bad-region", "distinct names of port and memory regions", `"${region}" twice`, "rename one of them");
      }
    }
  }
}
