import { assertAlmostEquals, assertEquals } from "@std/assert";
import { geometricMean, median, pairedRatio } from "./statistics.ts";

Deno.test("the median of an even number of values lies between the two in the middle", () => {
  assertEquals(median([9, 1, 5]), 5);
  assertEquals(median([9, 1, 5, 7]), 6);
  assertEquals(median([3]), 3);
});

Deno.test("the geometric mean of a ratio and its inverse is one", () => {
  assertAlmostEquals(geometricMean([4, 0.25]), 1, 1e-12);
  assertAlmostEquals(geometricMean([2, 8]), 4, 1e-12);
});

Deno.test("one round has no interval", () => {
  const ratio = pairedRatio([2.5]);
  assertAlmostEquals(ratio.mean, 2.5, 1e-12);
  assertEquals(ratio.interval, undefined);
});

Deno.test("the interval is Student's, of the logarithms", () => {
  const { mean, interval } = pairedRatio([1, Math.E]);
  assertAlmostEquals(mean, Math.exp(0.5), 1e-12);
  // Standard error 0.5, one degree of freedom.
  assertAlmostEquals(Math.log(interval![1]), 0.5 + 12.706 * 0.5, 1e-9);
  assertAlmostEquals(Math.log(interval![0]), 0.5 - 12.706 * 0.5, 1e-9);
});

Deno.test("equal ratios have an interval without width, and inverse ratios inverse intervals", () => {
  assertAlmostEquals(pairedRatio([2, 2, 2]).interval![1], 2, 1e-12);
  const [ratio, inverse] = [[2, 3, 4], [1 / 2, 1 / 3, 1 / 4]].map(pairedRatio);
  assertAlmostEquals(ratio!.interval![0] * inverse!.interval![1], 1, 1e-12);
});

Deno.test("more rounds than the table has still have an interval", () => {
  const many = Array.from({ length: 100 }, (_, index) => index % 2 === 0 ? 1 : 4);
  const [low, high] = pairedRatio(many).interval!;
  assertEquals(low < 2 && high > 2 && low > 1.5 && high < 2.6, true);
});
