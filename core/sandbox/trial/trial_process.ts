/**
 * A process without rights in which a plugin is tried: its main thread only carries messages, so that it can always be asked and ended.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import { Channel, type Payload } from "../channel.ts";
import { BUSY, busyPlugin } from "../guarded_device.ts";
import { createMailbox, stopMailbox } from "../mailbox.ts";
import { PluginThread } from "../plugin_thread.ts";
import { MailboxRelay } from "../relay.ts";
import { NO_RIGHTS, workerPermissions } from "../rights.ts";
import { AttentionWord } from "../ring.ts";
import type { TrialAnswer } from "./questions.ts";
import type { TrialAsk, TrialOwnerSpeech, TrialSpeech } from "./trial.ts";
import type { TrialInit } from "./trial_worker.ts";

/** Milliseconds that one access to a plugin in the trial's own thread may take. */
const STUCK = 3000;

let relay: MailboxRelay | undefined;

const channel = new Channel<TrialSpeech, TrialOwnerSpeech>({
  peer: "whoever tries the plugin",
  readable: Deno.stdin.readable,
  writable: Deno.stdout.writable,
  handlers: {
    requests: { attempt: (ask, payload) => attempt(ask, payload) },
    events: {
      fromPlugin: (_body, payload) => void relay?.deliver(payload),
    },
  },
});
await channel.closed;
Deno.exit(0);

async function attempt(ask: TrialAsk, payload: Payload): Promise<{ answer: TrialAnswer }> {
  const { question, manifest, subject, sesBytes } = ask;
  const ses = new TextDecoder().decode(payload.subarray(0, sesBytes));
  const text = new TextDecoder().decode(payload.subarray(sesBytes));
  const remote = question.placement === "worker" || question.placement === "process";
  const shared = remote ? createMailbox() : null;
  const thread = shared && question.placement === "worker"
    ? new PluginThread(
      { ses, text, manifest, subject, shared, attention: new AttentionWord().buffer } as never,
      NO_RIGHTS,
      { failed: () => stopMailbox(shared) },
    )
    : undefined;
  if (shared && question.placement === "process") {
    relay = new MailboxRelay(shared, (message) => void channel.send("toPlugin", {}, message).catch(() => {}), () => {});
  }
  await thread?.ready;
  const worker = new Worker(rootModule(), {
    type: "module",
    name: "trial",
    deno: { permissions: workerPermissions(NO_RIGHTS) },
  });
  const answer = Promise.withResolvers<TrialAnswer>();
  worker.addEventListener("message", ({ data }: MessageEvent<TrialAnswer>) => answer.resolve(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    const sentence = `the trial of ${subject} failed: ${event.message}`;
    answer.reject(new BulkheadError({ code: "trial-failed", subject, sentence }));
  });
  const busy = new SharedArrayBuffer(BUSY.BYTES);
  worker.postMessage({ ...question, ses, text, manifest, subject, shared, busy } satisfies TrialInit);
  const watch = watchFor(new Int32Array(busy), () => {
    const failure = `${subject} did not return within ${STUCK / 1000} s from one access`;
    answer.resolve({ failures: [failure], tried: 0 });
  });
  return { answer: await answer.promise.finally(() => clearInterval(watch)) };
}

/** Calls back when one entry into the plugin has lasted too long. */
function watchFor(words: Int32Array, stuck: () => void): ReturnType<typeof setInterval> {
  let entry = 0, since = performance.now();
  return setInterval(() => {
    const now = words[0]!;
    if (busyPlugin(now) === 0 || now !== entry) {
      entry = now;
      since = performance.now();
    } else if (performance.now() - since > STUCK) stuck();
  }, STUCK / 10);
}

function rootModule(): string {
  const line = `import ${JSON.stringify(import.meta.resolve("./trial_worker.ts"))};`;
  return "data:application/javascript," + encodeURIComponent(line);
}
