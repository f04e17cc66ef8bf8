/**
 * The state of a device that runs in another compartment: the core's copy of it says how to ask for the present one.
 *
 * @module
 */

/** On a state object whose device runs elsewhere: a {@linkcode LiveState}. */
export const LIVE_STATE: unique symbol = Symbol("live state");

/** Gives the state as it is now. */
export type LiveState = () => object;

/** A device's state as it is now, wherever it is. */
export function liveState(state: object): object {
  const live = (state as { [LIVE_STATE]?: LiveState })[LIVE_STATE];
  return live === undefined ? state : live();
}
