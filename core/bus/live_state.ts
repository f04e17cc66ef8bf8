/**
 * The state of a device that runs in another compartment: the core's copy of it says how to ask for the present one.
 *
 * @module
 */

/** On a state object whose device runs elsewhere: a {@linkcode LiveState}. */
export const LIVE_STATE: unique symbol = Symbol("live state");

/** Gives the state as it is now. */
export type LiveState = () => object;

/** A device's state as it is now, wherever it is. A part of it may be that of a device that another one is made around. */
export function liveState(state: object): object {
  const live = liveOf(state);
  if (live !== undefined) return live();
  const parts = Object.entries(state).filter(([, part]) => liveOf(part) !== undefined);
  if (parts.length === 0) return state;
  return { ...state, ...Object.fromEntries(parts.map(([name, part]) => [name, liveOf(part)!()])) };
}

function liveOf(state: unknown): LiveState | undefined {
  return typeof state === "object" && state !== null ? (state as { [LIVE_STATE]?: LiveState })[LIVE_STATE] : undefined;
}
