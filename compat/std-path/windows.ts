/**
 * `@std/path/windows`.
 *
 * @module
 */
import { win32 } from "node:path";
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
} = surface(win32, {
  separators: /[\\/]+/,
  fromFileUrl(url) {
    const path = decodePathname(url.pathname.replaceAll("/", "\\")).replace(/^\\*([A-Za-z]:)(\\|$)/, "$1\\");
    return url.hostname === "" ? path : `\\\\${url.hostname}${path}`;
  },
  toFileUrl(path) {
    // \\host\share becomes the URL's host; a second slash that names no host is part of the path.
    const [, host, pathname = ""] = /^(?:[/\\]{2}([^/\\]+)(?=[/\\](?:[^/\\]|$)))?(.*)$/s.exec(path) ?? [];
    const url = new URL("file:///");
    url.pathname = encodePathname(pathname);
    if (host !== undefined && host !== "localhost") {
      url.hostname = host;
      if (url.hostname === "") throw new TypeError(`Invalid hostname: "${url.hostname}"`);
    }
    return url;
  },
});
