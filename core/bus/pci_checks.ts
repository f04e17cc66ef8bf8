/**
 * Checks what a device says of itself as a PCI device.
 *
 * @module
 */
import type { Needs } from "./claims.ts";
import { BulkheadError } from "./error.ts";
import { HEADER } from "./pci_function.ts";

/** @throws {BulkheadError} `bad-pci`: an identity that no PCI device can have. */
export function checkPci(needs: Needs, name: string): void {
  const refuse = (where: string, expected: string, found: string): never => {
    const subject = `device "${name}"`, remedy = "correct the device's needs";
    throw new BulkheadError({ code: "bad-pci", subject, where: `needs.${where}`, expected, found, remedy });
  };
  const { pci, configuration = {} } = needs;
  if (pci === undefined) {
    const [region] = Object.keys(configuration);
    if (region !== undefined) refuse(`configuration.${region}`, "a PCI identity with it", "none");
    return;
  }
  const within = (value: number | undefined, where: string, limit: number) => {
    if (value === undefined || (Number.isInteger(value) && value >= 0 && value < limit)) return;
    refuse(where, `an integer from 0 to ${(limit - 1).toString(16)}h`, String(value));
  };
  within(pci.vendor, "pci.vendor", 0xffff);
  within(pci.device, "pci.device", 0x10000);
  within(pci.class, "pci.class", 0x1000000);
  within(pci.revision, "pci.revision", 0x100);
  within(pci.subsystem?.vendor, "pci.subsystem.vendor", 0x10000);
  within(pci.subsystem?.device, "pci.subsystem.device", 0x10000);
  const seen = new Set<string>();
  for (const [index, region] of Object.entries(pci.bars ?? {})) {
    const where = `pci.bars[${index}]`;
    if (!/^[0-5]$/.test(index)) refuse(where, "base address registers 0 to 5", index);
    const claim = needs.ports?.[region] ?? needs.mmio?.[region];
    if (claim === undefined) return refuse(where, "a region of ports or of device memory", `"${region}"`);
    if (claim.base !== undefined) refuse(where, "a region without a base of its own", `"${region}", which has one`);
    if (seen.has(region)) refuse(where, "a region for each register", `"${region}" twice`);
    seen.add(region);
    const limit = needs.ports?.[region] === undefined ? 2 ** 31 : 256;
    if (claim.size > limit) refuse(where, `a region of at most ${limit} bytes`, `${claim.size}`);
  }
  if (pci.interrupt !== undefined && needs.lines?.[pci.interrupt] !== "level") {
    refuse("pci.interrupt", "an output line of kind level", `"${pci.interrupt}"`);
  }
  let free: number = HEADER.END;
  for (const { id, at, body } of pci.capabilities ?? []) {
    const where = "pci.capabilities";
    within(id, where, 0x100);
    if (at % 4 !== 0 || at < free || at + 2 + body.length > 0x100) {
      refuse(
        where,
        `a place from ${free.toString(16)}h to FFh, a multiple of 4`,
        `${at} with ${body.length + 2} bytes`,
      );
    }
    free = at + 2 + body.length;
  }
  for (const [region, { at, size }] of Object.entries(configuration)) {
    if (at < HEADER.END || size < 1 || at + size > 0x100) {
      refuse(`configuration.${region}`, "a place from 40h to FFh", `${size} bytes at ${at}`);
    }
    if (needs.ports?.[region] ?? needs.mmio?.[region]) {
      refuse(`configuration.${region}`, "a name that no other region has", "one that is taken");
    }
  }
}
