/**
 * The CPU models that a machine can have.
 *
 * @module
 */

/** A CPU model: `max` has everything that is built, the others what the processor of that name had. */
export type CpuModelName = "max" | "pentium3" | "pentium" | "i486" | "i386";

/** Every model, the newest first. */
export const CPU_MODELS: readonly [CpuModelName, ...CpuModelName[]] = ["max", "pentium3", "pentium", "i486", "i386"];
