/**
 * Tries a plugin in a process of its own, wherever it is placed, with a limit on everything.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import type { Bundle } from "../bundle.ts";
import { ownSources } from "../describe.ts";
import type { PluginManifest } from "../description.ts";
import { launch } from "../launcher.ts";
import { launchPlugin, type PluginProcess } from "../plugin_launch.ts";
import { sesText } from "../ses.ts";
import type { TrialAnswer, TrialQuestion } from "./questions.ts";

/** What a trial's process is asked. The payload is SES; then the plugin's text. */
export interface TrialAsk {
  /** The question. */
  readonly question: TrialQuestion;
  /** What the plugin declares. */
  readonly manifest: PluginManifest;
  /** The plugin, for sentences. */
  readonly subject: string;
  /** Bytes of SES. */
  readonly sesBytes: number;
}

/** What the owner says. */
export type TrialOwnerSpeech = {
  requests: { attempt: { ask: TrialAsk; answer: { answer: TrialAnswer } } };
  events: {
    /** A message of the plugin's process. */
    fromPlugin: Record<never, never>;
  };
};

/** What the trial's process says. */
export type TrialSpeech = {
  requests: Record<never, never>;
  events: {
    /** A message to the plugin's process. */
    toPlugin: Record<never, never>;
  };
};

/** Milliseconds that a trial may take. */
const LIMIT = 60_000;

/** Tries a plugin. What it does wrong, hanging included, is in the answer. */
export async function tryPlugin(
  { manifest, text }: Pick<Bundle, "manifest" | "text">,
  question: TrialQuestion,
): Promise<TrialAnswer> {
  const subject = `${manifest.kind === "device" ? "device" : "back end"} ${manifest.id}`;
  const ses = await sesText();
  const holder: { plugin?: PluginProcess } = {};
  const refused = Promise.withResolvers<BulkheadError>();
  const trial = launch<TrialOwnerSpeech, TrialSpeech>({
    name: `the trial of ${subject}`,
    entry: new URL(import.meta.resolve("./trial_process.ts")),
    rights: await ownSources(),
    handlers: {
      requests: {},
      events: { toPlugin: (_body, payload) => holder.plugin?.send(payload) },
    },
  });
  if (question.placement === "process") {
    const part = { subject, manifest, text, ses, config: {}, rights: {}, bindings: {} };
    holder.plugin = launchPlugin(part, {
      ready: (_opened, error) => {
        if (error !== undefined) refused.resolve(error);
        return Promise.resolve();
      },
      used: () => {},
      said: (message) => trial.channel.send("fromPlugin", {}, message.slice()),
    });
    holder.plugin.ended.then((words) => refused.resolve(ended(subject, words)));
  }
  try {
    const encoder = new TextEncoder(), own = encoder.encode(text), sesBytes = encoder.encode(ses);
    const payload = new Uint8Array(sesBytes.length + own.length);
    payload.set(sesBytes);
    payload.set(own, sesBytes.length);
    const ask = { question, manifest, subject, sesBytes: sesBytes.length };
    const attempt = trial.channel.request("attempt", ask, { payload, limit: LIMIT });
    attempt.catch(() => {});
    const outcome = await Promise.race([attempt, refused.promise]);
    return outcome instanceof BulkheadError ? { failures: [outcome.message], tried: 0 } : outcome.answer;
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    if (error.code === "channel-late") {
      return { failures: [`${subject} was stopped: the trial did not end within ${LIMIT / 1000} s`], tried: 0 };
    }
    const why = error.code.startsWith("channel") ? await trial.ended ?? error : error;
    return { failures: [why.message], tried: 0 };
  } finally {
    holder.plugin?.kill();
    await trial.end();
  }
}

function ended(subject: string, words: string): BulkheadError {
  const sentence = `the process of ${subject} ended${words === "" ? "" : `; its last words: ${words}`}`;
  return new BulkheadError({ code: "process-died", subject, sentence });
}
