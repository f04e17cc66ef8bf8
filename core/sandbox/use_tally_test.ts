import { assert, assertEquals } from "@std/assert";
import type { HostUse } from "./host_uses.ts";
import { UseTally } from "./use_tally.ts";

const denied: HostUse = { right: "reel", value: "", action: "open", uses: 1, bytes: 0, outcome: "denied", cause: "no" };

Deno.test("uses are told as they come, and those of a flood together with their number", () => {
  const told: HostUse[] = [], clock = { now: 0 };
  const tally = new UseTally((use) => told.push(use), () => clock.now);
  for (let n = 0; n < 100_000; n++) tally.tell({ ...denied, right: "x".repeat(10_000) });
  assert(told.length < 100);
  assert(told.every(({ right }) => right.length < 1000));
  clock.now += 1000;
  tally.tell(denied);
  assertEquals(told.at(-1), denied);
  assertEquals(told.reduce((sum, { uses }) => sum + uses, 0), 100_001);
});

Deno.test("what was held back is told at the end", () => {
  const told: HostUse[] = [];
  const tally = new UseTally((use) => told.push(use), () => 0);
  for (let n = 0; n < 1000; n++) tally.tell(denied);
  tally.flush();
  assertEquals(told.reduce((sum, { uses }) => sum + uses, 0), 1000);
});
