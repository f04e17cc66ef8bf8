/**
 * Sectors in memory, which is taken where something is written.
 *
 * @module
 */
import { type BlockAction, type BlockDone, type BlockStore, DONE, failed, NOTHING } from "./block_store.ts";

/** Bytes that are taken at once. */
const CHUNK = 65536;

/** A store that begins as zeros and is gone with its thread. */
export class MemoryStore implements BlockStore {
  readonly sectorBytes = 512;
  readonly granule = 512;
  readonly longest = 1 << 20;
  readonly readOnly = false;
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #most: number;

  /** A store of `bytes`, of which at most `most` may be written. */
  constructor(readonly subject: string, readonly bytes: number, most = Infinity) {
    this.#most = most;
  }

  /** Bytes that are taken. */
  get taken(): number {
    return this.#chunks.size * CHUNK;
  }

  /** See {@linkcode BlockStore.begin}. */
  begin(action: BlockAction, offset: number, length: number, data: Uint8Array, done: BlockDone): void {
    if (action === "read") return done({ status: "ok", data: this.#read(offset, length) });
    if (action === "identify") return done({ status: "unsupported", data: NOTHING });
    if (action !== "write") return done(DONE);
    done(this.#write(offset, data) ? DONE : failed(`more than ${this.#most} bytes would be held in memory`));
  }

  /** See {@linkcode BlockStore.poll}. */
  poll(): void {}

  /** See {@linkcode BlockStore.wait}. */
  wait(_milliseconds: number): void {}

  #read(offset: number, length: number): Uint8Array {
    const into = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const place = offset + at, inside = place % CHUNK, size = Math.min(CHUNK - inside, length - at);
      const chunk = this.#chunks.get(Math.floor(place / CHUNK));
      if (chunk !== undefined) into.set(chunk.subarray(inside, inside + size), at);
      at += size;
    }
    return into;
  }

  #write(offset: number, data: Uint8Array): boolean {
    for (let at = 0; at < data.length;) {
      const place = offset + at, inside = place % CHUNK, size = Math.min(CHUNK - inside, data.length - at);
      const number = Math.floor(place / CHUNK);
      let chunk = this.#chunks.get(number);
      if (chunk === undefined) {
        if (this.taken + CHUNK > this.#most) return false;
        this.#chunks.set(number, chunk = new Uint8Array(CHUNK));
      }
      chunk.set(data.subarray(at, at + size), inside);
      at += size;
    }
    return true;
  }
}
