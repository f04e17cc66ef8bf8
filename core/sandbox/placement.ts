/**
 * Where plugins run, and where by default.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";

/**
 * Where a plugin runs.
 *
 * - `inline`: in the virtual CPU's thread, as part of Bulkhead. For one's own code only: nothing holds it there but that the thread has no
 *   rights on the host.
 * - `confined`: in the virtual CPU's thread, in a compartment of its own without any right. It can keep its own machine busy for ever.
 * - `worker`: in a thread of its own in the machine's process, with its rights. It holds mistakes; hostile code can take the machine's
 *   process down.
 * - `process`: in a process of its own, with its rights.
 */
export type Placement = "inline" | "confined" | "worker" | "process";

/** All of them. */
export const PLACEMENTS: readonly [Placement, ...Placement[]] = ["inline", "confined", "worker", "process"];

/** Whether something is the name of one. */
export function isPlacement(value: unknown): value is Placement {
  return (PLACEMENTS as readonly unknown[]).includes(value);
}

/** What is placed. */
export interface Placeable {
  /** Its name in the machine. */
  readonly name: string;
  /** What it is. */
  readonly kind: "device" | "backend";
  /** It is part of this release. */
  readonly own: boolean;
  /** It has rights on the host. */
  readonly rights: boolean;
}

/**
 * Where a plugin runs: where its owner wants it, or by default where nothing of ours is in its reach.
 *
 * @throws {BulkheadError} `bad-placement`: where it cannot be given what it needs.
 */
export function placementOf(plugin: Placeable, wanted: Placement | null): Placement {
  const placement = wanted ?? usual(plugin);
  if (plugin.kind === "backend" && plugin.rights && (placement === "inline" || placement === "confined")) {
    throw new BulkheadError({
      code: "bad-placement",
      subject: `back end "${plugin.name}"`,
      where: "placement",
      expected: "worker or process, as it has rights on the host and the virtual CPU's thread has none",
      found: placement,
    });
  }
  return placement;
}

/** A stranger is where the most is held: what a quicker placement does not hold, its owner decides to risk. */
function usual({ kind, own }: Placeable): Placement {
  if (!own) return "process";
  return kind === "device" ? "inline" : "worker";
}

/** A placement as the table of rights tells it. */
export function describePlacement(placement: Placement): string {
  switch (placement) {
    case "inline":
      return "in the virtual CPU's thread, unconfined";
    case "confined":
      return "confined in the virtual CPU's thread";
    case "worker":
      return "in a thread of the machine's process";
    case "process":
      return "in a process of its own";
  }
}
