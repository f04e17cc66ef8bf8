/**
 * Which pieces of memory emitted code may not store to unseen, because decoded code covers them: a bitmap that TypeScript and emitted
 * code share.
 *
 * @module
 */
import type { MemoryLayout } from "./layout.ts";

/** A page's bytes are watched in pieces of 64. */
export const PIECE_SHIFT = 6;

/** Host addresses by byte of the bitmap: eight pieces each. */
export const BYTE_SHIFT = PIECE_SHIFT + 3;

/** The bitmap of one machine, by host address. */
export class Pieces {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor(buffer: ArrayBufferLike, layout: MemoryLayout) {
    this.#bytes = new Uint8Array(buffer, layout.pieces, layout.piecesBytes);
    this.#words = new Int32Array(buffer, layout.pieces, layout.piecesBytes >> 2);
  }

  /** Marks the pieces of the bytes from `host` up to `end`. */
  cover(host: number, end: number): void {
    const last = (end - 1) >>> PIECE_SHIFT;
    for (let piece = host >>> PIECE_SHIFT; piece <= last; piece++) this.#bytes[piece >>> 3]! |= 1 << (piece & 7);
  }

  /** Whether a byte's piece is covered. */
  covered(host: number): boolean {
    const piece = host >>> PIECE_SHIFT;
    return (this.#bytes[piece >>> 3]! >>> (piece & 7) & 1) !== 0;
  }

  /** Clears the piece of a byte. */
  clear(host: number): void {
    const piece = host >>> PIECE_SHIFT;
    this.#bytes[piece >>> 3]! &= ~(1 << (piece & 7));
  }

  /** Whether any piece of the page at a host address is covered. */
  any(page: number): boolean {
    const word = page >>> (BYTE_SHIFT + 2);
    return (this.#words[word]! | this.#words[word + 1]!) !== 0;
  }

  /** Clears the page at a host address. */
  clearPage(page: number): void {
    const word = page >>> (BYTE_SHIFT + 2);
    this.#words[word] = 0;
    this.#words[word + 1] = 0;
  }
}
