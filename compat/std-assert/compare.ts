import { refuse } from "./assertion_error.ts";
import { format } from "./format.ts";

/** Throws unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) refuse(`Expect ${format(actual)} > ${format(expected)}`, msg);
}

/** Throws unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) refuse(`Expect ${format(actual)} >= ${format(expected)}`, msg);
}

/** Throws unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) refuse(`Expect ${format(actual)} < ${format(expected)}`, msg);
}

/** Throws unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) refuse(`Expect ${format(actual)} <= ${format(expected)}`, msg);
}

/**
 * Throws unless two numbers differ by at most `tolerance`, which is 1e-7 of `expected` unless given, and 1e-7 where
 * that is infinite.
 */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const limit = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (delta <= limit) return;
  const text = (n: number) => Number.isInteger(n) ? `${n}` : n.toExponential();
  refuse(
    `Expected actual: "${text(actual)}" to be close to "${text(expected)}": delta "${text(delta)}" is greater than "${
      text(limit)
    }"`,
    msg,
  );
}
