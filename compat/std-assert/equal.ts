/** Two primitives, or one object twice; NaN equals itself and the zeros are equal. */
function sameValueZero(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

/** A plain object and one without a prototype are of one kind. */
function prototypeOf(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

/** Own keys, and for instances of classes the keys of their prototypes too, as accessors live there. */
function keysOf(value: object): Set<PropertyKey> {
  const keys = new Set<PropertyKey>();
  for (
    let at: object | null = value;
    at !== null && at !== Object.prototype && at !== Array.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const key of Reflect.ownKeys(at)) if (!(key === "length" && Array.isArray(at))) keys.add(key);
  }
  return keys;
}

type Bytes = ArrayLike<number | bigint>;

function asItems(value: object): Bytes | undefined {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return value as unknown as Bytes;
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
}

function sameItems(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!sameValueZero(a[at], b[at])) return false;
  return true;
}

/** Objects whose text says all there is. */
const COMPARED_AS_TEXT: readonly { readonly prototype: object }[] = [
  Intl.Locale,
  RegExp,
  URL,
  URLSearchParams,
  ...(typeof Temporal === "undefined" ? [] : [
    Temporal.Duration,
    Temporal.Instant,
    Temporal.PlainDate,
    Temporal.PlainDateTime,
    Temporal.PlainMonthDay,
    Temporal.PlainTime,
    Temporal.PlainYearMonth,
    Temporal.ZonedDateTime,
  ]),
];

/** Whether two values are deeply equal. */
export function equal(a: unknown, b: unknown): boolean {
  // Pairs under comparison: a cycle that leads back to one of them adds nothing.
  const open = new Map<object, unknown>();

  function compareCollections(a: Set<unknown> | Map<unknown, unknown>, b: typeof a): boolean {
    if (a.size !== b.size) return false;
    const compareEntry = ([key, value]: [unknown, unknown], [otherKey, otherValue]: [unknown, unknown]) =>
      compare(key, otherKey) && compare(value, otherValue);
    const others = [...b.entries()];
    for (const entry of a.entries()) {
      const [key, value] = entry;
      if (isPrimitive(key)) {
        if (!b.has(key) || (b instanceof Map && !compare(value, b.get(key)))) return false;
      } else if (!others.some((other) => compareEntry(entry, other))) {
        return false;
      }
    }
    return true;
  }

  function compareObjects(a: object, b: object): boolean {
    if (prototypeOf(a) !== prototypeOf(b)) return false;
    const [items, otherItems] = [asItems(a), asItems(b)];
    if (items && otherItems) return sameItems(items, otherItems);
    for (const kind of [WeakMap, WeakSet]) {
      if (a instanceof kind) throw new TypeError(`Cannot compare ${kind.name} instances`);
    }
    if (a instanceof WeakRef && b instanceof WeakRef) return compare(a.deref(), b.deref());
    if (COMPARED_AS_TEXT.some((kind) => kind.prototype === Object.getPrototypeOf(a))) return String(a) === String(b);
    if (open.get(a) === b) return true;
    if (Object.keys(a).length !== Object.keys(b).length) return false;
    open.set(a, b);
    if (a instanceof Set && b instanceof Set) return compareCollections(a, b);
    if (a instanceof Map && b instanceof Map) return compareCollections(a, b);
    for (const key of keysOf(a).union(keysOf(b))) {
      if (key in a !== key in b || !compare(Reflect.get(a, key), Reflect.get(b, key))) return false;
    }
    return true;
  }

  function compare(a: unknown, b: unknown): boolean {
    if (sameValueZero(a, b)) return true;
    if (isPrimitive(a) || isPrimitive(b)) return false;
    if (typeof a !== "object" || typeof b !== "object") return false;
    if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
    return compareObjects(a as object, b as object);
  }

  return compare(a, b);
}
