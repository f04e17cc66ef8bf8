/**
 * The 8254 programmable interval timer of a PC, at 40h to 43h.
 *
 * Intel 8254 Programmable Interval Timer, order number 231164-005. Counting is computed from virtual time when somebody
 * looks, so that a running counter costs nothing; only counter 0, which interrupts, has an alarm.
 *
 * @module
 */

import { device, instantOf, type SyncRegister, ticksAt, timerChannel } from "../core/bus/mod.ts";
import { type Counter, counter, type CounterView, makeCounter } from "./i8254_counter.ts";

/** The PC's timer crystal, 14.31818 MHz divided by 12. */
export const PIT_HERTZ = 1193182;

// Offsets
const COUNTER_0 = 0;
const COUNTER_2 = 2;
const CONTROL = 3;

// Control word: SC is bits 7 and 6
const READ_BACK = 3;
// Read-back command
const READ_BACK_NO_COUNT = 0x20;
const READ_BACK_NO_STATUS = 0x10;

/** The timer. Output 0 is a line; counter 2 has its gate and output on an interface for port 61h. */
export const i8254 = device({
  id: "bulkhead/i8254",
  api: 1,
  version: 1,
  needs: {
    ports: { io: { base: 0x40, size: 4 } },
    lines: { irq0: "edge" },
    alarms: ["out0"],
    provides: { channel2: timerChannel },
  },
  // The gates of counters 0 and 1 are tied high.
  state: () => ({ counters: [counter(true), counter(true), counter(false)] as [Counter, Counter, Counter] }),
  wire({ state, irq, alarm, now }) {
    const tick = () => ticksAt(now(), PIT_HERTZ);
    const channels = state.counters.map((each) => makeCounter(each)) as [CounterView, CounterView, CounterView];
    const irq0 = irq("irq0");

    const out0 = alarm("out0", (due) => {
      const at = ticksAt(due, PIT_HERTZ);
      const level = channels[0].output(at);
      // A strobe of one clock ends with the edge that interrupts: one alarm serves both of its edges.
      if (level) irq0.set(false);
      irq0.set(level);
      arm(at);
    });
    const arm = (from: number) => {
      const next = channels[0].nextEdge(from);
      if (next === Infinity) out0.cancel();
      else out0.at(instantOf(next, PIT_HERTZ));
    };
    /** After counter 0 was programmed. */
    const changed = (at: number) => {
      irq0.set(channels[0].output(at));
      arm(at);
    };

    const register = (index: 0 | 1 | 2): SyncRegister => ({
      name: `COUNTER${index}`,
      at: COUNTER_0 + index,
      width: 1,
      kind: "sync",
      readEffect: true,
      read: () => channels[index].read(tick()),
      write: (value) => {
        const at = tick();
        channels[index].write(value, at);
        if (index === 0) changed(at);
      },
    });

    const control = (value: number) => {
      const at = tick();
      const select = value >> 6;
      if (select === READ_BACK) {
        for (let index = COUNTER_0; index <= COUNTER_2; index++) {
          if ((value & 2 << index) === 0) continue;
          if ((value & READ_BACK_NO_COUNT) === 0) channels[index]!.latchCount(at);
          if ((value & READ_BACK_NO_STATUS) === 0) channels[index]!.latchStatus(at);
        }
        return;
      }
      channels[select]!.control(value & 0x3f, at);
      if (select === 0 && (value & 0x30) !== 0) changed(at);
    };

    return {
      regions: {
        io: [
          register(0),
          register(1),
          register(2),
          { name: "CONTROL", at: CONTROL, width: 1, kind: "sync", write: control },
        ],
      },
      provides: {
        channel2: {
          setGate: (level) => channels[2].setGate(level, tick()),
          gate: () => state.counters[2].gate,
          output: () => channels[2].output(tick()),
        },
      },
      // The 8254 has no reset input: a hard reset leaves it counting. At power-on its state is undefined; here it rests.
      reset() {},
    };
  },
});
