/**
 * The one error that users of Bulkhead see, in every part of it and across every compartment.
 *
 * @module
 */

/** What an error says, part by part. A part that has nothing to say is left out. */
export interface BulkheadErrorParts {
  /** Stable and machine-readable, in kebab case: `undeclared-line`, `truncated-file`. Scripts may depend on it. */
  readonly code: string;
  /** What is at fault, quoted where it is a name: `device "acme/heartbeat"`, `kernel "vmlinuz"`. */
  readonly subject: string;
  /** Where in the subject: a field, an offset, a line. */
  readonly where?: string;
  /** What would have been right: `a width of 1, 2 or 4`. */
  readonly expected?: string;
  /** What was there instead. */
  readonly found?: string;
  /** What the reader can do about it: an imperative clause without a full stop. */
  readonly remedy?: string;
  /** The whole sentence, where the parts do not make a good one. The parts stay for scripts. */
  readonly sentence?: string;
}

/** The plain form of a {@linkcode BulkheadError}, which crosses compartments and is written to logs. */
export interface BulkheadErrorJson extends BulkheadErrorParts {
  /** Tells this object from other messages. */
  readonly error: "BulkheadError";
}

/**
 * An error with a sentence for the user and a stable code for scripts.
 *
 * @example A sentence from its parts
 * ```ts
 * import { BulkheadError } from "./error.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new BulkheadError({
 *   code: "truncated-file",
 *   subject: 'kernel "vmlinuz"',
 *   where: "offset 0x1f1",
 *   expected: "a setup header",
 *   found: "the end of the file",
 *   remedy: "give a Linux bzImage",
 * });
 * assertEquals(
 *   error.message,
 *   'kernel "vmlinuz", offset 0x1f1: expected a setup header, found the end of the file; give a Linux bzImage',
 * );
 * ```
 */
export class BulkheadError extends Error {
  /** Always `BulkheadError`. */
  override readonly name = "BulkheadError";
  /** Stable, machine-readable, kebab case. */
  readonly code: string;
  /** What is at fault. */
  readonly subject: string;
  /** Where in the subject, if known. */
  readonly where: string | undefined;
  /** What would have been right. */
  readonly expected: string | undefined;
  /** What was there instead. */
  readonly found: string | undefined;
  /** What the reader can do about it. */
  readonly remedy: string | undefined;
  readonly #sentence: string | undefined;

  /**
   * Makes the error; throwing it is the caller's part.
   *
   * @param parts What to say; the message is made of them unless `sentence` gives it.
   * @param options The error that caused this one, kept for debugging and not sent across compartments.
   */
  constructor(parts: BulkheadErrorParts, options?: ErrorOptions) {
    super(parts.sentence ?? sentenceOf(parts), options);
    this.code = parts.code;
    this.subject = parts.subject;
    this.where = parts.where;
    this.expected = parts.expected;
    this.found = parts.found;
    this.remedy = parts.remedy;
    this.#sentence = parts.sentence;
  }

  /** The plain form: survives JSON and structured cloning. */
  toJSON(): BulkheadErrorJson {
    const json: Record<string, string> = { error: "BulkheadError", code: this.code, subject: this.subject };
    if (this.where !== undefined) json.where = this.where;
    if (this.expected !== undefined) json.expected = this.expected;
    if (this.found !== undefined) json.found = this.found;
    if (this.remedy !== undefined) json.remedy = this.remedy;
    if (this.#sentence !== undefined) json.sentence = this.#sentence;
    return json as unknown as BulkheadErrorJson;
  }

  /**
   * The error again, on the other side of a crossing.
   *
   * @param value What arrived. Anything that is not the plain form becomes an error with the code `unexpected-error`,
   * so that a compartment cannot make its peer throw something else.
   */
  static fromJSON(value: unknown): BulkheadError {
    if (isBulkheadErrorJson(value)) {
      return new BulkheadError({
        code: value.code,
        subject: value.subject,
        where: textOf(value.where),
        expected: textOf(value.expected),
        found: textOf(value.found),
        remedy: textOf(value.remedy),
        sentence: textOf(value.sentence),
      });
    }
    return BulkheadError.from(value, "a compartment");
  }

  /**
   * Makes a `BulkheadError` of whatever was thrown; one that already is comes back as it is.
   *
   * @param thrown What a `catch` caught.
   * @param subject What was at work, for the sentence.
   */
  static from(thrown: unknown, subject: string): BulkheadError {
    if (thrown instanceof BulkheadError) return thrown;
    const found = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return new BulkheadError({
      code: "unexpected-error",
      subject,
      found,
      sentence: `${subject} failed unexpectedly: ${found}`,
    }, { cause: thrown });
  }
}

/** True for the plain form that {@linkcode BulkheadError.toJSON} makes. */
export function isBulkheadErrorJson(value: unknown): value is BulkheadErrorJson {
  if (typeof value !== "object" || value === null) return false;
  const json = value as Record<string, unknown>;
  return json.error === "BulkheadError" && typeof json.code === "string" && typeof json.subject === "string";
}

function sentenceOf(parts: BulkheadErrorParts): string {
  const place = parts.where === undefined ? parts.subject : `${parts.subject}, ${parts.where}`;
  const clauses: string[] = [];
  if (parts.expected !== undefined) clauses.push(`expected ${parts.expected}`);
  if (parts.found !== undefined) clauses.push(`found ${parts.found}`);
  const fault = clauses.length === 0 ? parts.code.replaceAll("-", " ") : clauses.join(", ");
  return parts.remedy === undefined ? `${place}: ${fault}` : `${place}: ${fault}; ${parts.remedy}`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
