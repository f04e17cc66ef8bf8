import { join } from "node:path";
import { pathText } from "./file_type.ts";

/** Removes everything in a directory, or makes the directory. */
export async function emptyDir(dir: string | URL): Promise<void> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(dir));
    await Promise.all(entries.map(({ name }) => Deno.remove(join(pathText(dir), name), { recursive: true })));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.mkdir(dir, { recursive: true });
  }
}

/** Synchronous {@linkcode emptyDir}. */
export function emptyDirSync(dir: string | URL): void {
  try {
    for (const { name } of [...Deno.readDirSync(dir)]) Deno.removeSync(join(pathText(dir), name), { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(dir, { recursive: true });
  }
}
