import { assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { i8042 } from "./i8042.ts";

const table = () => bench(i8042);
type Table = ReturnType<typeof table>;

const status = (kbd: Table) => kbd.read("command", 0);
const command = (kbd: Table, value: number) => kbd.write("command", 0, value);
const data = (kbd: Table, value: number) => kbd.write("data", 0, value);

/** Waits, up to 20 ms, for bytes; -1 stands for none. */
function answers(kbd: Table, count: number): number[] {
  return Array.from({ length: count }, () => {
    for (let wait = 0; wait < 200 && (status(kbd) & 1) === 0; wait++) kbd.advance(100_000);
    return (status(kbd) & 1) === 0 ? -1 : kbd.read("data", 0);
  });
}

Deno.test("Linux's probe: self test, command byte, auxiliary loop", () => {
  const kbd = table();
  assertEquals(status(kbd) & 0x01, 0);
  command(kbd, 0xaa);
  assertEquals(answers(kbd, 1), [0x55]);
  assertEquals(status(kbd) & 0x04, 0x04);
  command(kbd, 0x20);
  const [byte] = answers(kbd, 1);
  assertEquals(byte, 0x74);
  command(kbd, 0x60);
  data(kbd, 0x65);
  command(kbd, 0x20);
  assertEquals(answers(kbd, 1), [0x65]);
  // What is written to the auxiliary buffer comes back as auxiliary data.
  command(kbd, 0xd3);
  data(kbd, 0x5a);
  assertEquals([status(kbd) & 0x21, kbd.read("data", 0)], [0x21, 0x5a]);
  command(kbd, 0xa9);
  assertEquals(answers(kbd, 1), [0x00]);
  command(kbd, 0xa7);
  command(kbd, 0x20);
  assertEquals(answers(kbd, 1)[0]! & 0x20, 0x20);
  command(kbd, 0xa8);
  command(kbd, 0x20);
  assertEquals(answers(kbd, 1)[0]! & 0x20, 0);
  // Nobody answers behind the auxiliary port: FEh with a time-out.
  command(kbd, 0xd4);
  data(kbd, 0xf2);
  assertEquals([status(kbd) & 0x61, kbd.read("data", 0)], [0x61, 0xfe]);
});

Deno.test("the keyboard answers reset, identify, LED and rate commands", () => {
  const kbd = table();
  command(kbd, 0x60);
  data(kbd, 0x00);
  data(kbd, 0xff);
  assertEquals(answers(kbd, 3), [0xfa, 0xaa, -1]);
  data(kbd, 0xf2);
  assertEquals(answers(kbd, 3), [0xfa, 0xab, 0x83]);
  data(kbd, 0xed);
  assertEquals(answers(kbd, 1), [0xfa]);
  data(kbd, 0x07);
  assertEquals([answers(kbd, 1), kbd.state.keyboard.leds], [[0xfa], 7]);
  data(kbd, 0xf3);
  data(kbd, 0x00);
  assertEquals(answers(kbd, 2), [0xfa, 0xfa]);
  data(kbd, 0xf0);
  data(kbd, 0x00);
  assertEquals(answers(kbd, 3), [0xfa, 0xfa, 0x02]);
  data(kbd, 0xee);
  assertEquals(answers(kbd, 1), [0xee]);
  data(kbd, 0x10);
  assertEquals(answers(kbd, 1), [0xfe]);
});

Deno.test("keys interrupt once a byte and are translated to set 1", () => {
  const kbd = table();
  command(kbd, 0x60);
  data(kbd, 0x41);
  // "a" pressed and released.
  assertEquals(kbd.provides("keys").send(Uint8Array.of(0x1c, 0xf0, 0x1c)), 3);
  assertEquals(kbd.line("irq1"), false);
  kbd.advance(500_000);
  assertEquals([kbd.line("irq1"), kbd.read("data", 0), kbd.line("irq1")], [true, 0x1e, false]);
  assertEquals(answers(kbd, 2), [0x9e, -1]);
  assertEquals(kbd.rises("irq1"), 2);
});

Deno.test("a disabled keyboard keeps its codes, a full one takes no more", () => {
  const kbd = table();
  command(kbd, 0xad);
  assertEquals(kbd.provides("keys").send(new Uint8Array(20).fill(0x1c)), 16);
  assertEquals(answers(kbd, 1), [-1]);
  command(kbd, 0xae);
  assertEquals(answers(kbd, 17).filter((code) => code === 0x1e).length, 16);
  data(kbd, 0xf5);
  assertEquals(answers(kbd, 1), [0xfa]);
  kbd.provides("keys").send(Uint8Array.of(0x1c));
  assertEquals(answers(kbd, 1), [-1]);
});

Deno.test("A20 follows the output port", () => {
  const kbd = table();
  assertEquals(kbd.line("a20"), true);
  command(kbd, 0xdd);
  assertEquals(kbd.line("a20"), false);
  command(kbd, 0xdf);
  assertEquals(kbd.line("a20"), true);
  command(kbd, 0xd1);
  data(kbd, 0xdd);
  assertEquals(kbd.line("a20"), false);
  command(kbd, 0xd0);
  assertEquals(answers(kbd, 1)[0]! & 0x03, 0x01);
});

Deno.test("FEh and bit 0 of the output port pulse the reset line", () => {
  const kbd = table();
  command(kbd, 0xff);
  assertEquals(kbd.rises("reset"), 0);
  command(kbd, 0xfe);
  assertEquals([kbd.rises("reset"), kbd.line("reset")], [1, false]);
  command(kbd, 0xd1);
  data(kbd, 0x02);
  assertEquals(kbd.rises("reset"), 2);
});

Deno.test("auxiliary data interrupts on IRQ 12", () => {
  const kbd = table();
  command(kbd, 0x60);
  data(kbd, 0x47);
  command(kbd, 0xd3);
  data(kbd, 0xa5);
  assertEquals([kbd.line("irq12"), kbd.line("irq1")], [true, false]);
  kbd.read("data", 0);
  assertEquals(kbd.line("irq12"), false);
});

Deno.test("an unknown command is logged and ignored", () => {
  const kbd = table();
  command(kbd, 0xb7);
  assertEquals([status(kbd) & 1, kbd.logs[0]?.fields?.command], [0, 0xb7]);
});

Deno.test("i8042 conforms", () => {
  conformance(i8042, [
    (kbd) => command(kbd, 0xaa),
    (kbd) => answers(kbd, 1),
    (kbd) => command(kbd, 0x60),
    (kbd) => data(kbd, 0x47),
    (kbd) => data(kbd, 0xff),
    (kbd) => answers(kbd, 1),
    (kbd) => kbd.provides("keys").send(Uint8Array.of(0x1c, 0xf0, 0x1c, 0xe0, 0x75)),
    (kbd) => answers(kbd, 2),
    (kbd) => kbd.advance(300_000),
    (kbd) => data(kbd, 0xed),
    (kbd) => data(kbd, 0x02),
    (kbd) => answers(kbd, 6),
    (kbd) => command(kbd, 0xdd),
    (kbd) => command(kbd, 0xd1),
    (kbd) => data(kbd, 0x03),
    (kbd) => kbd.reset(),
  ]);
});
