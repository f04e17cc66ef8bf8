import { assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { piix3 } from "./piix3.ts";

const PIRQRC = 0x60;

Deno.test("PCI interrupts go to the requests that firmware has chosen, shared where two choose one", () => {
  const table = bench(piix3, { config: { pirqa: 11, pirqb: 9, pirqc: 11, pirqd: 9 } });
  assertEquals(table.configurationRead(PIRQRC, 4), 0x090b090b);
  table.input("pirqa", true);
  table.input("pirqc", true);
  table.input("pirqa", false);
  assertEquals([table.line("irq11"), table.line("irq9")], [true, false]);
  table.input("pirqc", false);
  assertEquals([table.line("irq11"), table.rises("irq11")], [false, 1]);
});

Deno.test("the guest can route them elsewhere, and nowhere", () => {
  const table = bench(piix3);
  table.input("pirqb", true);
  table.configurationWrite(PIRQRC + 1, 5);
  assertEquals([table.line("irq9"), table.line("irq5")], [false, true]);
  table.configurationWrite(PIRQRC + 1, 0x85);
  assertEquals(table.line("irq5"), false);
  // Request 8 is reserved.
  table.configurationWrite(PIRQRC + 1, 8);
  assertEquals(table.configurationRead(PIRQRC + 1), 8);
  table.reset();
  assertEquals([table.configurationRead(PIRQRC + 1), table.line("irq9")], [9, true]);
});

Deno.test("the ISA bridge conforms", () => {
  conformance(piix3, [
    (table) => table.input("pirqd", true),
    (table) => table.configurationWrite(PIRQRC, 0x0c0c0c0c, 4),
    (table) => table.reset(),
    (table) => table.input("pirqd", false),
  ]);
});
