import { assert, assertEquals } from "@std/assert";
import { BulkheadError, isBulkheadErrorJson } from "./error.ts";

Deno.test("an error's message is one sentence of its parts", () => {
  const error = new BulkheadError({
    code: "bad-size",
    subject: "option --memory",
    expected: "a size such as 256M",
    found: '"banana"',
    remedy: "write a number with K, M or G",
  });
  assertEquals(
    error.message,
    'option --memory: expected a size such as 256M, found "banana"; write a number with K, M or G',
  );
  assertEquals(new BulkheadError({ code: "no-guest", subject: "bulkhead run" }).message, "bulkhead run: no guest");
});

Deno.test("an error keeps its parts and its sentence across a compartment", () => {
  const error = new BulkheadError({
    code: "denied",
    subject: 'plugin "x"',
    where: "start",
    sentence: 'plugin "x" died',
  });
  const back = BulkheadError.fromJSON(JSON.parse(JSON.stringify(structuredClone(error.toJSON()))));
  assert(back instanceof BulkheadError);
  assertEquals(back.message, 'plugin "x" died');
  assertEquals(back.toJSON(), error.toJSON());
  assert(isBulkheadErrorJson(error.toJSON()));
});

Deno.test("what is no error of ours becomes one that names its subject", () => {
  const wrapped = BulkheadError.from(new TypeError("no such thing"), 'device "com1"');
  assertEquals(wrapped.message, 'device "com1" failed unexpectedly: TypeError: no such thing');
  assertEquals(BulkheadError.from(wrapped, "other"), wrapped);
  assertEquals(BulkheadError.fromJSON({ error: "BulkheadError" }).code, "unexpected-error");
});
