/**
 * The part of `@std/cli` that Bulkhead uses: the same names, signatures and behaviour. It stands in for the genuine
 * package through `links`; the published Bulkhead depends on the genuine one.
 *
 * @module
 */
export * from "./parse_args.ts";
