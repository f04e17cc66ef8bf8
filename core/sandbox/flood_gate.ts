/**
 * Holds back a plugin that reports without end.
 *
 * @module
 */

import type { LogLevel } from "../bus/log.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "guest", "warning", "error"];

/** What a plugin gave as a level. */
export function levelOf(given: unknown): LogLevel {
  return LEVELS.includes(given as LogLevel) ? given as LogLevel : "info";
}

/** Records that may come at once, and a second, in the long run. */
const BURST = 2000, RATE = 500;

/** Records beyond that until the plugin is taken to flood, and the milliseconds of calm after which counting begins anew. */
const PATIENCE = 10_000, CALM = 1000;

/** Counts a plugin's records. */
export class FloodGate {
  #left = BURST;
  #since = performance.now();
  #dropped = 0;
  #lastDrop = 0;

  /** @param flooded Called when the plugin does not stop. */
  constructor(readonly flooded: () => void) {}

  /** Whether the next record may pass. */
  admits(): boolean {
    if (this.#left >= 1) {
      this.#left--;
      return true;
    }
    const now = performance.now();
    this.#left = Math.min(BURST, (now - this.#since) / 1000 * RATE);
    if (this.#left >= 1) {
      this.#since = now;
      this.#left--;
      return true;
    }
    if (now - this.#lastDrop > CALM) this.#dropped = 0;
    this.#lastDrop = now;
    if (++this.#dropped === PATIENCE) this.flooded();
    return false;
  }
}
