/**
 * The messages of a plugin's process.
 *
 * @module
 */

/** What a message begins with: a byte that tells what it is. */
export const MESSAGE = {
  /** For its machine. */
  DATA: 0,
  /** It is up. Plain data: what a back end said of itself. */
  READY: 1,
  /** It is not. Plain data: what was thrown. */
  THROWN: 2,
  /** It used something of the host. Plain data: a `HostUse`. */
  USED: 3,
} as const;
