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

  // node:path leaves a run of separators at the end of a folder, and names the root's last component ""; std does neither.
  const folder = (path: string): string => {
    const { root } = node.parse(path);
    const end = path.slice(root.length).search(trailing);
    return end < 0 ? path : path.slice(0, root.length + end);
  };
  const trailing = new RegExp(`(?:${dialect.separators.source})$`);
  const onlySeparators = (path: string): boolean => path !== "" && path.replace(dialect.separators, "") === "";

  function parse(path: string): ParsedPath {
    const parsed = node.parse(path);
    return onlySeparators(path)
      ? { root: node.sep, dir: node.sep, base: node.sep, ext: "", name: "" }
      : { ...parsed, dir: folder(parsed.dir) };
  }

  function format(parts: Partial<ParsedPath>): string {
    return parts.base === node.sep && parts.dir ? parts.dir : node.format(parts);
  }

  function basename(path: string | URL, suffix = ""): string {
    const base = onlySeparators(text(path)) ? node.sep : node.basename(text(path));
    return suffix !== "" && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
  }

  const text = (path: string | URL): string => path instanceof URL ? fromFileUrl(path) : path;

  return {
    SEPARATOR: node.sep,
    DELIMITER: node.delimiter,
    SEPARATOR_PATTERN: dialect.separators,
    fromFileUrl,
    toFileUrl,
    basename,
    dirname: (path: string | URL): string => folder(node.dirname(text(path))),
    extname: (path: string | URL): string => node.extname(text(path)),
    format,
    isAbsolute: (path: string): boolean => node.isAbsolute(path),
    join: (path: string | URL, ...paths: string[]): string => node.join(text(path), ...paths),
    normalize: (path: string | URL): string => node.normalize(text(path)),
    parse,
    relative: (from: string, to: string): string => node.relative(from, to),
    resolve: (...paths: string[]): string => node.resolve(...paths),
    toNamespacedPath: (path: string): string => node.toNamespacedPath(path),
    /** What every path starts with, in whole components; it ends in a separator where paths part. */
    common(paths: string[]): string {
      const [parts = [], ...rest] = paths.map((path) => path.split(node.sep));
      let shared = parts.length;
      let parted = false;
      for (const others of rest) {
        if (others.length <= shared) [shared, parted] = [others.length, false];
        const difference = others.slice(0, shared).findIndex((part, at) => part !== parts[at]);
        if (difference >= 0) [shared, parted] = [difference, difference > 0];
      }
      return parts.slice(0, shared).join(node.sep) + (parted ? node.sep : "");
    },
  };
}
