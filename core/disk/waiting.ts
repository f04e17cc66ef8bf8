/**
 * Waiting for a store, in a thread that has nothing else to do meanwhile.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { type BlockAction, type BlockOutcome, type BlockStore, NOTHING } from "./block_store.ts";

/** Milliseconds after which a store that does not answer is given up. */
const ANSWER_LIMIT = 120_000;

/** Milliseconds of one wait. */
const WAIT = 1000;

/** Blocks until `met`; returns the milliseconds that took. @throws {BulkheadError} `disk-late`. */
export function waitUntil(store: BlockStore, met: () => boolean): number {
  const began = performance.now();
  let waited = 0;
  while (!met()) {
    waited = performance.now() - began;
    if (waited > ANSWER_LIMIT) {
      const { subject } = store;
      const sentence = `${subject} did not answer within ${ANSWER_LIMIT / 1000} s: its back end or the host is stuck`;
      throw new BulkheadError({ code: "disk-late", subject, sentence });
    }
    store.wait(WAIT);
  }
  return waited;
}

/** Carries out one operation. @throws {BulkheadError} `disk-late`; `disk-failed`, unless it is merely unsupported. */
export function carryOut(
  store: BlockStore,
  action: BlockAction,
  offset = 0,
  length = 0,
  data: Uint8Array = NOTHING,
): BlockOutcome {
  const box: { outcome?: BlockOutcome } = {};
  store.begin(action, offset, length, data, (outcome) => box.outcome = outcome);
  waitUntil(store, () => box.outcome !== undefined);
  const outcome = box.outcome!;
  if (outcome.status !== "error") return outcome;
  const { subject } = store;
  const sentence = `${subject} failed: ${outcome.error ?? "the host's system failed"}`;
  throw new BulkheadError({ code: "disk-failed", subject, sentence });
}

/** What names the contents of a store, or undefined where it cannot tell. */
export function generationOf(store: BlockStore): string | undefined {
  const { status, data } = carryOut(store, "identify");
  return status === "ok" ? new TextDecoder().decode(data) : undefined;
}
