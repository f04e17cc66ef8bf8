/**
 * Gives memory back to the host.
 *
 * @module
 */
import { builtin } from "../bus/builtin.ts";

/**
 * Frees a large buffer at once, instead of at some later collection. Every view of it is empty from then on.
 *
 * @param bytes All or part of a buffer that nobody needs any more.
 */
export function release(bytes: Uint8Array): void {
  if (bytes.buffer instanceof ArrayBuffer && !bytes.buffer.detached) bytes.buffer.transfer(0);
}

/**
 * Collects what this process no longer uses. For a process of ours that has just moved large amounts of data and will now be idle: V8 sees
 * no reason to collect by itself then. Where V8 does not allow it, nothing happens.
 */
export function reclaim(): void {
  try {
    builtin("node:v8").setFlagsFromString("--expose-gc");
    (builtin("node:vm").runInNewContext("gc") as () => void)();
  } catch {
    // Only a matter of how much memory is held.
  }
}

/** Bytes by which a heap has to have grown for a collection at rest to be worth its time. */
const WORTHWHILE = 6 << 20;

/**
 * Collects at rest: for a thread that sleeps without V8 knowing of it, as in `Atomics.wait`, and so keeps what it had while it was busy.
 *
 * @returns What to call when a rest begins; it does nothing unless the heap has grown since the last time.
 */
export function reclaimerAtRest(): () => void {
  let left = 0;
  return () => {
    if (heapSize() < left + WORTHWHILE) return;
    reclaim();
    left = heapSize();
  };
}

/** Bytes that the heap of this thread takes, used or not; 0 where nobody knows. */
function heapSize(): number {
  try {
    return builtin("node:v8").getHeapStatistics().total_heap_size;
  } catch {
    return 0;
  }
}
