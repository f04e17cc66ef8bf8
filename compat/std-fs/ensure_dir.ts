import { fileType } from "./file_type.ts";

function refuseOther(info: Deno.FileInfo): void {
  if (!info.isDirectory) {
    throw new Error(`Failed to ensure directory exists: expected 'dir', got '${fileType(info)}'`);
  }
}

/** Makes a directory and its parents unless it is there. Throws when something else stands in its place. */
export async function ensureDir(dir: string | URL): Promise<void> {
  try {
    refuseOther(await Deno.stat(dir));
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    // Recursive, so a directory that somebody else makes in the meantime is no error.
    await Deno.mkdir(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    refuseOther(await Deno.stat(dir));
  }
}

/** Synchronous {@linkcode ensureDir}. */
export function ensureDirSync(dir: string | URL): void {
  try {
    refuseOther(Deno.statSync(dir));
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    Deno.mkdirSync(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    refuseOther(Deno.statSync(dir));
  }
}
