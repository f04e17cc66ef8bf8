/**
 * Makes a scenario smaller while it still shows what it showed.
 *
 * @module
 */
import type { Scenario } from "./scenario.ts";

/** Attempts at most: a scenario that does not get smaller is good enough. */
const ATTEMPTS = 3000;

/** Takes away instructions, events and run time as long as `shows` says yes. */
export function shrink(scenario: Scenario, shows: (smaller: Scenario) => boolean): Scenario {
  let best = scenario, attempts = 0;
  const accept = (smaller: Scenario) => {
    if (attempts++ >= ATTEMPTS || !shows(smaller)) return false;
    best = smaller;
    return true;
  };
  const shorten = () => {
    for (let step = best.instructions >> 1; step > 0; step >>= 1) {
      while (best.instructions > step && accept({ ...best, instructions: best.instructions - step }));
    }
  };
  shorten();
  for (let before = -1; before !== best.pieces.length && attempts < ATTEMPTS;) {
    before = best.pieces.length;
    remove((list) => accept({ ...best, pieces: list }), () => best.pieces);
    remove((list) => accept({ ...best, events: list }), () => best.events);
    shorten();
  }
  return best;
}

/** Removes ever smaller ranges of a list. */
function remove<T>(accept: (list: readonly T[]) => boolean, current: () => readonly T[]): void {
  for (let size = current().length; size > 0; size >>= 1) {
    for (let at = 0; at < current().length;) {
      const list = current();
      if (!accept([...list.slice(0, at), ...list.slice(at + size)])) at += size;
    }
  }
}
