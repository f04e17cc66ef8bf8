/**
 * A process without rights that reads one plugin's file, evaluates its text and tells what it declares. The host's reader of TypeScript is
 * native code, which a text that is nested deeply enough ends together with its process.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { BulkheadError } from "../bus/error.ts";
import { Channel } from "./channel.ts";
import { lockdownRealm } from "./compartment.ts";
import type { DescribeSpeech } from "./describe.ts";
import { describe } from "./description.ts";
import { watchMemory } from "./memory_watch.ts";
import { renounceRead } from "./rights.ts";

/** Bytes that this process may hold. */
const MEMORY_LIMIT = 512 * 2 ** 20;

watchMemory(MEMORY_LIMIT);
await renounceRead();
const channel = new Channel<DescribeSpeech, DescribeSpeech>({
  peer: "whoever loads the plugin",
  readable: Deno.stdin.readable,
  writable: Deno.stdout.writable,
  handlers: {
    requests: {
      // deno-lint-ignore require-await
      strip: async ({ origin }, payload) => ({ script: javascript(new TextDecoder().decode(payload), origin) }),
      // deno-lint-ignore require-await
      describe: async ({ origin, sesBytes }, payload) => {
        const ses = new TextDecoder().decode(payload.subarray(0, sesBytes));
        const text = new TextDecoder().decode(payload.subarray(sesBytes));
        const plugin = lockdownRealm(ses).evaluate(text, `plugin ${origin}`);
        return { manifest: describe(plugin, origin) };
      },
    },
    events: {},
  },
});
await channel.closed;
Deno.exit(0);

/** The file without its types. */
function javascript(source: string, origin: string): string {
  try {
    // Lines and columns stay where they were.
    return stripTypeScriptTypes(source, { mode: "strip" });
  } catch {
    try {
      return stripTypeScriptTypes(source, { mode: "transform" });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new BulkheadError({
        code: "plugin-syntax",
        subject: `plugin ${origin}`,
        expected: "TypeScript",
        found: words.trim().split("\n").at(-1) ?? words,
      });
    }
  }
}
