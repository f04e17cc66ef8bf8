/**
 * A device of one's own: it beats in virtual time, counts the beats into guest memory and interrupts.
 *
 * Registers, from port 510h: PERIOD (32 bits, microseconds), TARGET (32 bits, where the count goes), CONTROL (bit 0 starts), STATUS (bit 0: a
 * beat is pending; write one to clear).
 */
import { device } from "../mod.ts";

const PERIOD = 0, TARGET = 4, CONTROL = 8, STATUS = 12;
const ENABLE = 1, BEAT = 1;

export default device({
  id: "acme/heartbeat",
  api: 1,
  version: 1,
  config: {
    shortest: { default: 100, min: 10, max: 1e6, doc: "Shortest period the guest may ask for, in microseconds" },
  },
  needs: {
    ports: { io: { base: 0x510, size: 16 } },
    lines: { beat: "level" },
    alarms: ["tick"],
    dma: { count: { direction: "write", maxBytes: 4 } },
  },
  latches: { PERIOD: 1000, TARGET: 0, STATUS: 0 },
  state: () => ({ beats: 0 }),
  wire({ state, config, regs, alarm, dma, count }) {
    const memory = dma("count");
    const period = () => Math.max(regs.PERIOD, config.shortest) * 1000;
    const tick = alarm("tick", (due) => {
      memory.write(regs.TARGET, new Uint8Array(Uint32Array.of(++state.beats).buffer));
      regs.STATUS |= BEAT;
      count("beats");
      tick.at(due + period());
    });
    const control = (value: number) => (value & ENABLE) !== 0 ? tick.after(period()) : tick.cancel();
    return {
      regions: {
        io: [
          { name: "PERIOD", at: PERIOD, width: 4, kind: "latch" },
          { name: "TARGET", at: TARGET, width: 4, kind: "latch" },
          { name: "CONTROL", at: CONTROL, width: 1, kind: "posted", write: control },
          { name: "STATUS", at: STATUS, width: 1, kind: "status", clear: BEAT, line: "beat" },
        ],
      },
    };
  },
});
