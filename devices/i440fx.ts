/**
 * The host bridge of a 440FX: the way to PCI configuration space, by configuration mechanism 1.
 *
 * Intel 82441FX PCI and Memory Controller (PMC) datasheet, order number 290549-001, section 3.1; PCI Local Bus Specification 3.0, section
 * 3.2.2.3.2. What else the chip has (memory timing, shadowing of ROMs) is not built, and its registers read as zero.
 *
 * @module
 */

import { device, pciConfiguration, type Width } from "../core/bus/mod.ts";

/** CONFADD: taken as a whole doubleword only, so that the ports between are other chips'. */
const CONFADD = 0;
/** CONFDATA: a window of four bytes. */
const CONFDATA = 4;

/** CONFADD: configuration cycles are enabled. */
const CONE = 0x80000000;
/** CONFADD: bus, device, function and doubleword. */
const CONFADD_ADDRESS = 0x00fffffc;

/** A 440FX's host bridge. Attach it first: it is device 0 of its bus. */
export const i440fx = device({
  id: "bulkhead/i440fx",
  api: 1,
  version: 1,
  needs: {
    ports: { mechanism: { base: 0xcf8, size: 8 } },
    pci: { vendor: 0x8086, device: 0x1237, class: 0x060000, revision: 2 },
    uses: { configuration: pciConfiguration },
  },
  state: () => ({ confadd: 0 }),
  wire({ state, use }) {
    const configuration = use("configuration");
    const target = (offset: number) => (state.confadd & CONFADD_ADDRESS) | (offset & 3);
    const enabled = () => (state.confadd & CONE) !== 0;
    const ones = (width: Width) => 2 ** (8 * width) - 1;
    return {
      regions: {
        mechanism: {
          widths: [1, 2, 4],
          read(offset, width) {
            if (offset >= CONFDATA) return enabled() ? configuration.read(target(offset), width) : ones(width);
            return offset === CONFADD && width === 4 ? state.confadd : ones(width);
          },
          write(offset, width, value) {
            if (offset >= CONFDATA) {
              if (enabled()) configuration.write(target(offset), width, value);
            } else if (offset === CONFADD && width === 4) {
              state.confadd = (value & (CONE | CONFADD_ADDRESS)) >>> 0;
            }
          },
        },
      },
    };
  },
});

export default i440fx;
