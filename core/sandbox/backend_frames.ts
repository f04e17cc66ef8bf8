/**
 * What goes between a back end and its link: a stream of frames each way.
 *
 * Layout, little-endian: u32 bytes after this field, u32 kind, u32 id, u32 bytes of plain data, plain data, bytes.
 *
 * @module
 */
import { decodePlain, encodePlain, type Plain } from "./plain.ts";

/** Kinds of frames. */
export const FRAME = {
  // From the core.
  REQUEST: 1,
  SETTLE: 2,
  CLOSE: 3,
  // From the back end.
  ANSWER: 10,
  REFUSAL: 11,
  EVENT: 12,
  LOG: 13,
  COUNT: 14,
  /** It does what the far side's bounds forbid; the near side lets it go. */
  FAULT: 15,
} as const;

/** A frame. */
export interface BackendFrame {
  readonly kind: number;
  readonly id: number;
  readonly plain: Plain;
  readonly bytes: Uint8Array;
}

const HEADER = 16;

/** Most bytes of a frame: requests are shorter, and what a hostile side announces is not waited for. */
export const LONGEST_FRAME = 16 << 20;

const NOTHING = new Uint8Array(0);

/** Encodes a frame. */
export function encodeBackendFrame(kind: number, id: number, plain: unknown, bytes: Uint8Array = NOTHING): Uint8Array {
  const data = encodePlain(plain);
  const frame = new Uint8Array(HEADER + data.length + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, frame.length - 4, true);
  view.setUint32(4, kind, true);
  view.setUint32(8, id, true);
  view.setUint32(12, data.length, true);
  frame.set(data, HEADER);
  frame.set(bytes, HEADER + data.length);
  return frame;
}

/** Takes frames out of a stream. */
export class BackendFrameReader {
  #held = new Uint8Array(1 << 16);
  #length = 0;

  /** Room for `count` more bytes, to be filled before `push`. */
  room(count: number): Uint8Array {
    if (this.#length + count > this.#held.length) {
      const larger = new Uint8Array(2 * (this.#length + count));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    return this.#held.subarray(this.#length, this.#length + count);
  }

  /**
   * Takes the frames that `count` more bytes complete. Their bytes are valid until the next call of `room`.
   *
   * @throws {RangeError} The bytes are no frame.
   */
  push(count: number): BackendFrame[] {
    this.#length += count;
    const frames: BackendFrame[] = [];
    let at = 0;
    const view = new DataView(this.#held.buffer);
    while (this.#length - at >= HEADER) {
      const length = view.getUint32(at, true), plain = view.getUint32(at + 12, true);
      if (length > LONGEST_FRAME || length < HEADER - 4 || plain > length - (HEADER - 4)) {
        throw new RangeError(`a message of ${length} bytes with ${plain} of data`);
      }
      const end = at + 4 + length;
      if (end > this.#length) break;
      frames.push({
        kind: view.getUint32(at + 4, true),
        id: view.getUint32(at + 8, true),
        plain: decodePlain(this.#held.subarray(at + HEADER, at + HEADER + plain)),
        bytes: this.#held.subarray(at + HEADER + plain, end),
      });
      at = end;
    }
    if (at > 0) {
      // What was handed out must stay as it is until the next call: the rest goes elsewhere.
      const rest = this.#held.slice(at, this.#length);
      if (rest.length > 0 || this.#held.length > 1 << 20) {
        this.#held = new Uint8Array(Math.max(1 << 16, 2 * rest.length));
        this.#held.set(rest);
      }
      this.#length = rest.length;
    }
    return frames;
  }
}

/** Bytes of each of a back end's two rings. */
const RING_BYTES = 1 << 20;

/** Makes the memory of a back end's rings: requests, then answers. */
export function createBackendRings(): { requests: SharedArrayBuffer; answers: SharedArrayBuffer } {
  const header = 192;
  return {
    requests: new SharedArrayBuffer(header + RING_BYTES),
    answers: new SharedArrayBuffer(header + RING_BYTES),
  };
}
