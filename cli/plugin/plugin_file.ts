/**
 * A plugin's file, as its author names it on the command line.
 *
 * @module
 */
import { toFileUrl } from "@std/path";
import { BulkheadError } from "../../core/bus/error.ts";
import { type Bundle, bundlePlugin } from "../../core/sandbox/bundle.ts";
import { type PluginSource, readPlugin } from "../../host/plugin_source.ts";

/** Reads it. @throws {BulkheadError} `no-plugin`. */
export async function readPluginFile(file: string): Promise<PluginSource> {
  const url = /^(https|file|data):/.test(file) ? file : toFileUrl(await realPath(file)).href;
  return await readPlugin(`plugin "${file}"`, url);
}

/** Reads and bundles it. @throws {BulkheadError} What is not right with it. */
export async function bundleFile(file: string): Promise<{ readonly source: PluginSource; readonly bundle: Bundle }> {
  const source = await readPluginFile(file);
  return { source, bundle: await bundlePlugin(source.text, source.origin) };
}

async function realPath(file: string): Promise<string> {
  try {
    return await Deno.realPath(file);
  } catch (cause) {
    const subject = `plugin "${file}"`;
    const found = cause instanceof Deno.errors.NotFound ? "no such file" : (cause as Error).message;
    throw new BulkheadError({ code: "no-plugin", subject, expected: "a file that can be read", found }, { cause });
  }
}
