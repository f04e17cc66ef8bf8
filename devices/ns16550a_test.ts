import { assert, assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { ns16550a } from "./ns16550a.ts";

const [DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

function table(transmit: "immediate" | "baud" = "immediate") {
  const sent: number[] = [];
  let readies = 0;
  const uart = bench(ns16550a, {
    config: { transmit },
    uses: { backend: { write: (bytes) => void sent.push(...bytes), ready: () => readies++ } },
  });
  return { uart, sent, readies: () => readies };
}
type Uart = ReturnType<typeof table>["uart"];

/** 115200 baud, 8N1, FIFOs with a trigger level of 8, OUT2, RTS and DTR. */
function open(uart: Uart, ier = 0x0f) {
  uart.write("io", LCR, 0x83);
  uart.write("io", DATA, 1);
  uart.write("io", IER, 0);
  uart.write("io", LCR, 0x03);
  uart.write("io", IIR_FCR, 0x87);
  uart.write("io", MCR, 0x0b);
  uart.write("io", IER, ier);
}

const receive = (uart: Uart, ...bytes: number[]) => uart.provides("serial").receive(Uint8Array.from(bytes));

Deno.test("a character is sent at once by default", () => {
  const { uart, sent } = table();
  for (const byte of new TextEncoder().encode("hi")) {
    assertEquals(uart.read("io", LSR) & 0x60, 0x60);
    uart.write("io", DATA, byte);
  }
  assertEquals(sent, [0x68, 0x69]);
});

Deno.test("characters take their time at the line speed if told so", () => {
  const { uart, sent } = table("baud");
  open(uart, 0x02);
  assertEquals(uart.read("io", IIR_FCR), 0xc2);
  for (let byte = 0; byte < 16; byte++) uart.write("io", DATA, byte);
  assertEquals([uart.read("io", LSR) & 0x60, uart.line("irq")], [0, false]);
  // 10 bits at 115200 baud: 86.8 us.
  uart.advance(86_000);
  assertEquals(sent, []);
  uart.advance(1_000);
  assertEquals(sent, [0]);
  uart.advance(14 * 86_806);
  assertEquals([uart.read("io", LSR) & 0x60, uart.line("irq")], [0x20, true]);
  uart.advance(86_806);
  assertEquals([sent.length, uart.read("io", LSR) & 0x60], [16, 0x60]);
});

Deno.test("the empty transmitter interrupts when enabled, after each write, and is answered by reading IIR", () => {
  const { uart } = table();
  open(uart, 0x00);
  assertEquals(uart.line("irq"), false);
  for (let turn = 0; turn < 2; turn++) {
    uart.write("io", IER, 0x02);
    assertEquals([uart.line("irq"), uart.read("io", IIR_FCR), uart.read("io", IIR_FCR)], [true, 0xc2, 0xc1]);
    uart.write("io", IER, 0x00);
  }
  uart.write("io", IER, 0x02);
  uart.read("io", IIR_FCR);
  uart.write("io", DATA, 0x41);
  assertEquals([uart.line("irq"), uart.read("io", IIR_FCR)], [true, 0xc2]);
});

Deno.test("OUT2 connects the interrupt", () => {
  const { uart } = table();
  open(uart, 0x02);
  uart.write("io", MCR, 0x03);
  assertEquals(uart.line("irq"), false);
  uart.write("io", MCR, 0x0b);
  assertEquals(uart.line("irq"), true);
});

Deno.test("received characters interrupt at the trigger level, or after four character times", () => {
  const { uart } = table();
  open(uart, 0x01);
  assertEquals(receive(uart, 1, 2, 3), 3);
  assertEquals([uart.line("irq"), uart.read("io", LSR) & 0x01], [false, 1]);
  uart.advance(4 * 86_806);
  assertEquals([uart.line("irq"), uart.read("io", IIR_FCR)], [true, 0xcc]);
  assertEquals(uart.read("io", DATA), 1);
  assertEquals(uart.line("irq"), false);
  receive(uart, 4, 5, 6, 7, 8, 9);
  assertEquals(uart.read("io", IIR_FCR), 0xc4);
  assertEquals([2, 3, 4, 5, 6, 7, 8, 9].map(() => uart.read("io", DATA)), [2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals([uart.line("irq"), uart.read("io", LSR) & 0x01], [false, 0]);
  uart.advance(1e6);
  assertEquals(uart.line("irq"), false);
});

Deno.test("a full receiver takes no more until it is read, and says when", () => {
  const { uart, readies } = table();
  assertEquals(receive(uart, 1, 2), 1);
  assertEquals([readies(), uart.read("io", DATA), readies()], [0, 1, 1]);
  open(uart);
  const before = readies();
  assertEquals(receive(uart, ...Array.from({ length: 20 }, (_, index) => index)), 16);
  uart.read("io", DATA);
  uart.read("io", DATA);
  assertEquals(readies(), before + 1);
  assertEquals(uart.read("io", LSR) & 0x02, 0);
});

Deno.test("interrupts have the datasheet's priorities", () => {
  const { uart } = table();
  open(uart);
  uart.write("io", IIR_FCR, 0x01);
  uart.provides("serial").receiveBreak();
  uart.write("io", MCR, 0x11);
  uart.write("io", MCR, 0x0b);
  assertEquals(uart.read("io", IIR_FCR), 0xc6);
  assertEquals(uart.read("io", LSR), 0xf1);
  assertEquals(uart.read("io", IIR_FCR), 0xc4);
  assertEquals(uart.read("io", DATA), 0);
  assertEquals(uart.read("io", IIR_FCR), 0xc2);
  assertEquals(uart.read("io", IIR_FCR), 0xc0);
  uart.read("io", MSR);
  assertEquals([uart.read("io", IIR_FCR), uart.line("irq")], [0xc1, false]);
});

Deno.test("a break shows when it reaches the top of the FIFO", () => {
  const { uart } = table();
  open(uart, 0);
  receive(uart, 0x41);
  uart.provides("serial").receiveBreak();
  assertEquals(uart.read("io", LSR) & 0x90, 0x80);
  uart.read("io", DATA);
  assertEquals(uart.read("io", LSR) & 0x90, 0x90);
  assertEquals(uart.read("io", LSR) & 0x90, 0x00);
});

Deno.test("in loopback the transmitter and the outputs come back, and the line hears nothing", () => {
  const { uart, sent } = table();
  open(uart, 0);
  assertEquals(uart.read("io", MSR), 0xb0);
  uart.write("io", MCR, 0x1a);
  // RTS is CTS, OUT2 is DCD; DSR fell.
  assertEquals(uart.read("io", MSR), 0x92);
  assertEquals(uart.read("io", MSR), 0x90);
  uart.write("io", MCR, 0x14);
  assertEquals(uart.read("io", MSR) & 0xf0, 0x40);
  uart.write("io", MCR, 0x10);
  assertEquals(uart.read("io", MSR), 0x04);
  for (let byte = 0; byte < 17; byte++) uart.write("io", DATA, byte);
  assertEquals(sent, []);
  // Overrun: the FIFO keeps its 16, the 17th is lost.
  assertEquals(uart.read("io", LSR) & 0x03, 0x03);
  assertEquals(Array.from({ length: 16 }, () => uart.read("io", DATA)).at(-1), 15);
  assertEquals(receive(uart, 1), 0);
});

Deno.test("the divisor lies under the data and interrupt registers", () => {
  const { uart, sent } = table();
  uart.write("io", LCR, 0x80);
  uart.write("io", DATA, 0x34);
  uart.write("io", IER, 0x12);
  assertEquals([uart.read("io", DATA), uart.read("io", IER)], [0x34, 0x12]);
  uart.write("io", LCR, 0x00);
  assertEquals([uart.read("io", IER), sent], [0, []]);
  uart.write("io", SCR, 0x5a);
  assertEquals(uart.read("io", SCR), 0x5a);
});

Deno.test("Linux's autoconfig finds a 16550A, and none of its relatives", () => {
  const { uart } = table();
  // IER: no bits beyond the four.
  uart.write("io", IER, 0x00);
  assertEquals(uart.read("io", IER) & 0x0f, 0);
  uart.write("io", IER, 0xff);
  assertEquals(uart.read("io", IER), 0x0f);
  uart.write("io", IER, 0x00);
  // Loopback test.
  uart.write("io", MCR, 0x1a);
  assertEquals(uart.read("io", MSR) & 0xf0, 0x90);
  uart.write("io", MCR, 0x00);
  // FIFOs, which an 8250 or 16550 lacks.
  uart.write("io", LCR, 0xbf);
  uart.write("io", IIR_FCR, 0x00);
  uart.write("io", LCR, 0x00);
  uart.write("io", IIR_FCR, 0x01);
  assertEquals(uart.read("io", IIR_FCR) >> 6, 3);
  // An ST16650 would show an EFR of 0 here.
  uart.write("io", LCR, 0x80);
  assert(uart.read("io", IIR_FCR) !== 0);
  uart.write("io", LCR, 0xbf);
  assert(uart.read("io", IIR_FCR) !== 0);
  // A 16750 would show its 64-byte FIFO.
  uart.write("io", LCR, 0x80);
  uart.write("io", IIR_FCR, 0x21);
  assertEquals(uart.read("io", IIR_FCR) >> 5, 6);
});

Deno.test("a reset empties the FIFOs and tells the back end that there is room", () => {
  const { uart, readies } = table();
  open(uart);
  receive(uart, ...Array.from({ length: 17 }, () => 1));
  const before = readies();
  uart.reset();
  assertEquals([uart.read("io", LSR), uart.line("irq"), readies() > before], [0x60, false, true]);
});

Deno.test("ns16550a conforms", () => {
  for (const transmit of ["immediate", "baud"] as const) {
    conformance(ns16550a, [
      (uart) => open(uart),
      (uart) => uart.write("io", DATA, 0x41),
      (uart) => uart.read("io", IIR_FCR),
      (uart) => uart.write("io", DATA, 0x42),
      (uart) => uart.advance(50_000),
      (uart) => receive(uart, 1, 2, 3),
      (uart) => uart.advance(400_000),
      (uart) => uart.read("io", IIR_FCR),
      (uart) => uart.read("io", DATA),
      (uart) => receive(uart, ...Array.from({ length: 20 }, (_, index) => index)),
      (uart) => uart.read("io", DATA),
      (uart) => uart.provides("serial").receiveBreak(),
      (uart) => uart.write("io", MCR, 0x1f),
      (uart) => uart.write("io", DATA, 0x43),
      (uart) => uart.advance(400_000),
      (uart) => uart.read("io", LSR),
      (uart) => uart.read("io", MSR),
      (uart) => uart.reset(),
    ], { config: { transmit } });
  }
});
