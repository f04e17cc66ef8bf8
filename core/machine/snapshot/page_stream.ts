/**
 * The section `pages`: contents of pages, one after the other, as one Zstandard frame (RFC 8878).
 *
 * It is written and read as a stream, through buffers that are small enough for the allocator to use them again: what is mapped anew for
 * each of them costs more time than the decompression.
 *
 * @module
 */
import { builtin } from "../../bus/builtin.ts";

/** The compression level: higher ones take much more time for a per cent. */
const LEVEL = 6;

/** Bytes, as a power of two, in which repetitions are looked for. */
const WINDOW_LOG = 22;

/** Bytes that the compressor is given at a time: always as many, so that equal pages make equal bytes. */
const INPUT = 1 << 20;

/** Bytes of what comes out at a time: less than 128 KB, from where on an allocation is a mapping of its own. */
const OUTPUT = 120_000;

/** What the streams of node:zlib have in common. */
type Coder = ReturnType<ReturnType<typeof builtin<"node:zlib">>["createZstdCompress" | "createZstdDecompress"]>;

/** Contents of whole pages, compressed. Pages may be views of memory that is reused afterwards. */
export async function* compressPages(pages: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { constants, createZstdCompress } = builtin("node:zlib");
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_windowLog]: WINDOW_LOG };
  let parts: Uint8Array[] = [];
  const coder = new CoderStream(createZstdCompress({ chunkSize: OUTPUT, params }), (part) => parts.push(part));
  const taken = () => {
    const those = parts;
    parts = [];
    return those;
  };
  const buffer = new Uint8Array(INPUT);
  let filled = 0;
  for (const page of pages) {
    buffer.set(page, filled);
    filled += page.length;
    if (filled < INPUT) continue;
    await coder.write(buffer);
    filled = 0;
    yield* taken();
  }
  if (filled > 0) await coder.write(buffer.subarray(0, filled));
  await coder.end();
  yield* taken();
}

/** Decompresses what `compressPages` made. */
export class PageDecompressor {
  readonly #coder: CoderStream;

  /** @param take Gets what comes out, in its order. It is done with the bytes when it returns; what it throws is a failure. */
  constructor(take: (bytes: Uint8Array) => void) {
    this.#coder = new CoderStream(builtin("node:zlib").createZstdDecompress({ chunkSize: OUTPUT }), take);
  }

  /** Adds bytes; settles when they have been used. Rejects when they are no part of a frame, or were not wanted. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#coder.write(bytes);
  }

  /** Settles when all has come out. Rejects when something is missing. */
  end(): Promise<void> {
    return this.#coder.end();
  }
}

/** A stream of node:zlib, as promises. */
class CoderStream {
  readonly #coder: Coder;
  readonly #ended = Promise.withResolvers<void>();

  constructor(coder: Coder, take: (part: Uint8Array) => unknown) {
    this.#coder = coder;
    this.#ended.promise.catch(() => {});
    coder.on("data", (part: Uint8Array) => {
      try {
        take(part);
      } catch (error) {
        coder.destroy(error as Error);
      }
    });
    coder.on("end", () => this.#ended.resolve());
    coder.on("error", (error: Error) => this.#ended.reject(error));
  }

  async write(bytes: Uint8Array): Promise<void> {
    const used = new Promise<void>((resolve) => this.#coder.write(bytes, () => resolve()));
    await Promise.race([used, this.#ended.promise]);
  }

  async end(): Promise<void> {
    this.#coder.end();
    await this.#ended.promise;
  }
}
