/**
 * A stopwatch for guests: it waits as long as it is told, then raises its line.
 *
 * MAGIC always reads 6B6C7562h. What is written to SCRATCH stays there. DELAY starts a wait of so many microseconds. STATUS has bit 0 set once
 * the wait is over, and the line `done` is high until a one is written there. WAITS counts the waits that have ended.
 */
import { device } from "@bulkhead/bulkhead";

const MAGIC = 0x6b6c7562;
const DONE = 1;

export default device({
  id: "acme/stopwatch",
  api: 1,
  version: 1,
  config: {
    shortest: { default: 10, min: 1, max: 1_000_000, doc: "the shortest wait, in microseconds" },
  },
  needs: {
    ports: { io: { base: 0x510, size: 20 } },
    lines: { done: "level" },
    alarms: ["over"],
  },
  latches: { SCRATCH: 0, STATUS: 0 },
  state: () => ({ waits: 0 }),
  wire({ state, config, regs, alarm }) {
    const over = alarm("over", () => {
      state.waits = (state.waits + 1) >>> 0;
      regs.STATUS |= DONE;
    });
    return {
      regions: {
        io: [
          { name: "MAGIC", at: 0, width: 4, kind: "sync", read: () => MAGIC },
          { name: "SCRATCH", at: 4, width: 4, kind: "latch" },
          {
            name: "DELAY",
            at: 8,
            width: 4,
            kind: "posted",
            write: (microseconds) => over.after(Math.max(microseconds, config.shortest) * 1000),
          },
          { name: "STATUS", at: 12, width: 4, kind: "status", clear: DONE, line: "done" },
          { name: "WAITS", at: 16, width: 4, kind: "sync", read: () => state.waits },
        ],
      },
    };
  },
});
