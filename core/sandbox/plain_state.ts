/**
 * A plugin's state as the core holds it: plain data, an object.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { describeGiven } from "./compartment.ts";
import { copyPlain } from "./plain.ts";

/**
 * A copy of a state, without getters, traps and anything else that runs.
 *
 * @throws {BulkheadError} `state-not-plain`.
 * @throws What its getters throw.
 */
export function plainState(subject: string, given: unknown): object {
  const refused = (found: string) =>
    new BulkheadError({ code: "state-not-plain", subject, expected: "a state of plain data, an object", found });
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw refused(describeGiven(given));
  return copyPlain(given) as object;
}
