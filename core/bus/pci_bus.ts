/**
 * A PCI bus: devices by number, what firmware would have given them, and how their interrupt pins are wired.
 *
 * @module
 */
import type { Width } from "./claims.ts";
import { BulkheadError } from "./error.ts";
import { Net } from "./lines.ts";
import type { PciConfiguration } from "./pci.ts";
import type { PciFunction, RegionMover } from "./pci_function.ts";

/** What a bus gives to its devices, as a machine's firmware would. */
export interface PciBusOptions {
  /** Guest-physical addresses for base address registers, from the first to the last. */
  readonly memory: { readonly first: number; readonly last: number };
  /** I/O ports for base address registers. */
  readonly ports: { readonly first: number; readonly last: number };
  /** What the guest finds in Interrupt Line: interrupt requests of the four wires that `interrupts` are. */
  readonly requests: readonly [number, number, number, number];
}

/** Devices that a bus can hold (PCI Local Bus Specification 3.0, section 3.2.2.3.2: five bits). */
const DEVICES = 32;

/** Bus 0 of a machine. */
export class PciBus implements PciConfiguration {
  /** The board's four interrupt wires. INTA# of device n is on wire n - 1, modulo 4, so that neighbours do not share. */
  readonly interrupts: readonly [Net, Net, Net, Net] = [new Net(), new Net(), new Net(), new Net()];

  readonly #options: PciBusOptions;
  readonly #devices = new Array<PciFunction | undefined>(DEVICES).fill(undefined);
  #nextAddress: number;
  #nextPort: number;

  /** An empty bus. */
  constructor(options: PciBusOptions) {
    this.#options = options;
    this.#nextAddress = options.memory.first;
    this.#nextPort = options.ports.first;
  }

  /**
   * Puts a device into the next free place.
   *
   * @param name The device's name in the machine, for errors.
   * @throws {BulkheadError} `pci-full`: no place, or no addresses are left.
   */
  plug(name: string, device: PciFunction, move: RegionMover): void {
    const number = this.#devices.indexOf(undefined);
    if (number < 0) throw full(name, `one of ${DEVICES} places on the PCI bus`, "that all are taken");
    const bars = [0, 0, 0, 0, 0, 0];
    for (const { index, io, size } of device.bars) bars[index] = this.#allot(name, io, size);
    this.#devices[number] = device;
    const wire = (number + 3) % 4;
    device.interrupt.join(this.interrupts[wire]!);
    device.plug({ bars, interruptLine: this.#options.requests[wire]! }, move);
  }

  /** See {@linkcode PciConfiguration.read}. */
  read(address: number, width: Width): number {
    const device = this.#deviceAt(address);
    return device === undefined ? 2 ** (8 * width) - 1 : device.read(address & 0xff, width);
  }

  /** See {@linkcode PciConfiguration.write}. */
  write(address: number, width: Width, value: number): void {
    this.#deviceAt(address)?.write(address & 0xff, width, value);
  }

  #deviceAt(address: number): PciFunction | undefined {
    // There is no bus but 0, and no function but 0.
    return (address & 0xff0700) === 0 ? this.#devices[address >> 11 & 0x1f] : undefined;
  }

  #allot(name: string, io: boolean, size: number): number {
    const address = Math.ceil((io ? this.#nextPort : this.#nextAddress) / size) * size;
    const { last } = io ? this.#options.ports : this.#options.memory;
    if (address + size - 1 > last) {
      throw full(name, `${size} free ${io ? "ports" : "bytes"} for PCI devices`, "that they are used up");
    }
    if (io) this.#nextPort = address + size;
    else this.#nextAddress = address + size;
    return address;
  }
}

function full(name: string, expected: string, found: string): BulkheadError {
  const subject = `device "${name}"`;
  return new BulkheadError({ code: "pci-full", subject, expected, found, remedy: "give the machine fewer devices" });
}
