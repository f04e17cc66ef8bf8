/**
 * The CPU models that a machine can have.
 *
 * @module
 */

/** CPU models: `max` has everything that is built, the others what the processor of that name had. */
export const CPU_MODELS = ["max", "pentium3", "pentium", "i486", "i386"] as const;

/** A CPU model's name. */
export type CpuModelName = typeof CPU_MODELS[number];
