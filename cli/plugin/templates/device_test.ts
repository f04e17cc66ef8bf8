import assert from "node:assert/strict";
import { bench, conformance } from "@bulkhead/bulkhead";
import stopwatch from "./device.ts";

Deno.test("it raises its line when the wait is over, until that is acknowledged", () => {
  const table = bench(stopwatch);
  assert.equal(table.read("io", 0, 4), 0x6b6c7562);
  table.write("io", 8, 250, 4);
  table.advance(249_000);
  assert.equal(table.line("done"), false);
  table.advance(1_000);
  assert.equal(table.line("done"), true);
  assert.equal(table.read("io", 16, 4), 1);
  table.write("io", 12, 1, 4);
  assert.equal(table.line("done"), false);
});

Deno.test("it can be saved, restored and abused at any moment", () => {
  conformance(stopwatch, [
    (table) => table.write("io", 4, 0x12345678, 4),
    (table) => table.write("io", 8, 100, 4),
    (table) => table.advance(60_000),
    (table) => table.write("io", 8, 100, 4),
    (table) => table.advance(200_000),
    (table) => table.read("io", 12, 4),
    (table) => table.write("io", 12, 1, 4),
  ]);
});
