/**
 * A plugin's arrays, taken at the engine's word.
 *
 * @module
 */

const prototype = Object.getPrototypeOf(Uint8Array.prototype);
const getter = (name: string) => Object.getOwnPropertyDescriptor(prototype, name)!.get!;
const bufferOf = getter("buffer"), offsetOf = getter("byteOffset"), lengthOf = getter("byteLength");
const { apply } = Reflect;
const Bytes = Uint8Array;

/** The bytes of a typed array, as an array that nobody has touched. @throws {TypeError} It is none. */
export function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new Bytes(
    apply(bufferOf, value, []) as ArrayBuffer,
    apply(offsetOf, value, []) as number,
    apply(lengthOf, value, []) as number,
  );
}

/** A position or size that a plugin gave. @throws {RangeError} It is none. */
export function positionOf(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${typeof value === "number" ? value : typeof value} is no place in a file`);
}
