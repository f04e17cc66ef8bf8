/**
 * Values of options: durations, counts, C escapes, regular expressions.
 *
 * @module
 */
import { usage } from "./options.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, "": 1000, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `60s`, `1.5m` or `90` (seconds). @throws {BulkheadError} `usage`. */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const duration = match === null ? NaN : Number(match[1]) * UNITS[match[2] ?? ""]!;
  // Timers of a host take 31 bits of milliseconds.
  if (duration > 0 && duration < 2 ** 31) return duration;
  throw usage(option, "a time above zero and up to 24 days, such as 60s, 500ms or 2m", `"${text}"`);
}

/** A whole number, 1 or more; `_` and `,` may group digits. @throws {BulkheadError} `usage`. */
export function parseCount(text: string, option: string): number {
  const count = /^\d[\d_,]*$/.test(text) ? Number(text.replace(/[_,]/g, "")) : NaN;
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw usage(option, "a whole number above zero", `"${text}"`);
}

/** A whole number from 0. @throws {BulkheadError} `usage`. */
export function parseCountOrZero(text: string, option: string): number {
  return text === "0" ? 0 : parseCount(text, option);
}

/** A whole number from 0, decimal or hexadecimal (`0x7c00`, `7c00h`). @throws {BulkheadError} `usage`. */
export function parseAddress(text: string, option: string): number {
  const hexadecimal = /^0x([0-9a-f]+)$/i.exec(text) ?? /^([0-9][0-9a-f]*)h$/i.exec(text);
  const value = hexadecimal !== null ? parseInt(hexadecimal[1]!, 16) : /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw usage(option, "a whole number, decimal or hexadecimal (0x7c00)", `"${text}"`);
}

/** A regular expression. @throws {BulkheadError} `usage`. */
export function parsePattern(text: string, option: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw usage(option, "a regular expression", `"${text}" (${(error as Error).message})`);
  }
}

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  e: 27,
  "\\": 92,
  "'": 39,
  '"': 34,
  "?": 63,
};

/** Bytes of a text with C escapes: `\n`, `\x1b`, `\033`, `\\` and the like. @throws {BulkheadError} `usage` for an unknown one. */
export function parseEscapes(text: string, option: string): Uint8Array {
  const bytes: number[] = [];
  const pattern = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([\s\S]?))|[^\\]+/g;
  for (const [whole, hexadecimal, octal, letter] of text.matchAll(pattern)) {
    if (hexadecimal !== undefined) bytes.push(parseInt(hexadecimal, 16));
    else if (octal !== undefined) bytes.push(parseInt(octal, 8) & 0xff);
    else if (letter === undefined) bytes.push(...new TextEncoder().encode(whole));
    else if (Object.hasOwn(ESCAPES, letter)) bytes.push(ESCAPES[letter]!);
    else throw usage(option, "C escapes such as \\n, \\t, \\x1b or \\\\", `"${whole}" in "${text}"`);
  }
  return Uint8Array.from(bytes);
}
