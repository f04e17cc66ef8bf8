/**
 * Learns what a plugin declares, by reading its file and evaluating its text in a throw-away process without rights.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { PluginManifest } from "./description.ts";
import { launch } from "./launcher.ts";
import { pluginLimits } from "./plugin_limits.ts";
import { printable } from "./printable.ts";
import { NO_RIGHTS, realPath, type Rights } from "./rights.ts";
import { sesText } from "./ses.ts";

/** What the process may be asked. */
export type DescribeSpeech = {
  requests: {
    /** The payload is the plugin's file. */
    strip: { ask: { origin: string }; answer: { script: string } };
    /** The payload is SES; then the plugin's text. */
    describe: { ask: { origin: string; sesBytes: number }; answer: { manifest: PluginManifest } };
  };
  events: Record<never, never>;
};

/** A throw-away process without rights, in which one plugin's file is read and its text evaluated: either may end a process. */
export interface Describer {
  /** The file without its types. @throws {BulkheadError} `plugin-syntax`. */
  strip(source: string): Promise<string>;
  /** What the plugin declares. @throws {BulkheadError} `bad-plugin`, `plugin-threw`. */
  describe(text: string): Promise<PluginManifest>;
}

/**
 * Lends a describer. Whatever the plugin does in it ends in a sentence.
 *
 * @throws {BulkheadError} What `use` throws; `plugin-stuck`, `plugin-failed`: it did not answer, or its process has ended.
 */
export async function withDescriber<T>(origin: string, use: (describer: Describer) => Promise<T>): Promise<T> {
  const subject = `plugin ${origin}`;
  const { describe: limit, heapMegabytes } = pluginLimits();
  const process = launch<DescribeSpeech, DescribeSpeech>({
    name: subject,
    entry: new URL(import.meta.resolve("./describe_process.ts")),
    rights: await ownSources(),
    heapMegabytes,
    handlers: {
      requests: {
        strip: () => Promise.reject(new Error("nobody asks")),
        describe: () => Promise.reject(new Error("nobody asks")),
      },
      events: {},
    },
  });
  const stopped = (why: string, code: string) =>
    new BulkheadError({ code, subject, sentence: `${subject} was stopped while it was looked at: ${why}` });
  const { channel } = process;
  try {
    return await use({
      strip: async (source) => {
        const payload = new TextEncoder().encode(source);
        return (await channel.request("strip", { origin }, { payload, limit })).script;
      },
      describe: async (text) => {
        const ses = new TextEncoder().encode(await sesText()), own = new TextEncoder().encode(text);
        const payload = new Uint8Array(ses.length + own.length);
        payload.set(ses);
        payload.set(own, ses.length);
        const { manifest } = await channel.request("describe", { origin, sesBytes: ses.length }, {
          payload,
          limit,
        });
        return manifest;
      },
    });
  } catch (error) {
    if (!(error instanceof BulkheadError) || !error.code.startsWith("channel")) throw error;
    if (error.code === "channel-late") throw stopped(`it did not tell what it is in ${limit / 1000} s`, "plugin-stuck");
    const ended = await process.ended;
    throw stopped(printable(ended?.message ?? error.message), "plugin-failed");
  } finally {
    await process.end();
  }
}

/** The rights of a process that runs only our own modules: to read them. */
export async function ownSources(): Promise<Rights> {
  const root = new URL(import.meta.resolve("../../"));
  if (root.protocol === "file:") return { ...NO_RIGHTS, read: [await realPath(root)] };
  return { ...NO_RIGHTS, import: [`${root.hostname}:${root.port || 443}`] };
}
