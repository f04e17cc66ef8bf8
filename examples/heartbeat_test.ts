import { assertEquals } from "@std/assert";
import { bench, conformance } from "../mod.ts";
import heartbeat from "./heartbeat.ts";

Deno.test("the heartbeat counts into guest memory and interrupts until it is answered", () => {
  const table = bench(heartbeat);
  table.write("io", 0, 1000, 4);
  table.write("io", 4, 0x2000, 4);
  table.write("io", 8, 1);
  table.advance(3_500_000);
  assertEquals(table.state.beats, 3);
  assertEquals(table.memory[0x2000], 3);
  assertEquals(table.line("beat"), true);
  table.write("io", 12, 1);
  assertEquals(table.line("beat"), false);
});

Deno.test("the heartbeat can be saved, restored and abused at any moment", () => {
  conformance(heartbeat, [
    (table) => table.write("io", 4, 64, 4),
    (table) => table.write("io", 8, 1),
    (table) => table.advance(2_500_000),
    (table) => table.write("io", 12, 1),
    (table) => table.advance(1_000_000),
    (table) => table.write("io", 8, 0),
    (table) => table.advance(9e6),
  ]);
});
