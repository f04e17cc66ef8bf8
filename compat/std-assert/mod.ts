/**
 * `@std/assert` for Bulkhead's tests: the same names, signatures and verdicts. It stands in for the genuine package
 * through `links`.
 *
 * @module
 */
export { AssertionError } from "./assertion_error.ts";
export * from "./compare.ts";
export * from "./conditions.ts";
export * from "./contents.ts";
export * from "./equal.ts";
export * from "./equals.ts";
export * from "./instance.ts";
export * from "./object_match.ts";
export * from "./throws.ts";
