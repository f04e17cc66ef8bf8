/**
 * The section `pages`: contents of pages, one after the other, compressed in chunks of CHUNK_PAGES.
 *
 * @module
 */
import { builtin } from "../../bus/builtin.ts";
import { PAGE } from "../../memory/layout.ts";

/** Pages of a chunk, except for the last. */
export const CHUNK_PAGES = 1024;

/** How a chunk is compressed. */
export const METHOD = {
  /** Not at all. */
  STORED: 0,
  /** A Zstandard frame (RFC 8878). */
  ZSTD: 1,
} as const;

/** Where a chunk is. */
export interface Chunk {
  /** Offset in the section. */
  readonly offset: number;
  /** Bytes there. */
  readonly length: number;
  /** See METHOD. */
  readonly method: number;
}

/** The compression level: higher ones take much more time for a per cent. */
const LEVEL = 6;

/** The smallest buffer that zlib takes, in bytes. */
const LEAST_BUFFER = 64;

/** Collects pages, and gives them compressed. */
export class ChunkWriter {
  readonly chunks: Chunk[] = [];
  /** Pages so far. */
  pages = 0;
  readonly #buffer = new Uint8Array(CHUNK_PAGES * PAGE);
  #filled = 0;
  #length = 0;

  /** Adds pages; yields each chunk that they complete. Bytes of a last page that are not there are zero. */
  *add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let done = 0; done < bytes.length;) {
      const count = Math.min(bytes.length - done, this.#buffer.length - this.#filled);
      this.#buffer.set(bytes.subarray(done, done + count), this.#filled);
      done += count;
      this.#filled += count;
      if (this.#filled === this.#buffer.length) yield this.#compress();
    }
    const short = -bytes.length & (PAGE - 1);
    this.#buffer.fill(0, this.#filled, this.#filled + short);
    this.#filled += short;
    this.pages += (bytes.length + short) / PAGE;
    if (this.#filled === this.#buffer.length) yield this.#compress();
  }

  /** Yields the last chunk, if one is begun. */
  *finish(): Generator<Uint8Array> {
    if (this.#filled > 0) yield this.#compress();
  }

  #compress(): Uint8Array {
    const plain = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    const { constants, zstdCompressSync } = builtin("node:zlib");
    const small = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
    const stored = small.length >= plain.length;
    const bytes = stored ? plain.slice() : small;
    this.chunks.push({ offset: this.#length, length: bytes.length, method: stored ? METHOD.STORED : METHOD.ZSTD });
    this.#length += bytes.length;
    return bytes;
  }
}

/**
 * A chunk's pages.
 *
 * @param bytes What the section has of it.
 * @param expected Bytes that it must give.
 * @returns Undefined if it gives something else.
 */
export function decompressChunk(bytes: Uint8Array, method: number, expected: number): Uint8Array | undefined {
  if (method === METHOD.STORED) return bytes.length === expected ? bytes : undefined;
  try {
    // One buffer of the right size: else it is put together from small ones. A buffer that is full would be followed by another.
    const chunkSize = Math.max(expected + 1, LEAST_BUFFER);
    const plain = builtin("node:zlib").zstdDecompressSync(bytes, { maxOutputLength: expected, chunkSize });
    return plain.length === expected ? plain : undefined;
  } catch {
    return undefined;
  }
}
