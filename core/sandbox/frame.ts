/**
 * Frames: a JSON header and a binary payload, with their lengths in front, on any stream of bytes.
 *
 * Layout, little-endian: u32 bytes after this field; u32 bytes of header; the header, UTF-8 JSON; the payload.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";

/** Plain data that JSON carries. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** A frame. */
export interface Frame {
  /** An object: what the frame says. */
  readonly header: { readonly [key: string]: Json | undefined };
  /** Bytes that go with it, possibly none. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Most bytes that a frame may have: a peer that announces more is broken or hostile. */
export const FRAME_LIMIT = 8 << 20;

const NOTHING = new Uint8Array(0);

/**
 * Encodes a frame.
 *
 * @param scratch Where to, if the frame fits there; a new array otherwise.
 * @throws {BulkheadError} `frame-too-long` beyond FRAME_LIMIT.
 */
export function encodeFrame(
  header: Frame["header"],
  payload: Uint8Array = NOTHING,
  scratch: Uint8Array<ArrayBuffer> = NOTHING,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = 4 + text.length + payload.length;
  if (length > FRAME_LIMIT) {
    throw new BulkheadError({
      code: "frame-too-long",
      subject: "a message between compartments",
      expected: `at most ${FRAME_LIMIT} bytes`,
      found: `${length}`,
    });
  }
  const frame = 4 + length <= scratch.length ? scratch.subarray(0, 4 + length) : new Uint8Array(4 + length);
  const view = new DataView(frame.buffer, frame.byteOffset);
  view.setUint32(0, length, true);
  view.setUint32(4, text.length, true);
  frame.set(text, 8);
  frame.set(payload, 8 + text.length);
  return frame;
}

/** Takes frames out of a stream of bytes that arrives in pieces of any size. */
export class FrameReader {
  readonly #sender: string;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 16);
  #start = 0;
  #end = 0;

  /** @param sender Who writes the stream, as a sentence would name it. */
  constructor(sender: string) {
    this.#sender = sender;
  }

  /** Bytes of an unfinished frame: not zero at the end of the stream means that it was cut off. */
  get unfinished(): number {
    return this.#end - this.#start;
  }

  /**
   * Adds a piece and returns the frames that it completes. Their payloads are valid until the next call: keep a copy, not the array.
   *
   * @throws {BulkheadError} `frame-broken` when the bytes are no frame; the stream is then of no further use.
   */
  push(piece: Uint8Array): Frame[] {
    this.#append(piece);
    const frames: Frame[] = [];
    while (this.unfinished >= 8) {
      const view = new DataView(this.#buffer.buffer, this.#start, 8);
      const length = view.getUint32(0, true), headerLength = view.getUint32(4, true);
      if (length > FRAME_LIMIT) throw this.#broken(`a message of at most ${FRAME_LIMIT} bytes`, `one of ${length}`);
      if (headerLength > length - 4) throw this.#broken("a header within its message", `one of ${headerLength} bytes`);
      if (this.unfinished < 4 + length) break;
      const payload = this.#start + 8 + headerLength, end = this.#start + 4 + length;
      frames.push({
        header: this.#header(this.#buffer.subarray(this.#start + 8, payload)),
        payload: this.#buffer.subarray(payload, end),
      });
      this.#start = end;
    }
    return frames;
  }

  #append(piece: Uint8Array): void {
    const held = this.unfinished;
    if (this.#end + piece.length > this.#buffer.length) {
      const larger = held + piece.length > this.#buffer.length;
      const buffer = larger ? new Uint8Array(2 * (held + piece.length)) : this.#buffer;
      buffer.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = buffer;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(piece, this.#end);
    this.#end += piece.length;
  }

  #header(bytes: Uint8Array): Frame["header"] {
    let header: unknown;
    try {
      header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      throw this.#broken("a header in JSON", `${bytes.length} bytes that are none`);
    }
    if (typeof header !== "object" || header === null || Array.isArray(header)) {
      throw this.#broken("a header that is an object", JSON.stringify(header));
    }
    return header as Frame["header"];
  }

  #broken(expected: string, found: string): BulkheadError {
    return new BulkheadError({ code: "frame-broken", subject: this.#sender, where: "its messages", expected, found });
  }
}
