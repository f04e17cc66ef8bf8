/**
 * The FPU's error logic: FERR# becomes IRQ 13, and a write to port F0h answers with IGNNE#.
 *
 * Intel SDM volume 1, appendix D.2.1.2 and figure D-1; 82371AB (PIIX4) datasheet, "CERR - Coprocessor Error Register".
 *
 * @module
 */

import { device, fpuErrorPins } from "../core/bus/mod.ts";

/** Port F0h and the two flip-flops of figure D-1. `irq13` is high from the edge of FERR# on until the port is written. */
export const fpuError = device({
  id: "bulkhead/fpu-error",
  api: 1,
  version: 1,
  needs: { ports: { io: { base: 0xf0, size: 1 } }, lines: { irq13: "level" }, provides: { pins: fpuErrorPins } },
  state: () => ({ ferr: false, ignne: false }),
  wire({ state, irq }) {
    const irq13 = irq("irq13");
    const setError = (asserted: boolean) => {
      if (asserted === state.ferr) return;
      state.ferr = asserted;
      if (asserted) irq13.set(true);
      // IGNNE# lasts as long as the error that it lets pass.
      else state.ignne = false;
    };
    return {
      regions: {
        io: [{
          name: "CERR",
          at: 0,
          width: 1,
          kind: "sync",
          // Write-only: the bus floats.
          read: () => 0xff,
          write() {
            irq13.set(false);
            state.ignne = state.ferr;
          },
        }],
      },
      provides: { pins: { setError, ignored: () => state.ignne } },
      reset() {
        state.ferr = false;
        state.ignne = false;
        irq13.set(false);
      },
    };
  },
});
