/**
 * Counts a plugin's uses of one thing of the host, and tells the audit of them.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";

/** Uses of one right. */
export interface HostUse {
  /** The plugin's name for it. */
  readonly right: string;
  /** The real thing. */
  readonly value: string;
  /** What was done: `open`, `read`, `write`, `flush`, `truncate`, `connect`, `listen`, `accept`, `receive`, `send`, `close`. */
  readonly action: string;
  /** How many times. */
  readonly uses: number;
  /** Bytes that were moved. */
  readonly bytes: number;
  /** `denied`: by a rule; `failed`: by the host's system. */
  readonly outcome: "done" | "denied" | "failed";
  /** Why it was denied or failed. */
  readonly cause?: string;
}

/** Who is told. */
export type HostAudit = (use: HostUse) => void;

/** Milliseconds in which uses of a kind are told together. */
const TOGETHER = 1000;

/** The uses of one right. */
export class Uses {
  readonly #right: string;
  readonly #value: string;
  readonly #audit: HostAudit;
  readonly #counts = new Map<string, { uses: number; bytes: number; told: number }>();

  /**
   * Uses of what is bound to a name.
   *
   * @param subject What it is called in sentences: by the plugin's name for it, unless who reads them may know what it is.
   */
  constructor(right: string, value: string, audit: HostAudit, readonly subject = `what is bound to "${right}"`) {
    this.#right = right;
    this.#value = value;
    this.#audit = audit;
  }

  /** Something was done. The first of its kind is told at once. */
  count(action: string, bytes = 0): void {
    let count = this.#counts.get(action);
    if (count === undefined) this.#counts.set(action, count = { uses: 0, bytes: 0, told: -Infinity });
    count.uses++;
    count.bytes += bytes;
    const now = performance.now();
    if (now - count.told >= TOGETHER) this.#tell(action, count, now);
  }

  /** Tells what was not told yet. */
  tell(): void {
    for (const [action, count] of this.#counts) if (count.uses > 0) this.#tell(action, count, performance.now());
  }

  /**
   * Something was refused, by a rule or by the host's system: the error for the plugin, without a path.
   *
   * @param thrown What the host's system threw, or a sentence's end.
   */
  refused(action: string, thrown: unknown): BulkheadError {
    if (thrown instanceof BulkheadError) return thrown;
    const cause = thrown instanceof Error ? thrown.message : String(thrown);
    const denied = thrown instanceof Deno.errors.NotCapable || thrown instanceof Deno.errors.PermissionDenied;
    const outcome = denied ? "denied" : "failed";
    this.#audit({ right: this.#right, value: this.#value, action, uses: 1, bytes: 0, outcome, cause });
    return this.#sentence(action, withoutPaths(cause));
  }

  /** Something is against a rule of the handle's. */
  against(action: string, found: string, expected: string, remedy?: string, code = "host-io"): BulkheadError {
    const cause = `expected ${expected}, found ${found}`;
    this.#audit({ right: this.#right, value: this.#value, action, uses: 1, bytes: 0, outcome: "denied", cause });
    return new BulkheadError({ code, subject: this.subject, expected, found, remedy });
  }

  #sentence(action: string, found: string): BulkheadError {
    const done = { connect: "reached", listen: "listened at", accept: "listened at" }[action] ?? `used (${action})`;
    const sentence = `${this.subject} cannot be ${done}: ${found}`;
    return new BulkheadError({ code: "host-io", subject: this.subject, where: action, found, sentence });
  }

  #tell(action: string, count: { uses: number; bytes: number; told: number }, now: number): void {
    const { uses, bytes } = count;
    Object.assign(count, { uses: 0, bytes: 0, told: now });
    this.#audit({ right: this.#right, value: this.#value, action, uses, bytes, outcome: "done" });
  }
}

/** Deno says after the host's words which call and which path they were about. */
function withoutPaths(message: string): string {
  return message.replace(/: \w+ '.*'(?: -> '.*')?$/s, "").replace(/"[^"]*"/g, "it");
}
