/**
 * Changes a saved device as a damaged or forged snapshot might: every value stays of its kind, no value stays what it was.
 *
 * @module
 */
import type { BenchState } from "../../bus/bench.ts";
import type { RandomSource } from "./random.ts";

/** A copy of what a bench saved, with some values of the device's state and latches changed; and in words which. */
export function forge(saved: BenchState, random: RandomSource): { readonly saved: BenchState; readonly what: string } {
  const copy = structuredClone(saved);
  const changes: string[] = [];
  for (const device of Object.values(copy.host.devices)) {
    const { state, latches } = device as { state: unknown; latches: Record<string, number> };
    const places = [...leaves(state, "state"), ...leaves(latches, "latches")];
    const count = Math.min(places.length, 1 + random.below(3));
    for (let change = 0; change < count; change++) {
      const { holder, key, path } = random.one(places);
      const value = other(holder[key], path.startsWith("latches"), random);
      holder[key] = value;
      changes.push(`${path} = ${JSON.stringify(value)}`);
    }
  }
  return { saved: copy, what: changes.join(", ") };
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
  readonly path: string;
}

/** Everything in a plain value that is a number, a boolean or a text; a list's and a typed array's first items. */
function leaves(value: unknown, path: string): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).slice(0, 64).flatMap((key): Place[] => {
    const item = holder[key], at = `${path}.${key}`;
    if (typeof item === "object") return leaves(item, at);
    return [{ holder, key, path: at }];
  });
}

function other(value: unknown, latch: boolean, random: RandomSource): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return random.one(["", "x", `${value}${value}`]);
  if (latch) return random.word();
  return random.one([0, -1, 1, 0.5, 1e15, -(2 ** 31), random.word(), random.word(), random.below(300)]);
}
