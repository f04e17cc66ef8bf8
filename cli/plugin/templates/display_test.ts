import assert from "node:assert/strict";
import { backendBench } from "@bulkhead/bulkhead";
import camera from "./display.ts";

Deno.test("a pixel is where it belongs", async () => {
  const table = await backendBench(camera);
  await table.backend.resize(4, 2);
  await table.backend.update({ x: 3, y: 1, width: 1, height: 1 }, Uint8Array.of(9, 8, 7, 255));
  const text = new TextDecoder().decode(table.file("picture"));
  assert.ok(text.startsWith("P6\n4 2\n255\n"));
  assert.deepEqual([...table.file("picture").slice(-3)], [9, 8, 7]);
  assert.equal(table.file("picture").length, "P6\n4 2\n255\n".length + 4 * 2 * 3);
});
