/**
 * The part of `@std/fs` that Bulkhead uses: the same names, signatures and behaviour. It stands in for the genuine
 * package through `links`; the published Bulkhead depends on the genuine one.
 *
 * @module
 */
export * from "./copy.ts";
export * from "./empty_dir.ts";
export * from "./ensure_dir.ts";
export * from "./ensure_file.ts";
export * from "./exists.ts";
export * from "./move.ts";
export * from "./walk.ts";
