/**
 * Sectors somewhere, as the virtual CPU's thread reaches them: the near side of a block back end, memory, or an overlay over another store.
 *
 * The thread has no event loop: what is begun is done later, and is told from `poll` or `wait`.
 *
 * @module
 */
import type { BlockStatus } from "../bus/backend.ts";

/** What a store can do. `identify`: the outcome's data is the contents' generation, as UTF-8; `unsupported` where the store cannot tell. */
export type BlockAction = "read" | "write" | "flush" | "discard" | "identify";

/** How an operation ended. */
export interface BlockOutcome {
  /** As a front end is told. */
  readonly status: BlockStatus;
  /** What was read; empty for everything else. The receiver's own. */
  readonly data: Uint8Array;
  /** Why it failed, as a sentence. */
  readonly error?: string;
}

/** Is told how an operation ended. */
export type BlockDone = (outcome: BlockOutcome) => void;

/** A store. Operations may be carried out at the same time and in any order: who needs an order waits. */
export interface BlockStore {
  /** What it is, for sentences: `disk "data"`. */
  readonly subject: string;
  /** Capacity, a multiple of `sectorBytes`. */
  readonly bytes: number;
  /** The unit of addressing. */
  readonly sectorBytes: number;
  /** Operations on the same granule, one of them writing, must not be under way at the same time: a multiple of `sectorBytes`. */
  readonly granule: number;
  /** Bytes of one operation at most, a multiple of `granule`. */
  readonly longest: number;
  /** Writes are not to be begun. */
  readonly readOnly: boolean;
  /**
   * Begins an operation. The range is inside the capacity, of whole sectors, and 0 and 0 for `flush` and `identify`.
   *
   * @param data What to write, untouched by the caller until it is done; empty for everything else.
   * @param done Called once, from `poll` or `wait`, or inside this call where the store needs not wait.
   */
  begin(action: BlockAction, offset: number, length: number, data: Uint8Array, done: BlockDone): void;
  /** Tells what is done by now. */
  poll(): void;
  /** Blocks until something is done, for at most so many milliseconds, and tells it. */
  wait(milliseconds: number): void;
}

/** No bytes. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/** Done, with nothing to tell. */
export const DONE: BlockOutcome = { status: "ok", data: NOTHING };

/** A failure. */
export function failed(error: string): BlockOutcome {
  return { status: "error", data: NOTHING, error };
}
