/**
 * Evaluates a plugin's text: under SES, in a Compartment that holds the contract and nothing of the host; or plainly, for what its owner trusts.
 *
 * @module
 */
import * as contract from "../bus/mod.ts";
import { BulkheadError } from "../bus/error.ts";
import { printable } from "./printable.ts";

/** What SES puts on the global object. */
interface SesGlobals {
  lockdown(options: Record<string, string>): void;
  harden<T>(value: T): T;
  Compartment: new (
    options: { globals: object; __options__: true; name: string },
  ) => { evaluate(text: string): unknown };
}

/** Freezes what the plugin could change for others, all that it leads to included. */
export type Harden = <T>(value: T) => T;

/** Where a plugin's text is evaluated. */
export interface Realm {
  /** The plugin's default export. @throws {BulkheadError} `plugin-threw`. */
  evaluate(text: string, subject: string): unknown;
  /** Freezes an object and all that it leads to. */
  readonly harden: Harden;
}

let hardened: Realm | undefined;

/**
 * Locks this thread's realm down: its intrinsics are frozen from here on, also for our own code. Once a thread.
 *
 * @param sesText SES, as `ses.ts` gives it.
 */
export function lockdownRealm(sesText: string): Realm {
  if (hardened !== undefined) return hardened;
  const globals = globalThis as unknown as SesGlobals & { process: unknown };
  const { process } = globals;
  // SES looks for its options in the environment, which this thread must not read.
  Object.defineProperty(globalThis, "process", { value: undefined, configurable: true, writable: true });
  try {
    (0, eval)(sesText);
    globals.lockdown({
      errorTaming: "unsafe",
      errorTrapping: "none",
      unhandledRejectionTrapping: "none",
      consoleTaming: "unsafe",
      stackFiltering: "concise",
      overrideTaming: "moderate",
      localeTaming: "unsafe",
      evalTaming: "safe-eval",
      reporting: "none",
    });
  } finally {
    Object.defineProperty(globalThis, "process", { value: process, configurable: true, writable: true });
  }
  const { Compartment, harden } = globals;
  const endowments = harden({ ...contract });
  const { TextEncoder, TextDecoder } = globalThis;
  const given = { TextEncoder: harden(TextEncoder), TextDecoder: harden(TextDecoder) };
  return hardened = {
    harden,
    evaluate: (text, subject) =>
      run(subject, () => {
        const make = new Compartment({ globals: given, __options__: true, name: subject }).evaluate(text);
        return (make as (contract: object) => unknown)(endowments);
      }),
  };
}

/** This thread's realm as it is. For texts that their owner trusts as much as Bulkhead itself. */
export const OPEN_REALM: Realm = {
  harden: (value) => value,
  evaluate: (text, subject) => run(subject, () => ((0, eval)(text) as (contract: object) => unknown)({ ...contract })),
};

function run(subject: string, evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch (error) {
    throw thrownBy(subject, "its text was evaluated", error);
  }
}

/**
 * What a plugin threw, as an error of ours in the plugin's own name. An error of ours that comes from a plugin may be one that it made up.
 *
 * @param doing What it was asked for: "it was wired".
 */
export function thrownBy(subject: string, doing: string, error: unknown): BulkheadError {
  const sentence = `${subject} was stopped while ${doing}: ${whatThrown(error)}`;
  return new BulkheadError({ code: "plugin-threw", subject, sentence });
}

/** Characters of what a plugin threw that are told. */
const LONGEST = 2000;

/** What a plugin threw, in printable words, without trusting it to be an error. It runs code of the plugin's. */
export function whatThrown(error: unknown): string {
  return printable(wordsOf(error));
}

function wordsOf(error: unknown): string {
  try {
    if (typeof error === "object" && error !== null && "message" in error) {
      const { name, message } = error as { name?: unknown; message: unknown };
      const words = String(message).slice(0, LONGEST);
      if (name === "BulkheadError") return words;
      return `${typeof name === "string" ? name : "Error"}: ${words}`.slice(0, LONGEST);
    }
    return String(error).slice(0, LONGEST);
  } catch {
    return "something that cannot be put into words";
  }
}

/** A value that a plugin gave in a number's place, in words, without running code of the plugin's. */
export function describeGiven(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return typeof value === "object" ? "an object, or a promise" : `a ${typeof value}`;
}
