/**
 * A device's configuration: a schema with defaults, ranges and documentation, and the check of what a user gave.
 *
 * @module
 */

import { BulkheadError } from "./error.ts";

/** A number in a range. */
export interface NumberField {
  /** Value when nothing is given. */
  readonly default: number;
  /** Smallest value, inclusive. */
  readonly min?: number;
  /** Largest value, inclusive. */
  readonly max?: number;
  /** What it is, with its unit. */
  readonly doc: string;
}

/** A switch. */
export interface BooleanField {
  /** Value when nothing is given. */
  readonly default: boolean;
  /** What it switches. */
  readonly doc: string;
}

/** A word, free or one of several. */
export interface TextField {
  /** Value when nothing is given. */
  readonly default: string;
  /** The allowed words; any if absent. */
  readonly choices?: readonly string[];
  /** What it is. */
  readonly doc: string;
}

/** The fields of a configuration by name. */
export type ConfigSchema = Readonly<Record<string, NumberField | BooleanField | TextField>>;

/** The values that a schema describes. */
export type ConfigOf<C extends ConfigSchema> = {
  readonly [K in keyof C]: C[K]["default"] extends number ? number
    : C[K]["default"] extends boolean ? boolean
    : C[K] extends { readonly choices: readonly (infer Choice)[] } ? Choice
    : string;
};

/**
 * Checks what was given against the schema and fills in the defaults.
 *
 * @param subject Whose configuration it is, for the sentence: `device "com1"`.
 * @throws {BulkheadError} `bad-config`: an unknown field, a wrong type, or a value out of range.
 */
export function resolveConfig<C extends ConfigSchema>(
  subject: string,
  schema: C,
  given: Readonly<Record<string, unknown>>,
): ConfigOf<C> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(schema, name)) {
      throw new BulkheadError({
        code: "bad-config",
        subject,
        expected: Object.keys(schema).length === 0
          ? "no configuration"
          : `configuration fields among ${Object.keys(schema).join(", ")}`,
        found: `"${name}"`,
        remedy: "leave it out or correct its name",
      });
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema)) {
    const value = given[name];
    if (value === undefined) {
      values[name] = field.default;
      continue;
    }
    const expected = expectation(field, value);
    if (expected !== undefined) {
      throw new BulkheadError({
        code: "bad-config",
        subject,
        where: `configuration field "${name}"`,
        expected,
        found: typeof value === "string" ? JSON.stringify(value) : String(value),
        remedy: `see its documentation: ${field.doc}`,
      });
    }
    values[name] = value;
  }
  return values as ConfigOf<C>;
}

/** What the field wants, if `value` is not that. */
function expectation(field: NumberField | BooleanField | TextField, value: unknown): string | undefined {
  if (typeof field.default === "boolean") return typeof value === "boolean" ? undefined : "true or false";
  if (typeof field.default === "string") {
    const { choices } = field as TextField;
    if (typeof value !== "string") return "text";
    return choices === undefined || choices.includes(value) ? undefined : `one of ${choices.join(", ")}`;
  }
  const { min = -Infinity, max = Infinity } = field as NumberField;
  if (typeof value === "number" && value >= min && value <= max) return undefined;
  if (min === -Infinity && max === Infinity) return "a number";
  return `a number from ${min} to ${max}`;
}
