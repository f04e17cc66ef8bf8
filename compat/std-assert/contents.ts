import { refuse } from "./assertion_error.ts";
import { equal } from "./equal.ts";
import { format } from "./format.ts";

/** An array, a typed array or a string's like. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Throws unless each of `expected` is deeply equal to one of `actual`. */
export function assertArrayIncludes<T>(actual: ArrayLikeArg<T>, expected: ArrayLikeArg<T>, msg?: string): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) => !items.some((item) => equal(wanted, item)));
  if (missing.length === 0) return;
  refuse(
    `Expected actual: "${format(actual)}" to include: "${format(expected)}"`,
    msg,
    `\nmissing: ${format(missing)}`,
  );
}

/** Throws unless one text contains the other. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`Expected actual: "${actual}" to contain: "${expected}"`, msg);
}

/** Throws unless the text matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`Expected actual: "${actual}" to match: "${expected}"`, msg);
}

/** Throws when the text matches. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) refuse(`Expected actual: "${actual}" to not match: "${expected}"`, msg);
}
