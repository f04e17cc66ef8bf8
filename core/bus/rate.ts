/**
 * Exact conversion between virtual nanoseconds and the ticks of a crystal, without drift.
 *
 * Both split off whole seconds, so that every product stays below 2^53: exact for rates up to 9 MHz and for centuries.
 *
 * @module
 */

const SECOND = 1_000_000_000;

/**
 * Ticks that a crystal of `hertz` has completed by the virtual instant `nanoseconds`.
 *
 * @param nanoseconds A non-negative integer.
 * @param hertz An integer from 1 to 9000000.
 */
export function ticksAt(nanoseconds: number, hertz: number): number {
  const seconds = Math.floor(nanoseconds / SECOND);
  return seconds * hertz + Math.floor((nanoseconds - seconds * SECOND) * hertz / SECOND);
}

/** The first virtual instant by which a crystal of `hertz` has completed `ticks`: the inverse of {@linkcode ticksAt}. */
export function instantOf(ticks: number, hertz: number): number {
  const seconds = Math.floor(ticks / hertz);
  return seconds * SECOND + Math.ceil((ticks - seconds * hertz) * SECOND / hertz);
}
