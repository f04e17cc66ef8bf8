/**
 * The debug console of Bochs and QEMU: a byte written to port E9h is printed, and reading gives E9h where it exists.
 *
 * @module
 */

import { characterBackend, device } from "../core/bus/mod.ts";

/** What a guest reads to learn that the port is there. */
const PRESENT = 0xe9;

/** The debug console. */
export const debugConsole = device({
  id: "bulkhead/debug-console",
  api: 1,
  version: 1,
  needs: { ports: { io: { base: 0xe9, size: 1 } }, uses: { backend: characterBackend } },
  state: () => ({}),
  wire({ use }) {
    const backend = use("backend");
    const character = Uint8Array.of(0);
    return {
      regions: {
        io: [{
          name: "CONSOLE",
          at: 0,
          width: 1,
          kind: "sync",
          read: () => PRESENT,
          write(value) {
            character[0] = value;
            backend.write(character);
          },
        }],
      },
    };
  },
});
