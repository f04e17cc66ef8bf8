import assert from "node:assert/strict";
import { backendBench } from "@bulkhead/bulkhead";
import typewriter from "./character.ts";

Deno.test("it types in capitals and answers each line", async () => {
  const received: number[] = [];
  const table = await backendBench(typewriter, {
    files: { paper: new Uint8Array() },
    port: { receive: (bytes) => Promise.resolve(void received.push(...bytes)) },
  });
  await table.backend.write(new TextEncoder().encode("dear\nguest\n"));
  await table.backend.close?.();
  assert.equal(new TextDecoder().decode(table.file("paper")), "DEAR\nGUEST\n");
  assert.equal(new TextDecoder().decode(Uint8Array.from(received)), "1\n2\n");
  assert.equal(table.counts.get("lines"), 2);
});
