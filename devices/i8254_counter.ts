/**
 * One counter of the 8254: its six modes as functions of the clock's tick number.
 *
 * Intel 8254 datasheet, "Mode Definitions" and "Read Operations". A count written during tick `t` is loaded by the next
 * clock, `t + 1`; `start` is that tick, and the elements of a mode follow from the ticks elapsed since.
 *
 * @module
 */

// Control word: RW is bits 5 and 4, M bits 3 to 1
const RW_LATCH = 0;
const RW_LSB = 1;
const RW_MSB = 2;
const RW_BOTH = 3;

// Status byte
const STATUS_OUTPUT = 0x80;
const STATUS_NULL_COUNT = 0x40;

/** No tick: later than any, and still a plain number for a saved state. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** A counter's state. Ticks are numbered from power-on. */
export interface Counter {
  /** RW, M and BCD as written, bits 5 to 0. */
  control: number;
  /** What counts down from: 1 to 65536, or 10000 in BCD; 0 before a count is written. */
  count: number;
  /** A count that takes over at the end of the present (half) period; 0 if none. */
  next: number;
  /** The tick that loaded the count; -1 while nothing counts. */
  start: number;
  /** Ticks that had elapsed when the gate stopped the counting; -1 while it counts. */
  held: number;
  /** Since when a written count is in the counting element. */
  loaded: number;
  /** The gate input. */
  gate: boolean;
  /** First byte of a two-byte write; -1 if none. */
  low: number;
  /** Latched count bytes still to be read, least significant first. */
  latched: number[];
  /** Latched status; -1 if none. */
  status: number;
  /** The next unlatched read of a two-byte counter gives the most significant byte. */
  highNext: boolean;
}

/** A counter at rest. */
export const counter = (gate: boolean): Counter => ({
  control: 0x30,
  count: 0,
  next: 0,
  start: -1,
  held: -1,
  loaded: 0,
  gate,
  low: -1,
  latched: [],
  status: -1,
  highNext: false,
});

/** What can be done with a counter; `at` is the present tick. */
export interface CounterView {
  /** Takes the lower six bits of a control word for this counter. */
  control(word: number, at: number): void;
  /** Takes a byte of a count. */
  write(byte: number, at: number): void;
  /** Gives a byte of the status or the count. */
  read(at: number): number;
  /** Latches the count. */
  latchCount(at: number): void;
  /** Latches the status byte. */
  latchStatus(at: number): void;
  /** Drives the gate. */
  setGate(level: boolean, at: number): void;
  /** The output at a tick that is not before the last change. */
  output(at: number): boolean;
  /**
   * The first tick after `at` at which the output changes; Infinity if it stays. Of a strobe of one clock, only the
   * rising edge is reported.
   */
  nextEdge(at: number): number;
}

/** The operations on `c`. */
export function makeCounter(c: Counter): CounterView {
  /** Modes 6 and 7 are 2 and 3. */
  const mode = () => {
    const bits = c.control >> 1 & 7;
    return bits > 5 ? bits - 4 : bits;
  };
  const isBcd = () => (c.control & 1) !== 0;
  const rw = () => c.control >> 4 & 3;
  const modulus = () => isBcd() ? 10000 : 0x10000;
  const isPeriodic = () => mode() === 2 || mode() === 3;

  /** The ticks of the first, high half of a square wave. */
  const highHalf = () => (c.count + 1) >> 1;

  /** Ticks since the load; 0 until then. */
  const elapsed = (at: number) => c.held >= 0 ? c.held : Math.max(0, at - c.start);

  /** The tick at which a new count takes over from the present one of a periodic mode. */
  const takeOver = (at: number) => {
    const done = elapsed(at);
    const phase = done % c.count;
    const half = mode() === 3 && phase < highHalf() ? highHalf() : c.count;
    return Math.max(at, c.start) + half - phase;
  };

  /** Lets a count take over whose time has come. */
  const settle = (at: number) => {
    if (c.next === 0 || at < c.loaded) return;
    // A square wave that takes over in its middle goes on with its low half.
    const skipped = mode() === 3 && output(c.loaded - 1) ? (c.next + 1) >> 1 : 0;
    c.count = c.next;
    c.next = 0;
    c.start = c.loaded - skipped;
  };

  const output = (at: number): boolean => {
    if (c.start < 0) return mode() !== 0;
    const done = elapsed(at);
    switch (mode()) {
      case 0:
        return done >= c.count;
      case 1:
        return at < c.start || done >= c.count;
      case 2:
        return c.held >= 0 || done % c.count !== c.count - 1;
      case 3:
        return c.held >= 0 || done % c.count < highHalf();
      default:
        return done !== c.count;
    }
  };

  const value = (at: number): number => {
    if (c.start < 0) return c.count % modulus();
    const done = elapsed(at);
    if (mode() === 2) return (c.count - done % c.count) % modulus();
    if (mode() === 3) {
      const phase = done % c.count;
      const step = phase < highHalf() ? phase : phase - highHalf();
      // An odd count counts from the even number below it (datasheet, mode 3).
      return ((c.count & ~1) - 2 * step) % modulus();
    }
    return (((c.count - done) % modulus()) + modulus()) % modulus();
  };

  const encode = (number: number) => isBcd() ? toBcd(number) : number;

  const load = (count: number, at: number) => {
    c.loaded = at + 1;
    switch (mode()) {
      case 0:
      case 4:
        c.count = count;
        c.start = at + 1;
        c.held = c.gate ? -1 : 0;
        break;
      case 1:
      case 5:
        // Waits for a trigger. A shot under way ends with its old count.
        if (c.start < 0 || output(at) && elapsed(at) >= c.count) {
          c.count = count;
          c.start = -1;
        } else {
          c.next = count;
        }
        c.loaded = NEVER;
        break;
      default:
        if (c.start < 0) {
          c.count = count;
          c.start = at + 1;
          c.held = c.gate ? -1 : 0;
        } else if (c.held >= 0) {
          c.count = count;
        } else {
          c.next = count;
          c.loaded = takeOver(at);
        }
    }
  };

  const latchCount = (at: number) => {
    settle(at);
    if (c.latched.length > 0) return;
    const present = encode(value(at));
    if (rw() !== RW_MSB) c.latched.push(present & 0xff);
    if (rw() !== RW_LSB) c.latched.push(present >> 8);
  };

  return {
    control(word, at) {
      if (word >> 4 === RW_LATCH) {
        latchCount(at);
        return;
      }
      Object.assign(c, counter(c.gate), { control: word, count: c.count, loaded: NEVER });
    },
    write(byte, at) {
      settle(at);
      if (rw() === RW_BOTH && c.low < 0) {
        c.low = byte;
        // Mode 0: the first byte stops the counting and lowers the output.
        if (mode() === 0) {
          c.count = Math.max(1, value(at));
          c.start = -1;
        }
        return;
      }
      const written = rw() === RW_LSB ? byte : rw() === RW_MSB ? byte << 8 : c.low | byte << 8;
      c.low = -1;
      const count = isBcd() ? fromBcd(written) : written;
      load(count === 0 ? modulus() : count, at);
    },
    read(at) {
      settle(at);
      if (c.status >= 0) {
        const status = c.status;
        c.status = -1;
        return status;
      }
      const byte = c.latched.shift();
      if (byte !== undefined) return byte;
      const present = encode(value(at));
      if (rw() === RW_LSB) return present & 0xff;
      if (rw() === RW_MSB) return present >> 8;
      c.highNext = !c.highNext;
      return c.highNext ? present & 0xff : present >> 8;
    },
    latchCount,
    latchStatus(at) {
      settle(at);
      if (c.status >= 0) return;
      c.status = c.control | (output(at) ? STATUS_OUTPUT : 0) | (at < c.loaded ? STATUS_NULL_COUNT : 0);
    },
    setGate(level, at) {
      if (level === c.gate) return;
      settle(at);
      c.gate = level;
      switch (mode()) {
        case 0:
        case 4:
          if (c.start < 0) return;
          if (!level) {
            c.held = elapsed(at);
          } else {
            c.start = at - c.held;
            c.held = -1;
          }
          return;
        case 1:
        case 5:
          if (!level || c.count === 0) return;
          if (c.next !== 0) c.count = c.next;
          c.next = 0;
          c.start = c.loaded = at + 1;
          return;
        default:
          if (c.start < 0) return;
          // Low stops the counting with a high output; the rising edge starts the period anew.
          if (c.next !== 0) c.count = c.next;
          c.next = 0;
          c.held = level ? -1 : 0;
          if (level) c.start = c.loaded = at + 1;
      }
    },
    output(at) {
      settle(at);
      return output(at);
    },
    nextEdge(at) {
      settle(at);
      // A period of one clock is illegal (datasheet, mode 2) and gives no edges.
      if (c.start < 0 || c.held >= 0 || isPeriodic() && c.count < 2) return Infinity;
      const from = Math.max(at, c.start);
      const done = from - c.start;
      // A new count changes the rhythm where it takes over: look again there.
      const limit = c.next !== 0 && isPeriodic() ? c.loaded : Infinity;
      switch (mode()) {
        case 0:
          return done < c.count ? c.start + c.count : Infinity;
        case 1:
          if (at < c.start) return c.start;
          return done < c.count ? c.start + c.count : Infinity;
        case 2:
          return Math.min(limit, from + c.count - done % c.count);
        case 3: {
          const phase = done % c.count;
          return Math.min(limit, from + (phase < highHalf() ? highHalf() : c.count) - phase);
        }
        default:
          return done <= c.count ? c.start + c.count + 1 : Infinity;
      }
    },
  };
}

function toBcd(number: number): number {
  return number % 10 | (Math.floor(number / 10) % 10) << 4 | (Math.floor(number / 100) % 10) << 8 |
    (Math.floor(number / 1000) % 10) << 12;
}

function fromBcd(bcd: number): number {
  return (bcd & 15) + (bcd >> 4 & 15) * 10 + (bcd >> 8 & 15) * 100 + (bcd >> 12 & 15) * 1000;
}
