import { assert, assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { mc146818 } from "./mc146818.ts";
import { fromCalendar, toCalendar } from "./mc146818_calendar.ts";

/** 2024-02-29 23:59:58 UTC, a Thursday. */
const EPOCH = 1_709_251_198;
const SECOND = 1e9;
const table = (config: { epoch?: number; memoryBytes?: number } = { epoch: EPOCH }) => bench(mc146818, { config });
type Table = ReturnType<typeof table>;

function get(rtc: Table, index: number): number {
  rtc.write("io", 0, index);
  return rtc.read("io", 1);
}

function set(rtc: Table, index: number, value: number) {
  rtc.write("io", 0, index);
  rtc.write("io", 1, value);
}

/** Century, year, month, day, hours, minutes, seconds and day of the week. */
const date = (rtc: Table) =>
  [0x32, 9, 8, 7, 4, 2, 0, 6].map((index) => get(rtc, index).toString(16).padStart(2, "0")).join(" ");

Deno.test("the date is the epoch plus virtual time, in BCD and 24 hours", () => {
  const rtc = table();
  assertEquals(date(rtc), "20 24 02 29 23 59 58 05");
  rtc.advance(2 * SECOND);
  assertEquals(date(rtc), "20 24 03 01 00 00 00 06");
  rtc.advance(366 * 86400 * SECOND);
  assertEquals(date(rtc), "20 25 03 02 00 00 00 01");
});

Deno.test("binary and 12-hour formats", () => {
  const rtc = table();
  set(rtc, 0x0b, 0x06);
  assertEquals([get(rtc, 4), get(rtc, 2), get(rtc, 9)], [23, 59, 24]);
  set(rtc, 0x0b, 0x00);
  assertEquals(get(rtc, 4), 0x91);
  rtc.advance(2 * SECOND);
  assertEquals(get(rtc, 4), 0x12);
});

Deno.test("the guest sets the date under SET, and time goes on from there", () => {
  const rtc = table();
  rtc.advance(SECOND / 4);
  set(rtc, 0x0b, 0x82);
  for (
    const [index, value] of [[0, 0x30], [2, 0x15], [4, 0x12], [7, 0x31], [8, 0x12], [9, 0x99], [0x32, 0x19]] as const
  ) {
    set(rtc, index, value);
  }
  rtc.advance(10 * SECOND);
  assertEquals(date(rtc).slice(0, 20), "19 99 12 31 12 15 30");
  set(rtc, 0x0b, 0x02);
  rtc.advance(SECOND / 2);
  assertEquals(get(rtc, 0), 0x30);
  rtc.advance(SECOND / 4);
  assertEquals(get(rtc, 0), 0x31);
});

Deno.test("the first update comes half a second after the divider is released", () => {
  const rtc = table();
  set(rtc, 0x0a, 0x76);
  rtc.advance(7.3 * SECOND);
  assertEquals(get(rtc, 0), 0x58);
  set(rtc, 0x0a, 0x26);
  rtc.advance(SECOND / 2 - 1);
  assertEquals(get(rtc, 0), 0x58);
  rtc.advance(1);
  assertEquals(get(rtc, 0), 0x59);
});

Deno.test("a register written without SET takes effect at once", () => {
  const rtc = table();
  set(rtc, 4, 0x10);
  assertEquals(date(rtc), "20 24 02 29 10 59 58 05");
});

Deno.test("UIP announces the update, as Linux waits for it", () => {
  const rtc = table();
  assertEquals(get(rtc, 0x0a), 0x26);
  rtc.advance(SECOND - 2_228_001);
  assertEquals(get(rtc, 0x0a), 0x26);
  rtc.advance(1);
  assertEquals(get(rtc, 0x0a), 0xa6);
  const before = get(rtc, 0);
  rtc.advance(2_228_000);
  assertEquals([get(rtc, 0x0a), get(rtc, 0)], [0x26, before + 1]);
});

Deno.test("the periodic interrupt holds its line until register C is read", () => {
  const rtc = table();
  set(rtc, 0x0b, 0x42);
  rtc.advance(976_562);
  assertEquals(rtc.line("irq8"), false);
  rtc.advance(1);
  assertEquals(rtc.line("irq8"), true);
  rtc.advance(5_000_000);
  assertEquals(rtc.rises("irq8"), 1);
  assertEquals([get(rtc, 0x0c), rtc.line("irq8"), get(rtc, 0x0c)], [0xc0, false, 0]);
  for (let tick = 0; tick < 1024; tick++) {
    rtc.advance(SECOND / 1024);
    get(rtc, 0x0c);
  }
  assertEquals(rtc.rises("irq8"), 1025);
});

Deno.test("flags are set whether or not they interrupt", () => {
  const rtc = table();
  rtc.advance(1.5 * SECOND);
  assertEquals([rtc.line("irq8"), get(rtc, 0x0c)], [false, 0x50]);
  assertEquals(get(rtc, 0x0c), 0);
});

Deno.test("the update interrupt comes each second, and SET disables it", () => {
  const rtc = table();
  set(rtc, 0x0b, 0x12);
  for (let second = 0; second < 3; second++) {
    rtc.advance(SECOND);
    assertEquals(get(rtc, 0x0c) & 0x90, 0x90);
  }
  set(rtc, 0x0b, 0x92);
  assertEquals(get(rtc, 0x0b), 0x82);
});

Deno.test("the alarm matches its time, and any value where its top bits are set", () => {
  const rtc = table();
  for (const [index, value] of [[1, 0x05], [3, 0xc0], [5, 0xff]] as const) set(rtc, index, value);
  set(rtc, 0x0b, 0x22);
  rtc.advance(6 * SECOND);
  assertEquals(rtc.line("irq8"), false);
  rtc.advance(SECOND);
  assertEquals(get(rtc, 0x0c) & 0xa0, 0xa0);
  rtc.advance(60 * SECOND);
  assertEquals(rtc.line("irq8"), true);
});

Deno.test("CMOS memory tells the memory's size and has its checksum", () => {
  const rtc = table({ memoryBytes: 256 * 2 ** 20 });
  const word = (index: number) => get(rtc, index) | get(rtc, index + 1) << 8;
  assertEquals([word(0x15), word(0x17), word(0x30), word(0x34)], [640, 0xffff, 0xffff, 240 * 16]);
  assertEquals(get(rtc, 0x0d), 0x80);
  let sum = 0;
  for (let index = 0x10; index < 0x2e; index++) sum += get(rtc, index);
  assertEquals(sum, get(rtc, 0x2e) << 8 | get(rtc, 0x2f));
  const small = table({ memoryBytes: 8 * 2 ** 20 });
  assertEquals(get(small, 0x18), 7 * 1024 >> 8);
  set(small, 0x40, 0x99);
  small.reset();
  assertEquals(get(small, 0x40), 0x99);
});

Deno.test("bit 7 of the index masks NMI", () => {
  const rtc = table();
  rtc.write("io", 0, 0x8d);
  assertEquals([rtc.line("nmi-masked"), rtc.read("io", 1)], [true, 0x80]);
  rtc.write("io", 0, 0x00);
  assertEquals(rtc.line("nmi-masked"), false);
});

Deno.test("the calendar is the Gregorian one", () => {
  for (let day = 0; day < 80_000; day += 13) {
    const date = toCalendar(day * 86400 + 12345);
    const host = new Date((day * 86400 + 12345) * 1000);
    assertEquals(
      [date.year, date.month, date.day, date.weekday],
      [host.getUTCFullYear(), host.getUTCMonth() + 1, host.getUTCDate(), host.getUTCDay() + 1],
    );
    assertEquals(fromCalendar(date), day * 86400 + 12345);
  }
  assert(fromCalendar({ ...toCalendar(0), month: 2, day: 31, year: 2023 }) > 0);
});

Deno.test("mc146818 conforms", () => {
  conformance(mc146818, [
    (rtc) => set(rtc, 0x0b, 0x72),
    (rtc) => rtc.advance(2_500_000),
    (rtc) => get(rtc, 0x0c),
    (rtc) => rtc.advance(1.2 * SECOND),
    (rtc) => set(rtc, 0x0b, 0x82),
    (rtc) => set(rtc, 0, 0x42),
    (rtc) => set(rtc, 0x0b, 0x02),
    (rtc) => rtc.advance(SECOND),
    (rtc) => set(rtc, 0x0a, 0x60),
    (rtc) => rtc.advance(SECOND),
    (rtc) => set(rtc, 0x0a, 0x26),
    (rtc) => rtc.advance(SECOND),
    (rtc) => date(rtc),
    (rtc) => rtc.reset(),
  ]);
});
