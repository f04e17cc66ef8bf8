import { isInside, isSame } from "./file_type.ts";

/** How `move` treats a destination that exists. */
export interface MoveOptions {
  /** Remove what stands at the destination first. `false` unless given. */
  overwrite?: boolean;
}

function refuse(src: string | URL, dest: string | URL, from: Deno.FileInfo): void {
  if (from.isDirectory && isInside(dest, src)) {
    throw new Deno.errors.NotSupported(`Cannot move '${src}' to a subdirectory of itself: '${dest}'`);
  }
}

/** Moves a file or directory. Throws `AlreadyExists` when the destination is there and `overwrite` is not set. */
export async function move(src: string | URL, dest: string | URL, options?: MoveOptions): Promise<void> {
  const from = await Deno.stat(src);
  const to = await Deno.stat(dest).catch(() => undefined);
  if (to && isSame(from, to)) return;
  refuse(src, dest, from);
  if (to && !options?.overwrite) throw new Deno.errors.AlreadyExists(`The destination '${dest}' already exists`);
  if (to) await Deno.remove(dest, { recursive: true });
  await Deno.rename(src, dest);
}

/** Synchronous {@linkcode move}. */
export function moveSync(src: string | URL, dest: string | URL, options?: MoveOptions): void {
  const from = Deno.statSync(src);
  let to: Deno.FileInfo | undefined;
  try {
    to = Deno.statSync(dest);
  } catch {
    to = undefined;
  }
  if (to && isSame(from, to)) return;
  refuse(src, dest, from);
  if (to && !options?.overwrite) throw new Deno.errors.AlreadyExists(`The destination '${dest}' already exists`);
  if (to) Deno.removeSync(dest, { recursive: true });
  Deno.renameSync(src, dest);
}
