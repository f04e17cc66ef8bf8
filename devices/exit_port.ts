/**
 * A port that ends the machine, as QEMU's isa-debug-exit does: writing `v` ends it with the status `(v << 1) | 1`.
 *
 * @module
 */

import { device, machineControl } from "../core/bus/mod.ts";

/** The exit port: F4h to F7h, one register of 32 bits that takes narrower writes as well. */
export const exitPort = device({
  id: "bulkhead/exit-port",
  api: 1,
  version: 1,
  needs: { ports: { io: { base: 0xf4, size: 4 } }, uses: { machine: machineControl } },
  state: () => ({}),
  wire({ use }) {
    const machine = use("machine");
    return {
      regions: {
        io: [{
          name: "EXIT",
          at: 0,
          width: 4,
          access: [1, 2, 4],
          kind: "sync",
          read: () => 0,
          // A process's exit status has 8 bits: those of a larger value are cut off there, and here.
          write: (value) => machine.exit((value << 1 | 1) & 0xff),
        }],
      },
    };
  },
});
