import assert from "node:assert/strict";
import { backendBench } from "@bulkhead/bulkhead";
import recorder from "./audio.ts";

Deno.test("the tape is a WAVE file of what was played", async () => {
  const table = await backendBench(recorder);
  await table.backend.format({ rate: 8000, channels: 1 });
  await table.backend.play(Uint8Array.of(1, 0, 2, 0));
  await table.backend.close?.();
  const tape = table.file("tape");
  assert.equal(new TextDecoder().decode(tape.subarray(0, 4)), "RIFF");
  assert.equal(new DataView(tape.buffer).getUint32(40, true), 4);
  assert.deepEqual([...tape.subarray(44)], [1, 0, 2, 0]);
});
