import assert from "node:assert/strict";
import { backendBench } from "@bulkhead/bulkhead";
import lectern from "./fileShare.ts";

Deno.test("the document can be read, and nothing else is there", async () => {
  const { backend } = await backendBench(lectern, { files: { document: new TextEncoder().encode("hello") } });
  assert.deepEqual(await backend.list([]), ["document"]);
  assert.equal((await backend.stat(["document"]))?.size, 5);
  assert.equal(await backend.stat(["other"]), undefined);
  const into = new Uint8Array(3);
  assert.equal(await backend.read(["document"], 2, into), 3);
  assert.equal(new TextDecoder().decode(into), "llo");
});
