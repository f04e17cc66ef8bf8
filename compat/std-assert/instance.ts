import { AssertionError } from "./assertion_error.ts";
import { format } from "./format.ts";

/** Any class. */
// deno-lint-ignore no-explicit-any -- the genuine signature
export type AnyConstructor = new (...args: any[]) => any;

/** The instances of a class. */
export type GetConstructorType<T extends AnyConstructor> = InstanceType<T>;

function described(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object" && typeof value !== "function") return typeof value;
  return `"${(value as object).constructor?.name ?? "Object"}"`;
}

/** Throws unless the value is an instance of the class. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is GetConstructorType<T> {
  if (actual instanceof expectedType) return;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was ${described(actual)}${
      msg ? `: ${msg}` : `.\n${format(actual)}`
    }`,
  );
}

/** Throws when the value is an instance of the class. */
export function assertNotInstanceOf<A, T>(
  actual: A,
  // deno-lint-ignore no-explicit-any -- the genuine signature
  unexpectedType: abstract new (...args: any[]) => T,
  msg?: string,
): asserts actual is Exclude<A, T> {
  if (!(actual instanceof unexpectedType)) return;
  throw new AssertionError(
    `Expected object to not be an instance of "${unexpectedType.name}"${msg ? `: ${msg}` : "."}`,
  );
}
