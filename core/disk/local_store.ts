/**
 * A block back end in the same thread: one that needs no host, or a test's.
 *
 * @module
 */
import type { BlockBackend } from "../bus/backend_kinds.ts";
import { BulkheadError } from "../bus/error.ts";
import {
  type BlockAction,
  type BlockDone,
  type BlockOutcome,
  type BlockStore,
  DONE,
  failed,
  NOTHING,
} from "./block_store.ts";

/** Bytes of one call at most. */
const LONGEST = 1 << 20;

/** A store over a back end whose methods are synchronous. */
export class LocalStore implements BlockStore {
  readonly bytes: number;
  readonly sectorBytes: number;
  readonly granule: number;
  readonly longest = LONGEST;
  readonly readOnly: boolean;
  readonly #backend: BlockBackend;

  /** A store that is called so in sentences. */
  constructor(readonly subject: string, backend: BlockBackend) {
    this.#backend = backend;
    this.bytes = backend.bytes;
    this.sectorBytes = this.granule = backend.sectorBytes;
    this.readOnly = backend.readOnly;
  }

  /** See {@linkcode BlockStore.begin}. */
  begin(action: BlockAction, offset: number, length: number, data: Uint8Array, done: BlockDone): void {
    let outcome: BlockOutcome;
    try {
      outcome = this.#act(action, offset, length, data);
    } catch (error) {
      outcome = failed(BulkheadError.from(error, this.subject).message);
    }
    done(outcome);
  }

  /** See {@linkcode BlockStore.poll}. */
  poll(): void {}

  /** See {@linkcode BlockStore.wait}. */
  wait(_milliseconds: number): void {}

  #act(action: BlockAction, offset: number, length: number, data: Uint8Array): BlockOutcome {
    const backend = this.#backend;
    switch (action) {
      case "read": {
        const into = new Uint8Array(length);
        this.#now(backend.read(offset, into));
        return { status: "ok", data: into };
      }
      case "write":
        this.#now(backend.write(offset, data));
        return DONE;
      case "flush":
        this.#now(backend.flush());
        return DONE;
      case "discard":
        this.#now(backend.discard?.(offset, length));
        return DONE;
      case "identify": {
        const generation = backend.generation?.();
        if (generation === undefined) return { status: "unsupported", data: NOTHING };
        if (typeof generation !== "string") this.#now(generation);
        return { status: "ok", data: new TextEncoder().encode(String(generation)) };
      }
    }
  }

  /** The virtual CPU's thread has no event loop in which a promise could settle. */
  #now(result: unknown): void {
    if (result === undefined) return;
    throw new BulkheadError({
      code: "asynchronous-back-end",
      subject: this.subject,
      expected: "a back end without promises, as it is placed in the virtual CPU's thread",
      found: "one that gives something to wait for",
      remedy: "place it in a worker or in a process",
    });
  }
}
