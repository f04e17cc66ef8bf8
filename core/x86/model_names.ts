/**
 * The CPU models that a machine can have.
 *
 * @module
 */

/** A CPU model: `max` has everything that is built, the others what the processor of that name had. */
export type CpuModelName = "max" | "pentium3" | "pentium" | "i486" | "i386";

/**
 * A processor as far as recordings of it show it, for the conformance vectors alone. `i286-real` is an 80286 without an 80287 in
 * real-address mode; what those recordings do not reach (protected mode, the instructions that the 80386 brought) is the 80386's, so
 * that no machine is offered it.
 */
export type RecordedModelName = "i286-real";

/** Every model, the newest first. */
export const CPU_MODELS: readonly [CpuModelName, ...CpuModelName[]] = ["max", "pentium3", "pentium", "i486", "i386"];
