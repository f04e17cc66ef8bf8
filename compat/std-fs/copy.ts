import { join } from "node:path";
import { ensureDir, ensureDirSync } from "./ensure_dir.ts";
import { isInside, isSame, pathText } from "./file_type.ts";

/** How `copy` treats a destination that exists, and times. */
export interface CopyOptions {
  /** Replace files that exist at the destination. `false` unless given. */
  overwrite?: boolean;
  /** Give the copies the access and modification times of their sources. `false` unless given. */
  preserveTimestamps?: boolean;
}

function refuse(src: string, dest: string, from: Deno.FileInfo, to: Deno.FileInfo | undefined): void {
  if (to && isSame(from, to)) throw new Error("Source and destination cannot be the same");
  if (from.isDirectory && isInside(dest, src)) {
    throw new Error(`Cannot copy '${src}' to a subdirectory of itself: '${dest}'`);
  }
  if (from.isDirectory && to && !to.isDirectory) {
    throw new Error(`Cannot overwrite non-directory '${dest}' with directory '${src}'`);
  }
}

function refuseExisting(dest: string, to: Deno.FileInfo | undefined, options: CopyOptions): void {
  if (to && !options.overwrite) throw new Deno.errors.AlreadyExists(`'${dest}' already exists.`);
}

async function copyEntry(src: string, dest: string, options: CopyOptions): Promise<void> {
  const from = await Deno.lstat(src);
  const to = await Deno.lstat(dest).catch(() => undefined);
  refuse(src, dest, from, to);
  if (from.isDirectory) {
    await ensureDir(dest);
    for await (const { name } of Deno.readDir(src)) await copyEntry(join(src, name), join(dest, name), options);
  } else {
    refuseExisting(dest, to, options);
    if (from.isSymlink) {
      if (to) await Deno.remove(dest);
      await Deno.symlink(await Deno.readLink(src), dest);
      return;
    }
    await Deno.copyFile(src, dest);
  }
  if (options.preserveTimestamps && from.atime && from.mtime) await Deno.utime(dest, from.atime, from.mtime);
}

/** Copies a file, a link, or a directory with what is in it. */
export async function copy(src: string | URL, dest: string | URL, options: CopyOptions = {}): Promise<void> {
  const [from, to] = [pathText(src), pathText(dest)];
  // An existing destination is refused as a whole, a directory too.
  refuse(from, to, await Deno.lstat(from), await Deno.lstat(to).catch(() => undefined));
  refuseExisting(to, await Deno.lstat(to).catch(() => undefined), options);
  await copyEntry(from, to, options);
}

function lstatOrNothing(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function copyEntrySync(src: string, dest: string, options: CopyOptions): void {
  const from = Deno.lstatSync(src);
  const to = lstatOrNothing(dest);
  refuse(src, dest, from, to);
  if (from.isDirectory) {
    ensureDirSync(dest);
    for (const { name } of Deno.readDirSync(src)) copyEntrySync(join(src, name), join(dest, name), options);
  } else {
    refuseExisting(dest, to, options);
    if (from.isSymlink) {
      if (to) Deno.removeSync(dest);
      Deno.symlinkSync(Deno.readLinkSync(src), dest);
      return;
    }
    Deno.copyFileSync(src, dest);
  }
  if (options.preserveTimestamps && from.atime && from.mtime) Deno.utimeSync(dest, from.atime, from.mtime);
}

/** Synchronous {@linkcode copy}. */
export function copySync(src: string | URL, dest: string | URL, options: CopyOptions = {}): void {
  const [from, to] = [pathText(src), pathText(dest)];
  refuse(from, to, Deno.lstatSync(from), lstatOrNothing(to));
  refuseExisting(to, lstatOrNothing(to), options);
  copyEntrySync(from, to, options);
}
