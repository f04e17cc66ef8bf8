/**
 * Stores for tests: late ones, failing ones, and a file in memory that can be cut off in the middle of a run.
 *
 * @module
 */
import {
  type BlockAction,
  type BlockDone,
  type BlockOutcome,
  type BlockStore,
  DONE,
  failed,
  NOTHING,
} from "./block_store.ts";

/** A write or a flush, as it reached a file. */
export type Event = { readonly offset: number; readonly bytes: Uint8Array } | "flush";

/** A store over an array, whose operations are done when they are told to be. */
export class TestStore implements BlockStore {
  readonly sectorBytes = 512;
  readonly granule = 512;
  readonly longest = 65536;
  readonly readOnly = false;
  readonly bytes: number;
  /** What changed the contents, in order. */
  readonly events: Event[] = [];
  /** Operations that wait for `poll` or `wait`. */
  readonly queue: { readonly action: BlockAction; readonly offset: number; run(): void }[] = [];
  /** Operations that fail. */
  fails: (action: BlockAction, offset: number) => boolean = () => false;

  /**
   * @param contents Changed in place. Beyond its end the store reads as zeros, or fails, and grows when written.
   * @param late Operations are done only when polled.
   */
  constructor(
    readonly subject: string,
    public contents: Uint8Array,
    readonly options: { late?: boolean; generation?: string; bytes?: number } = {},
  ) {
    this.bytes = options.bytes ?? contents.length;
  }

  /** Begins. */
  begin(action: BlockAction, offset: number, length: number, data: Uint8Array, done: BlockDone): void {
    const run = () =>
      done(this.fails(action, offset) ? failed("it was told to") : this.#act(action, offset, length, data));
    if (this.options.late) this.queue.push({ action, offset, run });
    else run();
  }

  /** Does what waits. */
  poll(): void {
    for (const { run } of this.queue.splice(0)) run();
  }

  /** Does the oldest that waits. */
  wait(): void {
    this.queue.shift()?.run();
  }

  #act(action: BlockAction, offset: number, length: number, data: Uint8Array): BlockOutcome {
    switch (action) {
      case "read": {
        if (offset + length > this.contents.length) return failed("the end of the file");
        return { status: "ok", data: this.contents.slice(offset, offset + length) };
      }
      case "write": {
        if (offset + length > this.contents.length) {
          const longer = new Uint8Array(offset + length);
          longer.set(this.contents);
          this.contents = longer;
        }
        this.contents.set(data, offset);
        this.events.push({ offset, bytes: data.slice() });
        return DONE;
      }
      case "flush":
        this.events.push("flush");
        return DONE;
      case "discard":
        return DONE;
      case "identify": {
        const { generation } = this.options;
        if (generation === undefined) return { status: "unsupported", data: NOTHING };
        return { status: "ok", data: new TextEncoder().encode(generation) };
      }
    }
  }
}

/** Numbers that are the same in every run: xorshift. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Bytes that are the same in every run. */
export function randomBytes(next: (below: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => next(256));
}
