/**
 * Plain data as bytes: what crosses between a plugin and the core. Numbers, text, booleans, null, undefined, arrays, objects, typed arrays.
 *
 * Both sides may be hostile. Encoding never calls a typed array's own properties; decoding trusts no length, and nothing that it makes has a
 * getter or another prototype than its kind's.
 *
 * @module
 */

/** Plain data. */
export type Plain =
  | undefined
  | null
  | boolean
  | number
  | string
  | TypedArray
  | readonly Plain[]
  | { readonly [key: string]: Plain };

/** A typed array of numbers. */
export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint8ClampedArray
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

const TAG = {
  UNDEFINED: 0,
  NULL: 1,
  FALSE: 2,
  TRUE: 3,
  NUMBER: 4,
  TEXT: 5,
  ARRAY: 6,
  OBJECT: 7,
  TYPED: 16,
} as const;

const TYPES = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
] as const;

/** Levels of nesting that plain data may have. */
const DEEPEST = 64;

// A plugin may give any object the looks of a typed array, or patch its own; these ask the object itself. They are taken before any plugin runs.
const prototype = Object.getPrototypeOf(Uint8Array.prototype);
const getter = (name: string | symbol) => {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name)!;
  const { apply } = Reflect;
  return (array: object) => apply(get!, array, []);
};
const kindOf = getter(Symbol.toStringTag) as (array: object) => string | undefined;
const bufferOf = getter("buffer") as (array: object) => ArrayBuffer;
const offsetOf = getter("byteOffset") as (array: object) => number;
const byteLengthOf = getter("byteLength") as (array: object) => number;
const { isView } = ArrayBuffer;
const { isArray } = Array;
const ownKeys = Object.keys;
const NAMES: readonly string[] = TYPES.map(({ name }) => name);

/** The bytes of a typed array, whatever it says of itself; undefined if it is none. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (!isView(value) || kindOf(value) === undefined) return undefined;
  return new Uint8Array(bufferOf(value), offsetOf(value), byteLengthOf(value));
}

/** Encodes plain data. @throws {TypeError} What it is that is not plain, and where. */
export function encodePlain(value: unknown): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.put(value, "the value", 0);
  return writer.bytes();
}

/** Decodes plain data. @throws {RangeError} The bytes are no plain data. */
export function decodePlain(bytes: Uint8Array): Plain {
  const reader = new Reader(bytes);
  const value = reader.take(0);
  reader.end();
  return value;
}

/** A copy, made of this side's own objects. @throws {TypeError} What it is that is not plain. */
export function copyPlain(value: unknown): Plain {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
      throw new TypeError(`the value is a ${typeof value}, not plain data`);
    }
    return value as Plain;
  }
  const bytes = kindOf(value) === "Uint8Array" ? bytesOf(value) : undefined;
  return bytes === undefined ? decodePlain(encodePlain(value)) : bytes.slice();
}

class Writer {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#at);
  }

  put(value: unknown, where: string, depth: number): void {
    switch (typeof value) {
      case "undefined":
        return this.#byte(TAG.UNDEFINED);
      case "boolean":
        return this.#byte(value ? TAG.TRUE : TAG.FALSE);
      case "number":
        this.#byte(TAG.NUMBER);
        this.#room(8);
        this.#view.setFloat64(this.#at, value, true);
        this.#at += 8;
        return;
      case "string":
        this.#byte(TAG.TEXT);
        return this.#text(value);
      case "object":
        if (value === null) return this.#byte(TAG.NULL);
        if (depth > DEEPEST) throw new TypeError(`${where} is nested too deeply, or in a circle`);
        return this.#object(value, where, depth);
      default:
        throw new TypeError(`${where} is a ${typeof value}, not plain data`);
    }
  }

  #object(value: object, where: string, depth: number): void {
    const bytes = bytesOf(value);
    if (bytes !== undefined) {
      const kind = NAMES.indexOf(kindOf(value)!);
      if (kind < 0) throw new TypeError(`${where} is a ${kindOf(value)}, not plain data`);
      this.#byte(TAG.TYPED + kind);
      return this.#bytes(bytes);
    }
    if (isArray(value)) {
      const { length } = value;
      this.#byte(TAG.ARRAY);
      this.#count(length);
      for (let index = 0; index < length; index++) this.put(value[index], `${where}[${index}]`, depth + 1);
      return;
    }
    const proto = Object.getPrototypeOf(value);
    if (proto !== null && Object.getPrototypeOf(proto) !== null) {
      throw new TypeError(`${where} is an object of a class, not plain data`);
    }
    if (typeof (value as { then?: unknown }).then === "function") throw new TypeError(`${where} is a promise`);
    const keys = ownKeys(value);
    this.#byte(TAG.OBJECT);
    this.#count(keys.length);
    for (const key of keys) {
      this.#text(key);
      this.put((value as Record<string, unknown>)[key], `${where}.${key}`, depth + 1);
    }
  }

  #byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  #count(value: number): void {
    this.#room(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #text(text: string): void {
    // UTF-16, so that every string is the same on the other side.
    this.#count(text.length);
    this.#room(2 * text.length);
    for (let index = 0; index < text.length; index++, this.#at += 2) {
      this.#view.setUint16(this.#at, text.charCodeAt(index), true);
    }
  }

  #bytes(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #room(more: number): void {
    if (this.#at + more <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * (this.#at + more));
    larger.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError("plain data with something behind it");
  }

  take(depth: number): Plain {
    if (depth > DEEPEST + 1) throw new RangeError("plain data nested too deeply");
    const tag = this.#bytes[this.#need(1)]!;
    switch (tag) {
      case TAG.UNDEFINED:
        return undefined;
      case TAG.NULL:
        return null;
      case TAG.FALSE:
        return false;
      case TAG.TRUE:
        return true;
      case TAG.NUMBER:
        return this.#view.getFloat64(this.#need(8), true);
      case TAG.TEXT:
        return this.#text();
      case TAG.ARRAY: {
        const length = this.#count(1);
        const array: Plain[] = [];
        for (let index = 0; index < length; index++) array.push(this.take(depth + 1));
        return array;
      }
      case TAG.OBJECT: {
        const length = this.#count(5);
        const object: Record<string, Plain> = {};
        for (let index = 0; index < length; index++) {
          const key = this.#text(), value = this.take(depth + 1);
          if (key === "__proto__") throw new RangeError('plain data with the key "__proto__"');
          object[key] = value;
        }
        return object;
      }
      default: {
        const type = TYPES[tag - TAG.TYPED];
        if (type === undefined) throw new RangeError(`plain data with the unknown tag ${tag}`);
        const length = this.#count(1);
        if (length % type.BYTES_PER_ELEMENT !== 0) {
          throw new RangeError("an array that ends in the middle of an element");
        }
        const from = this.#need(length);
        const copy = new Uint8Array(length);
        copy.set(this.#bytes.subarray(from, from + length));
        return type === Uint8Array ? copy : new type(copy.buffer);
      }
    }
  }

  #text(): string {
    const length = this.#count(2);
    const from = this.#need(2 * length);
    let text = "";
    for (let index = 0; index < length; index++) {
      text += String.fromCharCode(this.#view.getUint16(from + 2 * index, true));
    }
    return text;
  }

  /** A count of items that take at least so many bytes each. */
  #count(itemBytes: number): number {
    const count = this.#view.getUint32(this.#need(4), true);
    if (count * itemBytes > this.#bytes.length - this.#at) throw new RangeError(`plain data cut short: ${count} items`);
    return count;
  }

  #need(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw new RangeError("plain data cut short");
    this.#at = at + bytes;
    return at;
  }
}
