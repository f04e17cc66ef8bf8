import { AssertionError, refuse } from "./assertion_error.ts";

/** What `assertFalse` accepts. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** Throws unless the value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Throws unless the value is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** Throws when the value is `null` or `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) refuse(`Expected actual: "${actual}" to not be null or undefined`, msg);
}

/** Throws. */
export function fail(msg?: string): never {
  refuse("Failed assertion", msg);
}

/** Throws: for a place that control must not reach. */
export function unreachable(msg?: string): never {
  refuse("Unreachable", msg);
}

/** Throws: for a branch that is not written. */
export function unimplemented(msg?: string): never {
  refuse("Unimplemented", msg);
}
