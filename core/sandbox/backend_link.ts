/**
 * A back end as the virtual CPU's thread sees it: requests go out in batches, answers come back at safe points, and nothing here waits unless
 * it is told to.
 *
 * Requests are carried out one after the other, in the order of their submission. Bytes cross once, by copy.
 *
 * @module
 */
import type { BackendKind } from "../bus/backend_kinds.ts";
import type { BulkheadError } from "../bus/error.ts";
import type { Plain } from "./plain.ts";

/** What a back end said of itself when it was opened: the properties of its kind (`bytes`, `sectorBytes`, `readOnly`, `generation`). */
export type BackendProperties = Readonly<Record<string, number | string | boolean>>;

/** A request: a call of one of the kind's methods. */
export interface BackendRequest {
  /** The method: `read`, `write`, `flush`, `send`. */
  readonly method: string;
  /** Its arguments before the bytes: `[offset]` for `read` and `write`, `[]` for `flush`. */
  readonly args: readonly Plain[];
  /** Bytes that go with it as the last argument; they are copied before `submit` returns. */
  readonly bytes?: Uint8Array;
  /** For methods that fill an array, which is their last argument: its length. What was filled in comes with the answer. */
  readonly room?: number;
}

/** How a request ended. */
export interface BackendAnswer {
  /** Why it failed; undefined if it was carried out. */
  readonly error?: BulkheadError;
  /** What the method returned. */
  readonly value?: Plain;
  /** What was filled in, where the request made room; valid during the call only: keep a copy, not the array. */
  readonly bytes?: Uint8Array;
}

/** Something that a back end does to its port, such as bytes that it gives the guest. */
export interface BackendEvent {
  /** The port's method: `receive`, `link`, `key`. */
  readonly method: string;
  /** Its arguments before the bytes. */
  readonly args: readonly Plain[];
  /** The bytes among its arguments, if there are any; the listener may keep them. */
  readonly bytes?: Uint8Array;
  /** Settles the back end's promise. Until then it gives at most a few more events. Call it once. */
  settle(value?: Plain): void;
}

/** A back end, from the virtual CPU's thread. */
export interface BackendLink {
  /** Its name in the machine. */
  readonly name: string;
  /** Its id: `acme/tape`. */
  readonly id: string;
  /** Its kind. */
  readonly kind: BackendKind;
  /** What it said of itself. */
  readonly properties: BackendProperties;
  /** The methods that it has, for optional ones: `discard`. */
  readonly methods: ReadonlySet<string>;
  /** Why it is gone, once it is. Its requests, present and later ones, end with this error. */
  readonly failed: BulkheadError | undefined;
  /** Requests without an answer so far. */
  readonly pending: number;
  /**
   * Queues a request. `done` is called from `poll` or `wait`, never from here, in the order of submission.
   * A request may be of any length; what does not fit at present is sent when there is room.
   */
  submit(request: BackendRequest, done: (answer: BackendAnswer) => void): void;
  /** Sends what is queued, with one wake of the back end's thread. Called at every safe point by itself. */
  kick(): void;
  /** Takes the answers and events that are there. Called at every safe point by itself; an answer raises the attention word. */
  poll(): void;
  /**
   * Blocks until at least one answer has been taken, or nothing is pending; for deterministic machines and for a halted guest's orderly end.
   *
   * @param limit Milliseconds. A back end that does not answer within its own limit is gone: `failed` is set and everything ends.
   * @returns False after the limit.
   */
  wait(limit: number): boolean;
  /** Who takes what the back end does to its port; events without a listener wait. */
  listen(listener: (event: BackendEvent) => void): void;
}

/** In place of a back end that the machine goes on without from its start. */
export class AbsentLink implements BackendLink {
  readonly id = "";
  /** Nobody knows; it is one to which characters are lost. */
  readonly kind = "character";
  readonly properties: BackendProperties = {};
  readonly methods: ReadonlySet<string> = new Set();
  readonly pending = 0;

  /** @param failed Why it is not there. */
  constructor(readonly name: string, readonly failed: BulkheadError) {}

  /** See {@linkcode BackendLink.submit}: nothing is carried out, and nobody is told. */
  submit(): void {}
  /** See {@linkcode BackendLink.kick}. */
  kick(): void {}
  /** See {@linkcode BackendLink.poll}. */
  poll(): void {}
  /** See {@linkcode BackendLink.wait}. */
  wait(): boolean {
    return true;
  }
  /** See {@linkcode BackendLink.listen}. */
  listen(): void {}
}
