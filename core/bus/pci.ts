/**
 * The interface between a PCI host bridge, which is a device, and the bus behind it, which the core is.
 *
 * @module
 */
import type { Width } from "./claims.ts";
import { defineInterface, type Interface } from "./interface.ts";

/** Configuration space of a bus and of all below it. */
export interface PciConfiguration {
  /**
   * A configuration read.
   *
   * @param address Bus in bits 23 to 16, device in 15 to 11, function in 10 to 8, register in 7 to 0: a multiple of `width`.
   * @returns All ones where there is no such function.
   */
  read(address: number, width: Width): number;
  /** A configuration write. `value` is unsigned. */
  write(address: number, width: Width, value: number): void;
}

/** {@linkcode PciConfiguration}: unconnected, a bus without devices. */
export const pciConfiguration: Interface<PciConfiguration> = defineInterface("pci-configuration/1", {
  read: (_address: number, width: Width): number => 2 ** (8 * width) - 1,
  write: () => {},
});
