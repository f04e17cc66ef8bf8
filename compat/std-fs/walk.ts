import { basename, join, normalize } from "node:path";
import { pathText } from "./file_type.ts";

/** Which entries `walk` yields and how far it goes. */
export interface WalkOptions {
  /** How deep below the root; the root itself is 0. `Infinity` unless given. */
  maxDepth?: number;
  /** Yield files. `true` unless given. */
  includeFiles?: boolean;
  /** Yield directories, the root too. `true` unless given. */
  includeDirs?: boolean;
  /** Yield symbolic links that are not followed. `true` unless given. */
  includeSymlinks?: boolean;
  /** Walk what a symbolic link points to. `false` unless given. */
  followSymlinks?: boolean;
  /** Report what a link points to under its real path. `true` unless given; only with `followSymlinks`. */
  canonicalize?: boolean;
  /** Yield only files whose path ends in one of these. */
  exts?: string[];
  /** Yield only entries whose path one of these matches. */
  match?: RegExp[];
  /** Neither yield nor enter what one of these matches. */
  skip?: RegExp[];
}

/** One entry that `walk` met. */
export interface WalkEntry extends Deno.DirEntry {
  /** The path, starting with the root as it was given. */
  path: string;
}

function toEntry(path: string, info: Deno.FileInfo): WalkEntry {
  const { isFile, isDirectory, isSymlink } = info;
  return { path, name: basename(path), isFile, isDirectory, isSymlink };
}

function wanted(path: string, options: WalkOptions): boolean {
  const { exts, match, skip } = options;
  if (exts && !exts.some((ext) => path.endsWith(ext.startsWith(".") ? ext : `.${ext}`))) return false;
  if (match && !match.some((pattern) => path.search(pattern) !== -1)) return false;
  return !skip?.some((pattern) => path.search(pattern) !== -1);
}

/** The same options for a directory's children; a pattern list carries on, the depth shrinks. */
function below(options: WalkOptions): WalkOptions {
  return { ...options, maxDepth: (options.maxDepth ?? Infinity) - 1 };
}

/** Walks a directory tree, parents before children, in the order of the file system. */
export async function* walk(root: string | URL, options: WalkOptions = {}): AsyncIterableIterator<WalkEntry> {
  const top = normalize(pathText(root));
  if ((options.maxDepth ?? Infinity) < 0) return;
  if ((options.includeDirs ?? true) && wanted(top, options)) yield toEntry(top, await Deno.stat(top));
  if ((options.maxDepth ?? Infinity) < 1 || !wanted(top, { skip: options.skip })) return;
  for await (const found of Deno.readDir(top)) {
    let path = join(top, found.name);
    let { isSymlink, isDirectory } = found;
    if (isSymlink) {
      if (!options.followSymlinks) {
        if ((options.includeSymlinks ?? true) && wanted(path, options)) yield { path, ...found };
        continue;
      }
      const real = await Deno.realPath(path);
      if (options.canonicalize ?? true) path = real;
      // The kind of the target, not of the link.
      ({ isSymlink, isDirectory } = await Deno.lstat(real));
    }
    if (isSymlink || isDirectory) yield* walk(path, below(options));
    else if ((options.includeFiles ?? true) && wanted(path, options)) yield { path, ...found };
  }
}

/** Synchronous {@linkcode walk}. */
export function* walkSync(root: string | URL, options: WalkOptions = {}): IterableIterator<WalkEntry> {
  const top = normalize(pathText(root));
  if ((options.maxDepth ?? Infinity) < 0) return;
  if ((options.includeDirs ?? true) && wanted(top, options)) yield toEntry(top, Deno.statSync(top));
  if ((options.maxDepth ?? Infinity) < 1 || !wanted(top, { skip: options.skip })) return;
  for (const found of Deno.readDirSync(top)) {
    let path = join(top, found.name);
    let { isSymlink, isDirectory } = found;
    if (isSymlink) {
      if (!options.followSymlinks) {
        if ((options.includeSymlinks ?? true) && wanted(path, options)) yield { path, ...found };
        continue;
      }
      const real = Deno.realPathSync(path);
      if (options.canonicalize ?? true) path = real;
      ({ isSymlink, isDirectory } = Deno.lstatSync(real));
    }
    if (isSymlink || isDirectory) yield* walkSync(path, below(options));
    else if ((options.includeFiles ?? true) && wanted(path, options)) yield { path, ...found };
  }
}
