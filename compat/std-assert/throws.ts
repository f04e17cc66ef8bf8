import { stripVTControlCharacters } from "node:util";
import { refuse } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- the genuine signature
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** Throws unless the value is an error, of that class, with a message that includes or matches the text. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) refuse(`Expected "error" to be an Error object`, msg);
  if (ErrorClass && !(error instanceof ErrorClass)) {
    const found = (error as Error).constructor?.name;
    refuse(`Expected error to be instance of "${ErrorClass.name}", but was "${found}"`, msg);
  }
  if (!msgMatches) return;
  const message = stripVTControlCharacters((error as Error).message);
  const found = typeof msgMatches === "string"
    ? message.includes(stripVTControlCharacters(msgMatches))
    : msgMatches.test(message);
  if (found) return;
  const wanted = typeof msgMatches === "string" ? JSON.stringify(msgMatches) : String(msgMatches);
  refuse(`Expected error message to include ${wanted}, but got ${JSON.stringify((error as Error).message)}`, msg);
}

/** The optional arguments of `assertThrows` and `assertRejects`, told apart. */
function expectation(classOrMsg: unknown, includesOrMsg: string | undefined, msg: string | undefined) {
  if (typeof classOrMsg === "string") return { msg: classOrMsg };
  return { ErrorClass: classOrMsg as ErrorClass<Error> | undefined, includes: includesOrMsg, msg };
}

/** Throws unless `fn` throws. Returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Throws unless `fn` throws an error of that class whose message includes the text. Returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, classOrMsg?: unknown, includesOrMsg?: string, text?: string): unknown {
  const { ErrorClass, includes, msg } = expectation(classOrMsg, includesOrMsg, text);
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    if (ErrorClass && !(error instanceof Error)) refuse("A non-Error object was thrown", msg);
    if (ErrorClass) assertIsError(error, ErrorClass, includes, msg);
    return thrown;
  }
  refuse("Expected function to throw", msg);
}

/** Rejects unless `fn` returns a promise that rejects. Resolves to what it rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Rejects unless `fn` rejects with an error of that class whose message includes the text. Resolves to the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: unknown,
  includesOrMsg?: string,
  text?: string,
): Promise<unknown> {
  const { ErrorClass, includes, msg } = expectation(classOrMsg, includesOrMsg, text);
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch {
    promise = undefined;
  }
  // A function that throws, or returns no promise, has not rejected.
  if (typeof promise?.then !== "function") refuse("Function throws when expected to reject", msg);
  try {
    await promise;
  } catch (error) {
    if (ErrorClass && !(error instanceof Error)) refuse("A non-Error object was rejected", msg);
    if (ErrorClass) assertIsError(error, ErrorClass, includes, msg);
    return error;
  }
  refuse("Expected function to reject", msg);
}
