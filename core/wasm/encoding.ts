/**
 * The primitive encodings of the WebAssembly binary format (core specification, "Binary Format", Values): a growing
 * byte buffer with LEB128 integers, little-endian floats, names and vectors.
 *
 * @module
 */

const FLOAT = new DataView(new ArrayBuffer(8));
const UTF8 = new TextEncoder();

/** A byte buffer that grows as it is written to. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /**
   * Starts an empty buffer.
   *
   * @param capacity bytes to reserve; the buffer doubles when it is full
   */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Writes the low 8 bits of `value`. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** Writes the byte at an offset again. */
  patch(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Writes an unsigned LEB128 integer, 0 to 2^32-1. */
  u32(value: number): void {
    value >>>= 0;
    if (value <= 0x7f) return this.byte(value);
    while (value > 0x7f) {
      this.byte((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    this.byte(value);
  }

  /** Writes a signed LEB128 integer, -2^31 to 2^31-1. */
  s32(value: number): void {
    value |= 0;
    while (value < -0x40 || value > 0x3f) {
      this.byte((value & 0x7f) | 0x80);
      value >>= 7;
    }
    this.byte(value & 0x7f);
  }

  /** Writes a signed LEB128 integer, -2^63 to 2^63-1. */
  s64(value: bigint): void {
    let low = Number(BigInt.asIntN(32, value));
    let high = Number(BigInt.asIntN(32, value >> 32n));
    while (high !== low >> 31) {
      this.byte((low & 0x7f) | 0x80);
      low = (low >>> 7) | (high << 25);
      high >>= 7;
    }
    this.s32(low);
  }

  /** Writes an IEEE 754 binary32 value, little-endian. */
  f32(value: number): void {
    FLOAT.setFloat32(0, value, true);
    for (let i = 0; i < 4; i++) this.byte(FLOAT.getUint8(i));
  }

  /** Writes an IEEE 754 binary64 value, little-endian. */
  f64(value: number): void {
    FLOAT.setFloat64(0, value, true);
    for (let i = 0; i < 8; i++) this.byte(FLOAT.getUint8(i));
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes a byte count and the bytes. */
  sized(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** Writes a name: its length in bytes and its UTF-8 text. */
  name(text: string): void {
    this.sized(UTF8.encode(text));
  }

  /** What was written, without copying; valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Begins anew, in the same buffer unless that has grown beyond `most` bytes. What {@linkcode ByteWriter.view} gave is overwritten. */
  clear(most = Infinity): void {
    this.#length = 0;
    if (this.#bytes.length > most) this.#bytes = new Uint8Array(most);
  }

  #grow(atLeast: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + atLeast));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
