import { assert, assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../../bus/error.ts";
import { fromJson, toJson } from "./plain.ts";

/** Through text and back. */
function through(value: unknown): unknown {
  return fromJson(JSON.parse(JSON.stringify(toJson(value))));
}

Deno.test("plain data comes back as it was", () => {
  const values: unknown[] = [
    null,
    true,
    "text $ \u0000 \u{1f600}",
    -1.5,
    NaN,
    Infinity,
    -Infinity,
    undefined,
    2n ** 70n,
    [1, [undefined, 2]],
    { a: { b: undefined, $: 1 }, c: [{}] },
    { $: "number", value: "not marked" },
    Uint8Array.of(0, 255),
    Uint32Array.of(1, 0xffff_ffff),
    Float64Array.of(-0, NaN),
    BigUint64Array.of(2n ** 64n - 1n),
    new Map<unknown, unknown>([["a", new Set([1, 2])], [3, null]]),
  ];
  for (const value of values) assertEquals(through(value), value);
  assert(Object.is(through(-0), -0));
  assertEquals(through(Uint16Array.of(1, 2, 3).subarray(1)), Uint16Array.of(2, 3));
});

Deno.test("the key __proto__ is data like any other", () => {
  const value = JSON.parse('{"__proto__": {"polluted": true}}');
  const back = through(value) as Record<string, unknown>;
  assertEquals(back.polluted, undefined);
  assertEquals(Object.keys(back), ["__proto__"]);
});

Deno.test("what is no plain data is refused", () => {
  for (const value of [() => {}, Symbol("x"), new Date(), new (class Foreign {})()]) {
    assertThrows(() => toJson({ value }), BulkheadError, "plain data");
  }
});

Deno.test("marks that nobody writes are refused", () => {
  for (
    const json of [{ $: "Function" }, { $: "constructor" }, { $: "Map" }, { $: "Uint8Array", value: 7 }, { $: null }]
  ) {
    assertThrows(() => fromJson(json as never), BulkheadError, "plain data");
  }
});
