/**
 * A plugin's Worker, as the process around it sees it.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { plainToThrown } from "./device_runtime.ts";
import type { BackendOpened } from "./backend_runtime.ts";
import type { HostUse } from "./host_handles.ts";
import { PLUGIN_LIMITS } from "./plugin_limits.ts";
import type { PluginAnswer, PluginInit } from "./plugin_worker.ts";
import { type Rights, workerPermissions } from "./rights.ts";

/** A Worker that runs one plugin. */
export class PluginThread {
  /** What a back end said of itself; rejects with why it could not be started. */
  readonly ready: Promise<BackendOpened | undefined>;
  /** Settles when a back end has closed, or is gone. Never rejects. */
  readonly closed: Promise<void>;
  readonly #worker: Worker;

  /**
   * Starts it.
   *
   * @param rights Exactly what the plugin may do; this process must hold it.
   * @param told What becomes of it: it dies, or uses something of the host.
   * @param limit Milliseconds that it has to start.
   */
  constructor(
    init: PluginInit,
    rights: Rights,
    told: { failed(why: string): void; used?(use: HostUse): void },
    limit: number = PLUGIN_LIMITS.start,
  ) {
    const { subject } = init;
    const { promise, resolve, reject } = Promise.withResolvers<BackendOpened | undefined>();
    promise.catch(() => {});
    this.ready = promise;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    const worker = this.#worker = new Worker(rootModule(), {
      type: "module",
      name: subject,
      deno: { permissions: workerPermissions(rights) },
    });
    const refuse = (why: string) => {
      const sentence = `${subject} was stopped while it was starting: ${why}`;
      reject(new BulkheadError({ code: "plugin-failed", subject, sentence }));
      closed.resolve();
      told.failed(why);
    };
    const timer = setTimeout(() => refuse(`it was not up after ${limit / 1000} s`), limit);
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      clearTimeout(timer);
      refuse(event.message);
    });
    worker.addEventListener("message", ({ data }: MessageEvent<PluginAnswer>) => {
      if ("used" in data) return told.used?.(data.used);
      if ("closed" in data) return closed.resolve();
      clearTimeout(timer);
      if ("ready" in data) return resolve(data.opened);
      const error = plainToThrown(data.thrown);
      if (error instanceof BulkheadError) {
        reject(error);
        closed.resolve();
        told.failed(error.message);
      } else refuse(error.message);
    });
    worker.postMessage(init);
  }

  /** Ends it, unless it is busy: the end of the process surely does. */
  end(): void {
    this.#worker.terminate();
  }
}

function rootModule(): string {
  const line = `import ${JSON.stringify(import.meta.resolve("./plugin_worker.ts"))};`;
  return "data:application/javascript," + encodeURIComponent(line);
}
