import { assertEquals, assertThrows } from "@std/assert";
import { copyPlain, decodePlain, encodePlain } from "./plain.ts";

Deno.test("plain data is the same on the other side", () => {
  for (
    const value of [
      undefined,
      null,
      true,
      -0,
      NaN,
      1e300,
      "text \ud800 é",
      [1, [2, { a: undefined }]],
      { x: Uint8Array.of(1, 2), y: Float64Array.of(0.5), z: new Uint16Array(0) },
    ]
  ) assertEquals(decodePlain(encodePlain(value)), value as never);
});

Deno.test("what is not plain is refused with its place, and a typed array cannot pretend to be longer", () => {
  for (const value of [() => 0, 1n, Symbol("s"), { a: [() => 0] }, new Map(), Promise.resolve(), new Date()]) {
    assertThrows(() => encodePlain(value), TypeError);
  }
  assertThrows(() => encodePlain({ a: [1, () => 0] }), TypeError, "the value.a[1] is a function");
  const circle: unknown[] = [];
  circle.push(circle);
  assertThrows(() => encodePlain(circle), TypeError, "in a circle");
  const liar = Object.defineProperty(new Uint8Array(2), "length", { value: 1e9 });
  assertEquals((copyPlain(liar) as Uint8Array).length, 2);
});

Deno.test("bytes that are no plain data are refused, whatever they say of their length", () => {
  const good = encodePlain({ a: ["text", Uint8Array.of(1, 2, 3), 5] });
  let state = 1;
  for (let round = 0; round < 3000; round++) {
    const bytes = good.slice();
    for (let change = 0; change < 3; change++) {
      state = Math.imul(state, 1103515245) + 12345 >>> 0;
      bytes[(state >>> 8) % bytes.length] = state >>> 24;
    }
    try {
      decodePlain(bytes);
    } catch (error) {
      assertEquals(error instanceof RangeError, true, String(error));
    }
  }
});
