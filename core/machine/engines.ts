/**
 * The engines that run guest code, by name.
 *
 * @module
 */

/**
 * What can run guest code: `translator`, which interprets and makes WebAssembly of what is run often, or `interpreter`, which never does.
 */
export type EngineName = "translator" | "interpreter";

/** All of them, the default first. */
export const ENGINES: readonly [EngineName, ...EngineName[]] = ["translator", "interpreter"];
