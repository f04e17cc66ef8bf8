/**
 * System control ports of a PC: port B at 61h and port A at 92h.
 *
 * IBM Personal System/2 Model 50 and 60 Technical Reference, "System Control Port A" and "System Control Port B";
 * 82371AB (PIIX4) datasheet, sections 4.2.4 and 4.2.6.
 *
 * @module
 */

import { device, timerChannel } from "../core/bus/mod.ts";

// Port 61h
const B_TIMER_2_GATE = 0x01;
/** Gate, speaker, parity check and channel check: what reads back. */
const B_WRITABLE = 0x0f;
const B_REFRESH = 0x10;
const B_TIMER_2_OUTPUT = 0x20;
/** Nanoseconds between memory refreshes, at which bit 4 toggles. */
const REFRESH_PERIOD = 15_085;

// Port 92h
const A_FAST_RESET = 0x01;
const A_A20 = 0x02;

/** Ports 61h and 92h. `a20` is a share of the A20 gate, high to let address bit 20 through; `reset` pulses. */
export const systemPorts = device({
  id: "bulkhead/system-ports",
  api: 1,
  version: 1,
  needs: {
    ports: { b: { base: 0x61, size: 1 }, a: { base: 0x92, size: 1 } },
    lines: { a20: "level", reset: "edge" },
    uses: { channel2: timerChannel },
  },
  state: () => ({ a: 0, b: 0 }),
  wire({ state, irq, use, now }) {
    const channel2 = use("channel2");
    const a20 = irq("a20");
    const reset = irq("reset");
    return {
      regions: {
        b: [{
          name: "PORT_B",
          at: 0,
          width: 1,
          kind: "sync",
          read: () =>
            state.b | (Math.floor(now() / REFRESH_PERIOD) % 2 === 1 ? B_REFRESH : 0) |
            (channel2.output() ? B_TIMER_2_OUTPUT : 0),
          write(value) {
            state.b = value & B_WRITABLE;
            channel2.setGate((value & B_TIMER_2_GATE) !== 0);
          },
        }],
        a: [{
          name: "PORT_A",
          at: 0,
          width: 1,
          kind: "sync",
          read: () => state.a,
          write(value) {
            const rising = value & ~state.a;
            state.a = value;
            a20.set((value & A_A20) !== 0);
            if ((rising & A_FAST_RESET) !== 0) reset.pulse();
          },
        }],
      },
      reset() {
        state.a = 0;
        state.b = 0;
        a20.set(false);
        channel2.setGate(false);
      },
    };
  },
});
