/**
 * A device with one of everything, for tests of where devices run: registers of each kind, a block port, an alarm, DMA, a line, a counter.
 */
import { device } from "../../mod.ts";

export default device({
  id: "acme/probe",
  api: 1,
  version: 1,
  config: { step: { default: 7, min: 1, max: 1000, doc: "What is added for each access" } },
  needs: {
    ports: { io: { base: 0x510, size: 8 }, fifo: { base: 0x520, size: 2 } },
    lines: { done: "level" },
    alarms: ["later"],
    dma: { memory: { direction: "both", maxBytes: 64 } },
  },
  latches: { MASK: 0xff, STATUS: 0 },
  state: () => ({ value: 1, kicks: 0, due: [0], at: 0, fifo: new Uint8Array(16) }),
  wire({ state, config, regs, alarm, dma, irq, now, log, count }) {
    const memory = dma("memory");
    const line = irq("done");
    const later = alarm("later", (due) => {
      const bytes = new Uint8Array(8);
      memory.read(0x8000, bytes);
      bytes[state.kicks & 7] = (bytes[state.kicks & 7]! + state.value) & regs.MASK;
      memory.write(0x8000, bytes);
      state.due[0] = due;
      regs.STATUS |= 1;
      if (!line.level) log("error", "the line did not rise");
    });
    const next = () => (state.fifo[state.at & 15]! + state.at++) & 0xff;
    const read = () => {
      state.value = (Math.imul(state.value, 1103515245) + config.step + now()) >>> 0;
      return state.value >>> 16 & 0xff;
    };
    return {
      regions: {
        io: [
          {
            name: "DATA",
            at: 0,
            width: 1,
            kind: "sync",
            readEffect: true,
            read,
            write: (value) => state.value ^= value,
          },
          {
            name: "KICK",
            at: 1,
            width: 1,
            kind: "posted",
            write: (value) => {
              state.kicks += value;
              count("kicks");
              later.after(10_000);
            },
          },
          { name: "MASK", at: 2, width: 1, kind: "latch" },
          { name: "STATUS", at: 3, width: 1, kind: "status", clear: 1, line: "done" },
          { name: "KICKS", at: 4, width: 2, kind: "sync", read: () => state.kicks },
        ],
        fifo: {
          widths: [1, 2],
          // The core may come item by item, or in blocks of any length: what is given does not depend on which.
          read: (_offset, width) => width === 1 ? next() : next() | next() << 8,
          write: (_offset, width, value) => {
            for (let byte = 0; byte < width; byte++) state.fifo[state.at++ & 15] = value >>> 8 * byte;
          },
          readBlock: (_offset, width, into) => {
            for (let index = 0; index < into.length; index++) into[index] = next();
            return into.length / width;
          },
          writeBlock: (_offset, width, from) => {
            for (const byte of from) state.fifo[state.at++ & 15] = byte;
            return from.length / width;
          },
        },
      },
      reset: (kind) => {
        if (kind === "hard") state.kicks = 0;
        later.cancel();
      },
    };
  },
});
