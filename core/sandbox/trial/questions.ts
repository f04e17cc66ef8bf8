/**
 * What can be asked of a plugin that is tried without a machine, and what the answers are: plain data that crosses compartments.
 *
 * @module
 */
import type { Placement } from "../placement.ts";
import type { WiringDescription } from "../wiring.ts";

/** What is tried. `conformance` is what its author would see; the others abuse it. */
export type TrialKind = "wiring" | "conformance" | "registers" | "config" | "state" | "backend";

/** A question. */
export interface TrialQuestion {
  /** What is tried. */
  readonly kind: TrialKind;
  /** Where the plugin runs. A back end is tried `confined` only. */
  readonly placement: Placement;
  /** Where random sequences start. */
  readonly seed: number;
}

/** What came of a trial. */
export interface TrialAnswer {
  /** What did not hold, as sentences; empty if everything did. */
  readonly failures: readonly string[];
  /** How much was tried: accesses, configurations, changed states, requests. */
  readonly tried: number;
  /** Of a device's conformance: SHA-256 of everything that it did, equal in all placements. */
  readonly trace?: string;
  /** Claims that the device never asked for, in words. */
  readonly unused?: readonly string[];
  /** What its registers are. */
  readonly wiring?: WiringDescription;
  /** What registers that can be read without effect give at power-on, by `region/name`. */
  readonly initial?: Readonly<Record<string, number>>;
  /** Of a back end: why none of the files that were tried suited it. */
  readonly refused?: string;
}
