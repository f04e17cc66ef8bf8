/**
 * Tests a plugin's device against the contract in each placement: the same text, where it would run in a machine.
 *
 * @module
 */
import type { ConformanceReport } from "../bus/conformance.ts";
import { BulkheadError } from "../bus/error.ts";
import type { Bundle } from "./bundle.ts";
import type { ConformanceOutcome, ConformanceTask } from "./conformance_worker.ts";
import type { DeviceManifest } from "./description.ts";
import { createMailbox, stopMailbox } from "./mailbox.ts";
import type { Placement } from "./placement.ts";
import { launchPlugin } from "./plugin_launch.ts";
import { PluginThread } from "./plugin_thread.ts";
import { MailboxRelay } from "./relay.ts";
import { NO_RIGHTS, workerPermissions } from "./rights.ts";
import { sesText } from "./ses.ts";

/** Milliseconds that a test may take. */
const LIMIT = 120_000;

/**
 * Tests a device in one placement with random accesses.
 *
 * The caller needs what a machine's process has: worker options, and for `process` the right to run Deno.
 *
 * @throws {BulkheadError} What does not hold.
 */
export async function placedConformance(
  bundle: Pick<Bundle, "id" | "text" | "manifest">,
  placement: Placement,
  { accesses = 1000, seed = 1 }: { accesses?: number; seed?: number } = {},
): Promise<ConformanceReport> {
  const { id, text, manifest } = bundle;
  const subject = `device ${id}`;
  if (manifest.kind !== "device") {
    const sentence = `${subject} is a back end: conformance is tested of devices`;
    throw new BulkheadError({ code: "bad-plugin", subject, sentence });
  }
  const ses = await sesText();
  const shared = placement === "worker" || placement === "process" ? createMailbox() : null;
  const end = shared === null ? () => {} : await started(placement, { ses, text, manifest, subject, shared });
  const root = `import ${JSON.stringify(import.meta.resolve("./conformance_worker.ts"))};`;
  const tester = new Worker("data:application/javascript," + encodeURIComponent(root), {
    type: "module",
    deno: { permissions: workerPermissions(NO_RIGHTS) },
  });
  try {
    const outcome = await new Promise<ConformanceOutcome>((resolve, reject) => {
      const late = () => {
        const sentence = `${subject} was not through its test in placement ${placement} after ${LIMIT / 1000} s`;
        reject(new BulkheadError({ code: "plugin-stuck", subject, sentence }));
      };
      const timer = setTimeout(late, LIMIT);
      tester.onmessage = ({ data }) => {
        clearTimeout(timer);
        resolve(data);
      };
      tester.onerror = (event) => {
        event.preventDefault();
        clearTimeout(timer);
        reject(BulkheadError.from(new Error(event.message), subject));
      };
      const task: ConformanceTask = { placement, ses, text, manifest, subject, shared, accesses, seed };
      tester.postMessage(task);
    });
    if ("error" in outcome) throw BulkheadError.fromJSON(outcome.error);
    return outcome.report;
  } finally {
    tester.terminate();
    await end();
  }
}

/** Starts the device's own compartment; returns what ends it. */
async function started(
  placement: Placement,
  { shared, ...device }: {
    ses: string;
    text: string;
    manifest: DeviceManifest;
    subject: string;
    shared: SharedArrayBuffer;
  },
): Promise<() => void | Promise<void>> {
  const nothing = { config: {}, rights: {}, bindings: {} };
  if (placement === "worker") {
    const init = { ...device, ...nothing, shared, answers: null, attention: new SharedArrayBuffer(64) };
    const thread = new PluginThread(init, NO_RIGHTS, { failed: () => stopMailbox(shared) });
    await thread.ready;
    return () => {
      stopMailbox(shared);
      thread.end();
    };
  }
  const up = Promise.withResolvers<void>();
  const relay: { to?: MailboxRelay } = {};
  const process = launchPlugin({ ...device, ...nothing }, {
    ready: (_opened, error) => Promise.resolve(error === undefined ? up.resolve() : up.reject(error)),
    used: () => {},
    said: async (message) => {
      if (await relay.to?.deliver(message) !== true) process.kill();
    },
  });
  process.ended.then((words) => {
    const sentence = `${device.subject} was stopped: its process ended; its last words: ${words}`;
    up.reject(new BulkheadError({ code: "plugin-failed", subject: device.subject, sentence }));
    stopMailbox(shared);
  });
  relay.to = new MailboxRelay(shared, (message) => process.send(message), () => {});
  await up.promise;
  return async () => {
    relay.to?.end();
    stopMailbox(shared);
    process.kill();
    await process.ended;
  };
}
