import { assertEquals } from "./equals.ts";

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * The part of `value` that `mask` names, as plain objects, so that the two can be compared without regard to classes
 * and to what the mask leaves out.
 */
function part(value: unknown, mask: unknown, open: Map<object, unknown>): unknown {
  if (!isObject(value) || !isObject(mask) || value instanceof RegExp || value instanceof Date) return value;
  if (open.get(value) === mask) return value;
  open.set(value, mask);
  if (Array.isArray(value) && Array.isArray(mask)) {
    return value.slice(0, mask.length).map((item, at) => part(item, mask[at], open));
  }
  if (value instanceof Map && mask instanceof Map) {
    return new Map(
      [...value].filter(([key]) => mask.has(key)).map(([key, of]) => [key, part(of, mask.get(key), open)]),
    );
  }
  if (value instanceof Set && mask instanceof Set) return value.intersection(mask);
  const keys = Reflect.ownKeys(value);
  const named = keys.filter((key) => Object.hasOwn(mask, key));
  const result = {};
  // Nothing in common: all of it, so that the difference shows what there is instead.
  const nothingShared = named.length === 0 && Reflect.ownKeys(mask).length > 0;
  for (const key of nothingShared ? keys : named) {
    const of = Reflect.get(value, key);
    Object.defineProperty(result, key, {
      value: nothingShared ? of : part(of, Reflect.get(mask, key), open),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return result;
}

/** Throws unless `actual` has all that `expected` has, at every depth. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- the genuine signature
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  for (const given of [actual, expected]) {
    if (!isObject(given)) {
      throw new TypeError(`Cannot assertObjectMatch ${given === null ? null : `type ${typeof given}`}`);
    }
  }
  assertEquals(part(actual, expected, new Map()), part(expected, expected, new Map()), msg);
}
