/**
 * `@std/path/posix`.
 *
 * @module
 */
import { posix } from "node:path";
import { decodePathname, encodePathname, surface } from "./surface.ts";

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
} = surface(posix, {
  separators: /\/+/,
  fromFileUrl: (url) => decodePathname(url.pathname),
  toFileUrl(path) {
    const url = new URL("file:///");
    url.pathname = encodePathname(path).replaceAll("\\", "%5C");
    return url;
  },
});
