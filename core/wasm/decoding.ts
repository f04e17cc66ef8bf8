/**
 * Reads the primitive encodings of the WebAssembly binary format; the reverse of `encoding.ts`.
 *
 * @module
 */

const UTF8 = new TextDecoder();

/** Reads bytes in order. Every method throws a `RangeError` when the bytes end too early. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** The offset of the next byte. */
  position: number;

  /**
   * Starts reading at an offset.
   *
   * @param bytes what is read
   * @param position where reading starts
   * @param end the offset after the last byte that may be read
   */
  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.position = position;
    this.#end = end;
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.position >= this.#end;
  }

  /** Reads one byte. */
  byte(): number {
    const byte = this.position < this.#end ? this.#bytes[this.position] : undefined;
    if (byte === undefined) throw new RangeError(`The module ends at byte ${this.#end}, in the middle of a value.`);
    this.position++;
    return byte;
  }

  /** Reads an unsigned LEB128 integer of up to 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError(`The integer that ends at byte ${this.position} is longer than 32 bits allow.`);
  }

  /** Reads a signed LEB128 integer of up to 32 bits. */
  s32(): number {
    return Number(BigInt.asIntN(32, this.s64()));
  }

  /** Reads a signed LEB128 integer of up to 64 bits. */
  s64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(Math.min(Number(shift) + 7, 64), value);
    }
    throw new RangeError(`The integer that ends at byte ${this.position} is longer than 64 bits allow.`);
  }

  /** Reads `count` bytes; the result shares memory with what is read. */
  raw(count: number): Uint8Array {
    if (this.position + count > this.#end) {
      throw new RangeError(
        `The module ends at byte ${this.#end}, ${count} bytes after byte ${this.position} are needed.`,
      );
    }
    this.position += count;
    return this.#bytes.subarray(this.position - count, this.position);
  }

  /** Reads a byte count and that many bytes. */
  sized(): Uint8Array {
    return this.raw(this.u32());
  }

  /** Reads a byte count and gives a reader of that many bytes, which keeps offsets; skips them here. */
  part(): ByteReader {
    const count = this.u32();
    this.raw(count);
    return new ByteReader(this.#bytes, this.position - count, this.position);
  }

  /** Reads a name. */
  name(): string {
    return UTF8.decode(this.sized());
  }

  /** Reads a count and that many items. */
  vector<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let count = this.u32(); count > 0; count--) items.push(item());
    return items;
  }
}
