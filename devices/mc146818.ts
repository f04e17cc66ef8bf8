/**
 * The real-time clock and CMOS memory of a PC, at 70h and 71h.
 *
 * Motorola MC146818A Real-Time Clock Plus RAM, datasheet ADI856R2; the bytes of CMOS memory are those of the IBM PC/AT.
 * Its time is the configured epoch plus virtual time, as far as the guest has not set it.
 *
 * @module
 */

import { device, instantOf, ticksAt } from "../core/bus/mod.ts";
import { type Calendar, fromCalendar, toCalendar } from "./mc146818_calendar.ts";

// Offsets
/** Bits 6 to 0: register; bit 7: NMI masked. Write-only. */
const INDEX = 0;
const DATA = 1;

// Registers
const SECONDS = 0x00;
const SECONDS_ALARM = 0x01;
const MINUTES = 0x02;
const MINUTES_ALARM = 0x03;
const HOURS = 0x04;
const HOURS_ALARM = 0x05;
const DAY_OF_WEEK = 0x06;
const DAY = 0x07;
const MONTH = 0x08;
const YEAR = 0x09;
const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const REGISTER_D = 0x0d;
// CMOS memory of the PC/AT
const EQUIPMENT = 0x14;
const BASE_MEMORY = 0x15;
const EXTENDED_MEMORY = 0x17;
const CHECKSUMMED = 0x10;
const CHECKSUM = 0x2e;
const EXTENDED_MEMORY_FOUND = 0x30;
const CENTURY = 0x32;
/** In units of 64 KB above 16 MB, as SeaBIOS and QEMU have it. */
const MEMORY_ABOVE_16M = 0x34;

// Register A: UIP, DV2-0, RS3-0
const A_UIP = 0x80;
const A_DIVIDER = 0x70;
const A_DIVIDER_RESET = 0x60;
const A_RATE = 0x0f;
/** A 32768 Hz time base, and 1024 periodic interrupts a second. */
const A_INITIAL = 0x26;

// Register B; its bits 6 to 4 enable the flags of register C
const B_SET = 0x80;
const B_BINARY = 0x04;
const B_24_HOUR = 0x02;

// Register C
const C_IRQ = 0x80;
const C_PERIODIC = 0x40;
const C_ALARM = 0x20;
const C_UPDATE = 0x10;
const C_FLAGS = C_PERIODIC | C_ALARM | C_UPDATE;

/** Register D: valid RAM and time; the battery is good. */
const D_VRT = 0x80;

/** The two top bits of an alarm byte: any value matches. */
const ALARM_ANY = 0xc0;
/** Hours register, 12-hour mode: afternoon. */
const PM = 0x80;

/** A coprocessor and a pointing device. */
const EQUIPMENT_INITIAL = 0x06;

const SECOND = 1_000_000_000;
const CRYSTAL_HERTZ = 32768;
/** From UIP going high to the end of the update: 244 us and 1984 us (datasheet, "Update cycle"). */
const UPDATE_TIME = 2_228_000;
/** The first update after the divider is released comes half a second later (datasheet, "Divider control bits"). */
const FIRST_UPDATE = SECOND / 2;
const DAY_SECONDS = 86400;

const isClock = (index: number) =>
  index <= YEAR && index !== SECONDS_ALARM && index !== MINUTES_ALARM && index !== HOURS_ALARM || index === CENTURY;

/** The clock and its memory; interrupts on `irq8`; `nmi-masked` follows bit 7 of port 70h. */
export const mc146818 = device({
  id: "bulkhead/mc146818",
  api: 1,
  version: 1,
  config: {
    epoch: {
      default: 946_684_800,
      min: 0,
      max: 253_402_300_799,
      doc: "the date at power-on, in seconds since 1970 began in UTC; the default is the year 2000",
    },
    memoryBytes: {
      default: 64 * 2 ** 20,
      min: 0,
      max: 2 ** 52,
      doc: "size of the guest's memory in bytes, for the size bytes of CMOS memory",
    },
  },
  needs: {
    ports: { io: { base: 0x70, size: 2 } },
    lines: { irq8: "level", "nmi-masked": "level" },
    alarms: ["periodic", "second"],
  },
  state: (config) => ({
    index: 0,
    cmos: initialMemory(config.memoryBytes),
    /** Seconds since 1970 at the instant `origin`. */
    seconds: Math.floor(config.epoch),
    /** The instant, in virtual nanoseconds, of a tick of the seconds; the divider counts from it. */
    origin: 0,
    /** The instant up to which the flags of register C are set. */
    seen: 0,
    /** The date does not advance: SET, or the divider is held in reset. Its registers are then in `cmos`. */
    stopped: false,
  }),
  wire({ state, irq, alarm, now }) {
    const { cmos } = state;
    const irq8 = irq("irq8");
    const nmiMasked = irq("nmi-masked");

    const passed = (at: number) => Math.floor((at - state.origin) / SECOND);
    const clock = (at: number) => state.seconds + passed(at);
    const isDividerHeld = () => (cmos[REGISTER_A]! & A_DIVIDER_RESET) === A_DIVIDER_RESET;
    /** Ticks of a period of the selected rate; 0 for none. Rates 1 and 2 are those of 8 and 9 (datasheet, table 5). */
    const periodTicks = () => {
      const rate = cmos[REGISTER_A]! & A_RATE;
      return rate === 0 || isDividerHeld() ? 0 : 2 ** ((rate < 3 ? rate + 7 : rate) - 1);
    };
    const periods = (at: number, ticks: number) => Math.floor(ticksAt(at - state.origin, CRYSTAL_HERTZ) / ticks);

    const decode = (value: number) => (cmos[REGISTER_B]! & B_BINARY) !== 0 ? value : (value >> 4) * 10 + (value & 15);
    const encode = (value: number) =>
      (cmos[REGISTER_B]! & B_BINARY) !== 0 ? value : Math.floor(value / 10) << 4 | value % 10;
    const encodeHour = (hour: number) =>
      (cmos[REGISTER_B]! & B_24_HOUR) !== 0 ? encode(hour) : encode((hour + 11) % 12 + 1) | (hour >= 12 ? PM : 0);
    const decodeHour = (value: number) =>
      (cmos[REGISTER_B]! & B_24_HOUR) !== 0 ? decode(value) : decode(value & ~PM) % 12 + ((value & PM) !== 0 ? 12 : 0);

    /** Writes the time into its registers. */
    const fillClock = (seconds: number) => {
      const date = toCalendar(seconds);
      cmos[SECONDS] = encode(date.second);
      cmos[MINUTES] = encode(date.minute);
      cmos[HOURS] = encodeHour(date.hour);
      cmos[DAY_OF_WEEK] = encode(date.weekday);
      cmos[DAY] = encode(date.day);
      cmos[MONTH] = encode(date.month);
      cmos[YEAR] = encode(date.year % 100);
      cmos[CENTURY] = encode(Math.floor(date.year / 100));
    };
    const readClock = (): number => {
      const date: Calendar = {
        second: decode(cmos[SECONDS]!),
        minute: decode(cmos[MINUTES]!),
        hour: decodeHour(cmos[HOURS]!),
        day: decode(cmos[DAY]!),
        month: decode(cmos[MONTH]!),
        year: decode(cmos[CENTURY]!) * 100 + decode(cmos[YEAR]!),
        weekday: 0,
      };
      return fromCalendar(date);
    };

    const alarmMatches = (secondOfDay: number) => {
      const matches = (index: number, value: number) => cmos[index]! >= ALARM_ANY || cmos[index] === value;
      return matches(SECONDS_ALARM, encode(secondOfDay % 60)) &&
        matches(MINUTES_ALARM, encode(Math.floor(secondOfDay / 60) % 60)) &&
        matches(HOURS_ALARM, encodeHour(Math.floor(secondOfDay / 3600)));
    };

    const drive = () => {
      const active = (cmos[REGISTER_C]! & cmos[REGISTER_B]! & C_FLAGS) !== 0;
      cmos[REGISTER_C] = cmos[REGISTER_C]! & C_FLAGS | (active ? C_IRQ : 0);
      irq8.set(active);
    };

    /** Sets the flags of what happened since they were last looked at. */
    const collect = (at: number) => {
      const from = state.seen;
      const ticks = periodTicks();
      if (ticks > 0 && periods(at, ticks) > periods(from, ticks)) cmos[REGISTER_C]! |= C_PERIODIC;
      if (!state.stopped) {
        const updates = passed(at) - passed(from);
        if (updates > 0) cmos[REGISTER_C]! |= C_UPDATE;
        const last = clock(at);
        for (let back = 0; back < Math.min(updates, DAY_SECONDS); back++) {
          if (alarmMatches((last - back) % DAY_SECONDS)) {
            cmos[REGISTER_C]! |= C_ALARM;
            break;
          }
        }
      }
      state.seen = at;
      drive();
    };

    const periodic = alarm("periodic", (due) => {
      collect(due);
      arm(due);
    });
    const second = alarm("second", (due) => {
      collect(due);
      arm(due);
    });
    /** Alarms only for interrupts that are enabled: flags alone are found when they are read. */
    const arm = (at: number) => {
      const ticks = periodTicks();
      const enabled = cmos[REGISTER_B]!;
      if ((enabled & C_PERIODIC) !== 0 && ticks > 0) {
        periodic.at(state.origin + instantOf((periods(at, ticks) + 1) * ticks, CRYSTAL_HERTZ));
      } else {
        periodic.cancel();
      }
      if (!state.stopped && (enabled & (C_UPDATE | C_ALARM)) !== 0) second.at(state.origin + (passed(at) + 1) * SECOND);
      else second.cancel();
    };

    const isHeld = () => (cmos[REGISTER_B]! & B_SET) !== 0 || (cmos[REGISTER_A]! & A_DIVIDER_RESET) === A_DIVIDER_RESET;

    /** After SET or the divider changed. */
    const startOrStop = (at: number, dividerWasReset: boolean) => {
      const held = isHeld();
      if (held && !state.stopped) {
        fillClock(clock(at));
        state.stopped = true;
      } else if (!held && state.stopped) {
        state.stopped = false;
        // SET keeps the divider's phase; its reset does not.
        state.origin = dividerWasReset ? at - FIRST_UPDATE : state.origin + passed(at) * SECOND;
        state.seconds = readClock();
        state.seen = at;
      }
    };

    const read = (): number => {
      const at = now();
      const { index } = state;
      if (isClock(index)) {
        if (!state.stopped) fillClock(clock(at));
        return cmos[index]!;
      }
      switch (index) {
        case REGISTER_A: {
          const untilUpdate = SECOND - (at - state.origin - passed(at) * SECOND);
          return cmos[REGISTER_A]! | (!state.stopped && untilUpdate <= UPDATE_TIME ? A_UIP : 0);
        }
        case REGISTER_C: {
          collect(at);
          const flags = cmos[REGISTER_C]!;
          cmos[REGISTER_C] = 0;
          drive();
          return flags;
        }
        case REGISTER_D:
          return D_VRT;
        default:
          return cmos[index]!;
      }
    };

    const write = (value: number) => {
      const at = now();
      const { index } = state;
      collect(at);
      if (isClock(index)) {
        if (!state.stopped) fillClock(clock(at));
        cmos[index] = value;
        // A write without SET takes effect at once; the divider goes on.
        if (!state.stopped) state.seconds = readClock() - passed(at);
        return;
      }
      switch (index) {
        case REGISTER_A: {
          const wasReset = (cmos[REGISTER_A]! & A_DIVIDER_RESET) === A_DIVIDER_RESET;
          cmos[REGISTER_A] = value & (A_DIVIDER | A_RATE);
          startOrStop(at, wasReset);
          break;
        }
        case REGISTER_B:
          // The formats of the registers change with B: bring them up to date in the old, and again in the new one.
          if (state.stopped) {
            cmos[REGISTER_B] = value;
          } else {
            const seconds = clock(at);
            cmos[REGISTER_B] = value & ~B_SET;
            fillClock(seconds);
            cmos[REGISTER_B] = value;
          }
          // SET clears the update interrupt enable (datasheet, "Register B").
          if ((value & B_SET) !== 0) cmos[REGISTER_B]! &= ~C_UPDATE;
          startOrStop(at, false);
          break;
        case REGISTER_C:
        case REGISTER_D:
          return;
        default:
          cmos[index] = value;
          return;
      }
      drive();
      arm(at);
    };

    return {
      regions: {
        io: [
          {
            name: "INDEX",
            at: INDEX,
            width: 1,
            kind: "sync",
            write(value) {
              state.index = value & 0x7f;
              nmiMasked.set((value & 0x80) !== 0);
            },
          },
          { name: "DATA", at: DATA, width: 1, kind: "sync", readEffect: true, read, write },
        ],
      },
      /** RESET clears the enables and the flags, and nothing else: the battery keeps the rest. */
      reset() {
        cmos[REGISTER_B]! &= ~C_FLAGS;
        cmos[REGISTER_C] = 0;
        state.seen = now();
        drive();
        arm(now());
        nmiMasked.set(false);
      },
    };
  },
});

function initialMemory(memoryBytes: number): number[] {
  const cmos = Array.from({ length: 128 }, () => 0);
  const word = (index: number, value: number) => {
    cmos[index] = value & 0xff;
    cmos[index + 1] = value >> 8;
  };
  const units = (bytes: number, unit: number) => Math.min(0xffff, Math.max(0, Math.floor(bytes / unit)));
  cmos[REGISTER_A] = A_INITIAL;
  cmos[REGISTER_B] = B_24_HOUR;
  cmos[EQUIPMENT] = EQUIPMENT_INITIAL;
  word(BASE_MEMORY, Math.min(640, units(memoryBytes, 1024)));
  word(EXTENDED_MEMORY, units(memoryBytes - 2 ** 20, 1024));
  word(EXTENDED_MEMORY_FOUND, units(memoryBytes - 2 ** 20, 1024));
  word(MEMORY_ABOVE_16M, units(Math.min(memoryBytes, 2 ** 32) - 2 ** 24, 2 ** 16));
  let sum = 0;
  for (let index = CHECKSUMMED; index < CHECKSUM; index++) sum += cmos[index]!;
  cmos[CHECKSUM] = sum >> 8;
  cmos[CHECKSUM + 1] = sum & 0xff;
  return cmos;
}
