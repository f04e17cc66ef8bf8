/**
 * Files that a run writes when it ends.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";

/** Checks that an option's file can be written, without making it. @throws {BulkheadError} `stats-file`, `regions-file`. */
export async function checkOutputFile(option: "stats" | "regions", path: string): Promise<void> {
  const bad = (found: string) =>
    new BulkheadError({
      code: `${option}-file`,
      subject: `--${option} file "${path}"`,
      expected: "a file that can be written",
      found,
    });
  const status = await Deno.stat(path).catch(() => undefined);
  if (status?.isDirectory) throw bad("a folder");
  if (status !== undefined) return;
  const folder = await Deno.stat(path.replace(/[^/\\]*$/, "") || ".").catch(() => undefined);
  if (folder?.isDirectory !== true) throw bad("a folder that does not exist");
}
