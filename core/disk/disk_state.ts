/**
 * A disk in a snapshot.
 *
 * @module
 */
import type { BlockRequest, BlockStatus } from "../bus/backend.ts";
import { BulkheadError } from "../bus/error.ts";

/** A request in flight. */
export interface SavedFlight {
  readonly tag: number;
  readonly request: BlockRequest;
  readonly offset: number;
  readonly length: number;
  /** What is to be written. */
  readonly data: Uint8Array;
  /** The virtual instant of its answer in a deterministic machine. */
  readonly due: number;
  /** How it ended, where the store had done it already; null: it is asked again. */
  readonly status: BlockStatus | null;
  /** What was read. */
  readonly answer: Uint8Array;
}

/** A disk as plain data. */
export interface DiskState {
  readonly version: 1;
  /** Its name in the machine. */
  readonly name: string;
  readonly bytes: number;
  readonly sectorBytes: number;
  readonly readOnly: boolean;
  /** Which contents it had. */
  readonly generation: string;
  /** The last virtual instant that was given to an answer. */
  readonly lastDue: number;
  readonly flights: readonly SavedFlight[];
}

const REQUESTS: readonly BlockRequest[] = ["read", "write", "flush", "discard", "write-zeroes"];
const STATUSES: readonly (BlockStatus | null)[] = ["ok", "error", "unsupported", null];

/** Checks what a snapshot says. @throws {BulkheadError} `disk-state`. */
export function checkState(state: DiskState): void {
  const count = (value: unknown) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  const flight = (value: SavedFlight) =>
    count(value?.tag) && REQUESTS.includes(value.request) && count(value.offset) && count(value.length) &&
    value.data instanceof Uint8Array && value.answer instanceof Uint8Array && count(value.due) &&
    STATUSES.includes(value.status) && value.offset + value.length <= state.bytes &&
    value.offset % state.sectorBytes === 0 && value.length % state.sectorBytes === 0 &&
    value.data.length === (value.request === "write" && value.status === null ? value.length : 0) &&
    value.answer.length === (value.request === "read" && value.status === "ok" ? value.length : 0);
  const right = state?.version === 1 && typeof state.name === "string" && count(state.bytes) &&
    (state.sectorBytes === 512 || state.sectorBytes === 4096) && typeof state.readOnly === "boolean" &&
    typeof state.generation === "string" && count(state.lastDue) && Array.isArray(state.flights) &&
    state.flights.every(flight);
  if (right) return;
  throw new BulkheadError({
    code: "disk-state",
    subject: "the saved machine",
    where: `disk "${state?.name}"`,
    expected: "its size, its generation and its requests in flight",
    found: "something else",
  });
}
