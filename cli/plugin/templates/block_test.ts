import assert from "node:assert/strict";
import { backendBench } from "@bulkhead/bulkhead";
import image from "./block.ts";

Deno.test("the disk begins behind the header", async () => {
  const table = await backendBench(image, { files: { image: new Uint8Array(512 + 8 * 512) } });
  assert.equal(table.backend.bytes, 8 * 512);
  await table.backend.write(512, new Uint8Array(512).fill(7));
  await table.backend.flush();
  const into = new Uint8Array(1024);
  await table.backend.read(0, into);
  assert.deepEqual([into[511], into[512], into[1023]], [0, 7, 7]);
  assert.equal(table.file("image")[512 + 512], 7);
});

Deno.test("a file without a sector is refused", async () => {
  await assert.rejects(() => backendBench(image, { files: { image: new Uint8Array(512) } }), /whole sectors/);
});
