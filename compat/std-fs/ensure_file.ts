import { dirname } from "node:path";
import { ensureDir, ensureDirSync } from "./ensure_dir.ts";
import { fileType, pathText } from "./file_type.ts";

function refuseOther(info: Deno.FileInfo): void {
  if (!info.isFile) {
    throw new Error(`Failed to ensure file exists: expected 'file', got '${fileType(info)}'`);
  }
}

/** Makes an empty file and its parent directories unless the file is there. Its contents are not touched. */
export async function ensureFile(filePath: string | URL): Promise<void> {
  try {
    refuseOther(await Deno.lstat(filePath));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await ensureDir(dirname(pathText(filePath)));
    await Deno.writeFile(filePath, new Uint8Array());
  }
}

/** Synchronous {@linkcode ensureFile}. */
export function ensureFileSync(filePath: string | URL): void {
  try {
    refuseOther(Deno.lstatSync(filePath));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    ensureDirSync(dirname(pathText(filePath)));
    Deno.writeFileSync(filePath, new Uint8Array());
  }
}
