/**
 * The part of `@std/path` that Bulkhead uses, over `node:path`: the same names, signatures and behaviour. It stands in
 * for the genuine package through `links`; the published Bulkhead depends on the genuine one.
 *
 * @module
 */
import * as posix from "./posix.ts";
import * as windows from "./windows.ts";

export type { ParsedPath } from "./surface.ts";

export const {
  SEPARATOR,
  DELIMITER,
  SEPARATOR_PATTERN,
  basename,
  common,
  dirname,
  extname,
  format,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  parse,
  relative,
  resolve,
  toFileUrl,
  toNamespacedPath,
}: typeof posix = Deno.build.os === "windows" ? windows : posix;
