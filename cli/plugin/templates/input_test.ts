import assert from "node:assert/strict";
import { backendBench } from "@bulkhead/bulkhead";
import pianola from "./input.ts";

Deno.test("it presses and releases a key for each character", async () => {
  const keys: [number, boolean][] = [];
  const table = await backendBench(pianola, {
    files: { roll: new TextEncoder().encode("a1\n!") },
    port: { key: (usage, down) => void keys.push([usage, down]) },
  });
  assert.deepEqual(keys, [[0x04, true], [0x04, false], [0x1e, true], [0x1e, false], [0x28, true], [0x28, false]]);
  assert.equal(table.counts.get("unknown"), 1);
});
