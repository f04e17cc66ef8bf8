/**
 * Checks of a definition's values, each with its sentence.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { nearestName } from "./nearest.ts";

/** An object; where the fields are known, with no others. @throws {BulkheadError} `bad-definition`. */
export function record(value: unknown, where: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(where, "an object", value);
  for (const key of known === undefined ? [] : Object.keys(value)) {
    if (known!.includes(key)) continue;
    const meant = nearestName(key, known!);
    const remedy = meant === undefined ? undefined : `did you mean "${meant}"?`;
    throw bad(where, `fields among ${known!.join(", ")}`, `"${key}"`, remedy);
  }
  return value as Record<string, unknown>;
}

/** A list; an empty one if absent. @throws {BulkheadError} `bad-definition`. */
export function list(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw bad(where, "a list", value);
  return value;
}

/** The name of a file. @throws {BulkheadError} `bad-definition`. */
export function file(value: unknown, where: string): void {
  if (value instanceof URL || (typeof value === "string" && value !== "")) return;
  throw bad(where, "the name of a file", value);
}

/** A whole number. @throws {BulkheadError} `bad-definition`. */
export function count(value: unknown, where: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw bad(
    where,
    most === Number.MAX_SAFE_INTEGER ? "a whole number, 0 or more" : `a whole number, 0 to ${most}`,
    value,
  );
}

/** True or false; false if absent. @throws {BulkheadError} `bad-definition`. */
export function boolean(value: unknown, where: string): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw bad(where, "true or false", value);
}

/** One of several words; the first if absent. @throws {BulkheadError} `bad-definition`. */
export function choice<T extends string>(value: unknown, where: string, options: readonly [T, ...T[]]): T {
  if (value === undefined) return options[0];
  if (options.includes(value as T)) return value as T;
  throw bad(where, options.map((option) => `"${option}"`).join(" or "), value);
}

/** The error about a value. */
export function bad(where: string, expected: string, found: unknown, remedy?: string): BulkheadError {
  const subject = "the machine definition";
  return new BulkheadError({
    code: "bad-definition",
    subject,
    where: where === subject ? undefined : where,
    expected,
    found: typeof found === "string" ? found : describe(found),
    remedy,
  });
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
