import { refuse } from "./assertion_error.ts";
import { difference } from "./difference.ts";
import { equal } from "./equal.ts";
import { format } from "./format.ts";

/** Two texts are compared as they read, all else as it is inspected. */
function shown(actual: unknown, expected: unknown): string {
  return typeof actual === "string" && typeof expected === "string"
    ? difference(actual, expected)
    : difference(format(actual), format(expected));
}

/** Throws unless two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) refuse("Values are not equal", msg, shown(actual, expected));
}

/** Throws when two values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) {
    refuse(`Expected actual: ${format(actual)} not to be: ${format(expected)}`, msg);
  }
}

/** Throws unless `Object.is(actual, expected)`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  if (format(actual) === format(expected)) {
    refuse("Values have the same structure but are not reference-equal", msg, `\n\n${format(actual)}\n`);
  }
  refuse("Values are not strictly equal", msg, shown(actual, expected));
}

/** Throws when `Object.is(actual, expected)`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (Object.is(actual, expected)) refuse(`Expected "actual" to not be strictly equal to: ${format(actual)}`, msg);
}
