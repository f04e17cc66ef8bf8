/**
 * Plain data as JSON and back, without loss: also numbers that JSON has no form for, byte arrays, maps and sets.
 *
 * What JSON has no form for becomes an object with the one key `$`, or with `$` and `value`.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import type { Json } from "../../sandbox/frame.ts";

/** The key that marks what JSON has no form for. */
const MARK = "$";

const ARRAYS = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float64Array,
  BigUint64Array,
  BigInt64Array,
} as const;

/** The JSON form of a value. @throws {BulkheadError} `state-not-plain`. */
export function toJson(value: unknown): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : marked("number", numberText(value));
    case "undefined":
      return marked("undefined");
    case "bigint":
      return marked("bigint", String(value));
    case "object":
      return value === null ? null : objectToJson(value);
  }
  throw notPlain(`a ${typeof value}`);
}

/** The value of a JSON form. @throws {BulkheadError} `state-not-plain` for a mark that is not known. */
export function fromJson(json: Json): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(fromJson);
  const object = json as { readonly [key: string]: Json };
  if (Object.hasOwn(object, MARK)) return unmarked(object[MARK]!, object.value!);
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, fromJson(value)]));
}

function objectToJson(value: object): Json {
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return marked("Map", [...value].map(([key, item]) => [toJson(key), toJson(item)]));
  if (value instanceof Set) return marked("Set", [...value].map(toJson));
  for (const [name, type] of Object.entries(ARRAYS)) {
    if (!(value instanceof type)) continue;
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return marked(name, bytes.slice().toBase64());
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notPlain(value.constructor?.name ?? "an object");
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [key, toJson(item)]);
  return Object.hasOwn(value, MARK) ? marked("object", entries) : Object.fromEntries(entries);
}

function unmarked(kind: Json, value: Json): unknown {
  const list = (value: Json): readonly Json[] => {
    if (Array.isArray(value)) return value;
    throw notPlain(`a ${kind} without a list`);
  };
  switch (kind) {
    case "undefined":
      return undefined;
    case "number":
      return value === "-0" ? -0 : Number(value);
    case "bigint":
      return BigInt(String(value));
    case "Map":
      return new Map(list(value).map((pair) => [fromJson(list(pair)[0]!), fromJson(list(pair)[1]!)]));
    case "Set":
      return new Set(list(value).map(fromJson));
    case "object":
      return Object.fromEntries(list(value).map((pair) => [String(list(pair)[0]), fromJson(list(pair)[1]!)]));
  }
  const type = Object.hasOwn(ARRAYS, String(kind)) ? ARRAYS[kind as keyof typeof ARRAYS] : undefined;
  if (type === undefined || typeof value !== "string") throw notPlain(`the mark ${JSON.stringify(kind)}`);
  const { buffer, byteLength } = Uint8Array.fromBase64(value);
  return new type(buffer as ArrayBuffer, 0, byteLength / type.BYTES_PER_ELEMENT);
}

function marked(kind: string, value?: Json): Json {
  return value === undefined ? { [MARK]: kind } : { [MARK]: kind, value };
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function notPlain(found: string): BulkheadError {
  return new BulkheadError({ code: "state-not-plain", subject: "a saved state", expected: "plain data", found });
}
