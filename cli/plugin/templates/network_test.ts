import assert from "node:assert/strict";
import { backendBench } from "@bulkhead/bulkhead";
import cable from "./network.ts";

Deno.test("frames cross with their length before them, in pieces or not", async () => {
  const frames: Uint8Array[] = [];
  const received = Promise.withResolvers<void>();
  const unplugged = Promise.withResolvers<boolean>();
  const table = await backendBench(cable, {
    port: {
      receive: (frame) => {
        frames.push(frame);
        received.resolve();
        return Promise.resolve(true);
      },
      link: unplugged.resolve,
    },
  });
  await table.backend.send(new Uint8Array(60).fill(1));
  const sent = table.peer("other").take();
  assert.deepEqual([...sent.subarray(0, 5)], [0, 0, 0, 60, 1]);
  table.peer("other").send(sent.subarray(0, 30));
  table.peer("other").send(sent.subarray(30));
  await received.promise;
  assert.equal(frames[0]!.length, 60);
  table.peer("other").close();
  assert.equal(await unplugged.promise, false);
});
