import { assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { i8254 } from "./i8254.ts";
import { instantOf } from "../core/bus/mod.ts";

const HERTZ = 1193182;
const table = () => bench(i8254);
type Table = ReturnType<typeof table>;

/** Lets time pass up to the beginning of a tick. */
const until = (pit: Table, tick: number) => pit.advance(instantOf(tick, HERTZ) - pit.now);

/** Programs a counter: control word, then the bytes of the count. */
function program(pit: Table, counter: number, control: number, ...bytes: number[]) {
  pit.write("io", 3, counter << 6 | control);
  for (const byte of bytes) pit.write("io", counter, byte);
}

function latched(pit: Table, counter: number): number {
  pit.write("io", 3, counter << 6);
  return pit.read("io", counter) | pit.read("io", counter) << 8;
}

const output2 = (pit: Table) => pit.provides("channel2").output();
const setGate2 = (pit: Table, level: boolean) => pit.provides("channel2").setGate(level);

Deno.test("mode 0 goes high when the count has run out, and stays", () => {
  const pit = table();
  program(pit, 0, 0x30, 100, 0);
  assertEquals(pit.line("irq0"), false);
  until(pit, 50);
  // Loaded at tick 1.
  assertEquals(latched(pit, 0), 100 - 49);
  until(pit, 100);
  assertEquals(pit.line("irq0"), false);
  until(pit, 101);
  assertEquals([pit.line("irq0"), latched(pit, 0)], [true, 0]);
  until(pit, 111);
  assertEquals([pit.line("irq0"), latched(pit, 0)], [true, 0x10000 - 10]);
  // The first byte of a new count lowers the output and stops the counting.
  pit.write("io", 0, 10);
  assertEquals(pit.line("irq0"), false);
  until(pit, 200);
  assertEquals(pit.line("irq0"), false);
  pit.write("io", 0, 0);
  until(pit, 211);
  assertEquals([pit.line("irq0"), pit.rises("irq0")], [true, 2]);
});

Deno.test("mode 2 interrupts at exactly its rate, for hours", () => {
  const pit = table();
  // HZ=250: 4773 ticks.
  program(pit, 0, 0x34, 4773 & 0xff, 4773 >> 8);
  for (let seconds = 0; seconds < 20; seconds++) pit.advance(1e9);
  const expected = Math.floor((20 * HERTZ - 1) / 4773);
  assertEquals(pit.rises("irq0"), expected + 1);
  until(pit, 24_000_001);
  assertEquals(latched(pit, 0), 4773 - 24_000_000 % 4773);
});

Deno.test("mode 2 takes a new count over at the end of the period", () => {
  const pit = table();
  program(pit, 2, 0x34, 100, 0);
  setGate2(pit, true);
  until(pit, 31);
  pit.write("io", 2, 10);
  pit.write("io", 2, 0);
  const low: number[] = [];
  for (let tick = 31; tick < 140; tick++) {
    until(pit, tick);
    if (!output2(pit)) low.push(tick);
  }
  assertEquals(low, [100, 110, 120, 130]);
});

Deno.test("mode 3 is a square wave, longer high than low if odd", () => {
  const pit = table();
  setGate2(pit, true);
  program(pit, 2, 0x36, 5, 0);
  const wave = (from: number, count: number) =>
    Array.from({ length: count }, (_, step) => (until(pit, from + step), output2(pit) ? "#" : "_")).join("");
  assertEquals(wave(1, 15), "###__###__###__");
  // Odd counts count by two from the even number below.
  assertEquals(latched(pit, 2), 2);
  program(pit, 2, 0x36, 6, 0);
  assertEquals(wave(16, 13), "###___###___#");
});

Deno.test("mode 3 interrupts once a period", () => {
  const pit = table();
  program(pit, 0, 0x36, 0, 0);
  pit.advance(1e9);
  assertEquals(pit.rises("irq0"), 1 + Math.floor((HERTZ - 1) / 65536));
});

Deno.test("mode 4 is a strobe of one clock, as Linux's one-shot timer uses it", () => {
  const pit = table();
  program(pit, 0, 0x38, 20, 0);
  const armed = pit.rises("irq0");
  until(pit, 21);
  assertEquals(pit.rises("irq0"), armed);
  until(pit, 22);
  assertEquals(pit.rises("irq0"), armed + 1);
  pit.advance(1e9);
  assertEquals(pit.rises("irq0"), armed + 1);
});

Deno.test("modes 1 and 5 wait for the gate and can be triggered again", () => {
  const pit = table();
  program(pit, 2, 0x32, 10, 0);
  until(pit, 30);
  assertEquals(output2(pit), true);
  setGate2(pit, true);
  until(pit, 31);
  assertEquals(output2(pit), false);
  setGate2(pit, false);
  until(pit, 36);
  setGate2(pit, true);
  until(pit, 46);
  assertEquals(output2(pit), false);
  until(pit, 47);
  assertEquals(output2(pit), true);

  setGate2(pit, false);
  program(pit, 2, 0x3a, 10, 0);
  setGate2(pit, true);
  until(pit, 47 + 1 + 9);
  assertEquals(output2(pit), true);
  until(pit, 47 + 1 + 10);
  assertEquals(output2(pit), false);
  until(pit, 47 + 1 + 11);
  assertEquals(output2(pit), true);
});

Deno.test("a low gate pauses mode 0 and restarts modes 2 and 3", () => {
  const pit = table();
  setGate2(pit, true);
  program(pit, 2, 0x30, 50, 0);
  until(pit, 11);
  setGate2(pit, false);
  until(pit, 500);
  assertEquals(latched(pit, 2), 40);
  setGate2(pit, true);
  until(pit, 540);
  assertEquals(output2(pit), true);
  program(pit, 2, 0x34, 50, 0);
  until(pit, 590);
  assertEquals(output2(pit), false);
  setGate2(pit, false);
  assertEquals(output2(pit), true);
  setGate2(pit, true);
  until(pit, 591);
  assertEquals(latched(pit, 2), 50);
});

Deno.test("BCD counts decimally", () => {
  const pit = table();
  program(pit, 0, 0x31, 0x00, 0x10);
  until(pit, 2);
  assertEquals(latched(pit, 0), 0x0999);
  program(pit, 0, 0x35, 0, 0);
  until(pit, 4);
  assertEquals(latched(pit, 0), 0x9999);
});

Deno.test("the read-back command latches status and count of several counters", () => {
  const pit = table();
  program(pit, 0, 0x34, 0x10, 0);
  program(pit, 2, 0x32, 0x20, 0);
  until(pit, 5);
  pit.write("io", 3, 0xc0 | 0x02 | 0x08);
  until(pit, 9);
  assertEquals([pit.read("io", 0), pit.read("io", 0), pit.read("io", 0)], [0xb4, 0x10 - 4, 0]);
  // Counter 2 was not triggered: null count.
  assertEquals(pit.read("io", 2), 0xf2);
  // Status only.
  pit.write("io", 3, 0xe2);
  assertEquals(pit.read("io", 0), 0xb4);
  // Null count until the next clock loads it.
  pit.write("io", 0, 9);
  pit.write("io", 0, 0);
  pit.write("io", 3, 0xe2);
  assertEquals(pit.read("io", 0) & 0x40, 0x40);
});

Deno.test("a latch holds until it is read, and one-byte counters give one byte", () => {
  const pit = table();
  program(pit, 0, 0x14, 200);
  until(pit, 11);
  pit.write("io", 3, 0x00);
  until(pit, 21);
  pit.write("io", 3, 0x00);
  assertEquals([pit.read("io", 0), pit.read("io", 0)], [190, 180]);
  program(pit, 0, 0x24, 2);
  until(pit, 22);
  assertEquals(pit.read("io", 0), 2);
});

Deno.test("Linux's calibration finds 50 ms on counter 2", () => {
  const pit = table();
  setGate2(pit, true);
  const count = Math.floor(HERTZ / 20);
  program(pit, 2, 0x30, count & 0xff, count >> 8);
  const start = pit.now;
  while (!output2(pit)) pit.advance(1000);
  assertEquals(Math.round((pit.now - start) / 1e5), 500);
});

Deno.test("Linux's quick calibration reads the high byte falling from FFh", () => {
  const pit = table();
  setGate2(pit, true);
  program(pit, 2, 0x30, 0xff, 0xff);
  pit.read("io", 2);
  assertEquals(pit.read("io", 2), 0xff);
  pit.advance(257 * 839);
  pit.read("io", 2);
  assertEquals(pit.read("io", 2), 0xfe);
});

Deno.test("i8254 conforms", () => {
  conformance(i8254, [
    (pit) => program(pit, 0, 0x34, 0x10, 0x02),
    (pit) => pit.advance(1_000_000),
    (pit) => pit.write("io", 0, 0x80),
    (pit) => pit.write("io", 0, 0x01),
    (pit) => pit.advance(500_000),
    (pit) => program(pit, 2, 0x36, 0xff, 0x01),
    (pit) => setGate2(pit, true),
    (pit) => pit.advance(300_000),
    (pit) => pit.write("io", 3, 0xde),
    (pit) => pit.read("io", 0),
    (pit) => pit.read("io", 2),
    (pit) => program(pit, 0, 0x38, 0x00, 0x10),
    (pit) => pit.advance(5_000_000),
    (pit) => program(pit, 2, 0x3a, 0x40),
    (pit) => setGate2(pit, false),
  ]);
});
