/**
 * Evaluates a plugin's text: under SES, in a Compartment that holds the contract and nothing of the host; or plainly, for what its owner trusts.
 *
 * @module
 */
import * as contract from "../bus/mod.ts";
import { BulkheadError } from "../bus/error.ts";

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
    if (error instanceof BulkheadError) throw error;
    throw new BulkheadError({
      code: "plugin-threw",
      subject,
      sentence: `${subject} was stopped while its text was evaluated: ${whatThrown(error)}`,
    });
  }
}

/** What a plugin threw, in words, without trusting it to be an error. */
export function whatThrown(error: unknown): string {
  try {
    if (typeof error === "object" && error !== null && "message" in error) {
      const { name, message } = error as { name?: unknown; message: unknown };
      return `${typeof name === "string" ? name : "Error"}: ${String(message)}`.slice(0, 2000);
    }
    return String(error).slice(0, 2000);
  } catch {
    return "something that cannot be put into words";
  }
}
