/**
 * A process without rights that evaluates one plugin's text and tells what it declares.
 *
 * @module
 */
import { Channel } from "./channel.ts";
import { lockdownRealm } from "./compartment.ts";
import type { DescribeSpeech } from "./describe.ts";
import { describe } from "./description.ts";
import { renounceRead } from "./rights.ts";

const channel = new Channel<DescribeSpeech, DescribeSpeech>({
  peer: "whoever loads the plugin",
  readable: Deno.stdin.readable,
  writable: Deno.stdout.writable,
  handlers: {
    requests: {
      describe: async ({ origin, sesBytes }, payload) => {
        await renounceRead();
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
