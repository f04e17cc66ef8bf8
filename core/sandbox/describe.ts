/**
 * Learns what a plugin declares, by evaluating its text in a throw-away process without rights.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { PluginManifest } from "./description.ts";
import { launch } from "./launcher.ts";
import { NO_RIGHTS, realPath, type Rights } from "./rights.ts";
import { sesText } from "./ses.ts";

/** What the process may be asked. */
export type DescribeSpeech = {
  requests: {
    /** The payload is SES; then the plugin's text. */
    describe: { ask: { origin: string; sesBytes: number }; answer: { manifest: PluginManifest } };
  };
  events: Record<never, never>;
};

/** Milliseconds that a plugin has to tell what it is. */
const LIMIT = 10_000;

/** Describes a plugin. @throws {BulkheadError} `bad-plugin`, `plugin-threw`, `plugin-stuck`. */
export async function describePlugin(text: string, origin: string): Promise<PluginManifest> {
  const process = launch<DescribeSpeech, DescribeSpeech>({
    name: `plugin ${origin}`,
    entry: new URL(import.meta.resolve("./describe_process.ts")),
    rights: await ownSources(),
    handlers: { requests: { describe: () => Promise.reject(new Error("nobody asks")) }, events: {} },
  });
  try {
    const ses = new TextEncoder().encode(await sesText()), own = new TextEncoder().encode(text);
    const payload = new Uint8Array(ses.length + own.length);
    payload.set(ses);
    payload.set(own, ses.length);
    const { manifest } = await process.channel.request("describe", { origin, sesBytes: ses.length }, {
      payload,
      limit: LIMIT,
    });
    return manifest;
  } catch (error) {
    if (error instanceof BulkheadError && error.code === "channel-late") {
      const sentence = `plugin ${origin} was stopped while it was looked at: it did not tell what it is in ${
        LIMIT / 1000
      } s`;
      throw new BulkheadError({ code: "plugin-stuck", subject: `plugin ${origin}`, sentence });
    }
    if (error instanceof BulkheadError && error.code.startsWith("channel")) throw await process.ended ?? error;
    throw error;
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
