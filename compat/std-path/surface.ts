/**
 * The surface of `@std/path` over one platform of `node:path`.
 *
 * @module
 */
import type { PlatformPath } from "node:path";

/** The parts of a path, as `parse` returns them and `format` takes them. */
export interface ParsedPath {
  /** `/`, `C:\` or empty. */
  root: string;
  /** Everything before the last component. */
  dir: string;
  /** The last component with its extension. */
  base: string;
  /** The extension, dot included. */
  ext: string;
  /** The last component without its extension. */
  name: string;
}

/** What differs between platforms and is not in `node:path`. */
export interface Dialect {
  /** The decoded path of a URL whose protocol is `file:`. */
  fromFileUrl(url: URL): string;
  /** The file URL of an absolute path. */
  toFileUrl(path: string): URL;
  /** One separator or a run of them. */
  separators: RegExp;
}

/** Percent-encodes what a URL's `pathname` setter would drop or read as something else. */
export function encodePathname(path: string): string {
  return path.replaceAll("%", "%25").replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll("\t", "%09")
    .replaceAll("\v", "%0B").replaceAll("\f", "%0C").replaceAll(" ", "%20");
}

/** Decodes a pathname; a percent sign that starts no escape stands for itself. */
export function decodePathname(pathname: string): string {
  return decodeURIComponent(pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
}

/** Binds the functions of `@std/path` to one platform. */
export function surface(node: PlatformPath, dialect: Dialect) {
  function fromFileUrl(url: string | URL): string {
    const parsed = url instanceof URL ? url : new URL(url);
    if (parsed.protocol !== "file:") {
      throw new TypeError(`URL must be a file URL: received "${parsed.protocol}"`);
    }
    return dialect.fromFileUrl(parsed);
  }

  function toFileUrl(path: string): URL {
    if (!node.isAbsolute(path)) throw new TypeError(`Path must be absolute: received "${path}"`);
    return dialect.toFileUrl(path);
  }

  const text = (path: string | URL): string => path instanceof URL ? fromFileUrl(path) : path;

  return {
    SEPARATOR: node.sep,
    DELIMITER: node.delimiter,
    SEPARATOR_PATTERN: dialect.separators,
    fromFileUrl,
    toFileUrl,
    basename: (path: string | URL, suffix = ""): string => node.basename(text(path), suffix),
    dirname: (path: string | URL): string => node.dirname(text(path)),
    extname: (path: string | URL): string => node.extname(text(path)),
    format: (parts: Partial<ParsedPath>): string => node.format(parts),
    isAbsolute: (path: string): boolean => node.isAbsolute(path),
    join: (path: string | URL, ...paths: string[]): string => node.join(text(path), ...paths),
    normalize: (path: string | URL): string => node.normalize(text(path)),
    parse: (path: string): ParsedPath => node.parse(path),
    relative: (from: string, to: string): string => node.relative(from, to),
    resolve: (...paths: string[]): string => node.resolve(...paths),
    toNamespacedPath: (path: string): string => node.toNamespacedPath(path),
    /** The folder that every path starts with, its separator included; empty when there is none. */
    common(paths: string[]): string {
      const [first = "", ...rest] = paths;
      if (first === "" || rest.length === 0) {
        return first.slice(0, first.lastIndexOf(node.sep) + 1);
      }
      const parts = first.split(node.sep);
      let shared = parts.length;
      for (const path of rest) {
        const others = path.split(node.sep);
        let same = 0;
        while (same < shared && parts[same] === others[same]) same++;
        shared = same;
      }
      if (shared === 0) return "";
      const prefix = parts.slice(0, shared).join(node.sep);
      return prefix.endsWith(node.sep) ? prefix : prefix + node.sep;
    },
  };
}
