import { relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A path as text. */
export function pathText(path: string | URL): string {
  return path instanceof URL ? fileURLToPath(path) : path;
}

/** What an entry is, in one word for an error message. */
export function fileType(info: Deno.FileInfo | Deno.DirEntry): "file" | "dir" | "symlink" | undefined {
  if (info.isFile) return "file";
  if (info.isDirectory) return "dir";
  if (info.isSymlink) return "symlink";
}

/** Whether two existing entries are one and the same. */
export function isSame(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.dev === b.dev && a.ino !== null && a.ino === b.ino;
}

/** Whether `inner` lies in `outer` or is `outer`. */
export function isInside(inner: string | URL, outer: string | URL): boolean {
  const way = relative(resolve(pathText(outer)), resolve(pathText(inner)));
  return way === "" || (way !== ".." && !way.startsWith(".." + sep) && resolve(way) !== way);
}
