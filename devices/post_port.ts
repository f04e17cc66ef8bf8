/**
 * A port for power-on self-test codes: what a ROM writes there is kept, as on a POST card's display.
 *
 * @module
 */

import { device, machineControl } from "../core/bus/mod.ts";

/** Codes that are kept. */
const HISTORY = 64;

/** The POST port: 80h, unless the machine places it elsewhere. */
export const postPort = device({
  id: "bulkhead/post-port",
  api: 1,
  version: 1,
  config: {
    success: {
      default: -1,
      min: -1,
      max: 255,
      doc: "the code that ends the machine with exit status 0; -1 for none",
    },
  },
  needs: { ports: { io: { base: 0x80, size: 1 } }, uses: { machine: machineControl } },
  state: () => ({
    /** The last codes, oldest first. */
    codes: [] as number[],
  }),
  wire({ state, config, use, count }) {
    const machine = use("machine");
    return {
      regions: {
        io: [{
          name: "POST",
          at: 0,
          width: 1,
          kind: "sync",
          read: () => state.codes.at(-1) ?? 0,
          write(value) {
            state.codes.push(value);
            if (state.codes.length > HISTORY) state.codes.shift();
            count("codes");
            if (value === config.success) machine.exit(0);
          },
        }],
      },
    };
  },
});
