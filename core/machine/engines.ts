/**
 * The engines that run guest code, by name.
 *
 * @module
 */

/** What can run guest code; the default first. */
export const ENGINES = ["translator", "interpreter"] as const;

/** What can run guest code. */
export type EngineName = (typeof ENGINES)[number];
