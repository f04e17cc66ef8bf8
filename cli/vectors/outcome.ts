/**
 * What running one vector comes to.
 *
 * @module
 */

/** Passed; failed, with what differs; or excepted: it differs as one rule says that it must, for every vector of that opcode. */
export type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly differences: readonly string[] }
  | { readonly kind: "excepted"; readonly opcode: string; readonly rule: string };

/** The outcome that has nothing to add. */
export const PASSED: Outcome = { kind: "passed" };

/** Upper-case hexadecimal of at least `digits` digits. */
export function hex(value: number, digits = 1): string {
  return (value >>> 0).toString(16).toUpperCase().padStart(digits, "0");
}

/** Collects what differs. */
export class Differences {
  readonly list: string[] = [];

  /** Notes a value that is not the expected one. */
  compare(what: string, found: number, expected: number, digits = 4): void {
    if (found >>> 0 !== expected >>> 0) {
      this.list.push(`${what}: expected ${hex(expected, digits)}, found ${hex(found, digits)}`);
    }
  }

  /** Passed if nothing differs. */
  get outcome(): Outcome {
    return this.list.length === 0 ? PASSED : { kind: "failed", differences: this.list };
  }
}
