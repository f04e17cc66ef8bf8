/**
 * Reads the one file of a plugin.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import { printable } from "../core/sandbox/printable.ts";

/** A plugin's file. */
export interface PluginSource {
  /** Its URL: for a file, of its real path. */
  readonly origin: string;
  /** Its text. */
  readonly text: string;
  /** It is part of this release. */
  readonly own: boolean;
}

/** Where our own plugins are. What is there is trusted as the rest of the release is. */
const OWN = ["../devices/", "../plugins/"].map((folder) => new URL(folder, import.meta.url));

/**
 * Reads a plugin's file: from the disk, or by the host's rules for imported modules, cache and allowed hosts included.
 *
 * @param subject What it is, for sentences: `device "heartbeat"`.
 * @param module Its URL.
 * @throws {BulkheadError} `no-plugin`: nothing that can be read.
 */
export async function readPlugin(subject: string, module: string): Promise<PluginSource> {
  const refuse = (expected: string, found: string, cause?: unknown): never => {
    throw new BulkheadError({ code: "no-plugin", subject, where: printable(module), expected, found }, { cause });
  };
  const url = new URL(module);
  if (url.protocol === "file:") {
    try {
      const origin = fileUrl(await Deno.realPath(url));
      if ((await Deno.stat(url)).isDirectory) refuse("a module that can be read", "a folder");
      return { origin: origin.href, text: decode(await Deno.readFile(origin)), own: await isOwn(origin) };
    } catch (error) {
      if (error instanceof BulkheadError) throw error;
      const missing = error instanceof Deno.errors.NotFound;
      return refuse("a module that can be read", missing ? "no such file" : sentenceOf(error), error);
    }
  }
  if (url.protocol !== "https:" && url.protocol !== "data:") {
    refuse("a module of a file: or https: URL", `one of a ${url.protocol} URL`);
  }
  try {
    const { default: text } = await import(url.href, { with: { type: "text" } });
    if (typeof text !== "string" || !text.isWellFormed()) refuse("a text", "something else");
    return { origin: url.href, text, own: OWN.some(({ href }) => url.href.startsWith(href)) };
  } catch (error) {
    return refuse("a module that can be read", sentenceOf(error), error);
  }
}

async function isOwn(origin: URL): Promise<boolean> {
  for (const folder of OWN) {
    if (folder.protocol === "file:" && origin.href.startsWith(`${fileUrl(await Deno.realPath(folder)).href}/`)) {
      return true;
    }
  }
  return false;
}

function fileUrl(path: string): URL {
  const slashes = path.replaceAll("\\", "/").replace(/^(?=[A-Za-z]:)/, "/");
  return new URL(`file://${encodeURI(slashes).replaceAll("#", "%23").replaceAll("?", "%3F")}`);
}

/** UTF-8 and nothing else: what is hashed is what was written. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function sentenceOf(error: unknown): string {
  return printable((error instanceof Error ? error.message : String(error)).split("\n")[0]!).slice(0, 300);
}
