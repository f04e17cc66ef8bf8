/**
 * A machine's plugins as its process holds them: starts those that have a thread of their own, relays to those that have a process, and
 * watches those that run in the virtual CPU's thread.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { grantedRights } from "../sandbox/grants.ts";
import { BUSY, busyPlugin } from "../sandbox/guarded_device.ts";
import { createMailbox, mailboxBusy, stopMailbox } from "../sandbox/mailbox.ts";
import { PluginThread } from "../sandbox/plugin_thread.ts";
import { MailboxRelay } from "../sandbox/relay.ts";
import { NO_RIGHTS } from "../sandbox/rights.ts";
import { createBackendRings } from "../sandbox/backend_frames.ts";
import type { BackendOpened } from "../sandbox/backend_runtime.ts";
import type { HostUse } from "../sandbox/host_handles.ts";
import { ByteRing } from "../sandbox/ring.ts";
import { BackendRelay } from "../sandbox/backend_relay.ts";
import type { PluginPart, PluginParts, ThreadPlugins } from "./plugin_parts.ts";

/** Milliseconds between two looks at what runs. */
const WATCH_INTERVAL = 100;

/** What the host of plugins needs. */
export interface PluginHostOptions {
  /** Bytes of the guest's memory. */
  readonly memory: number;
  /** Raises the virtual CPU's attention word, whose memory this is. */
  readonly attention: SharedArrayBuffer;
  readonly wake: () => void;
  /** Sends a message to the process of the plugin with this index; settles when that has taken it. */
  readonly toProcess: (index: number, message: Uint8Array<ArrayBuffer>) => Promise<void>;
  /** Kills the process of the plugin with this index. */
  readonly kill: (index: number) => void;
  /** A plugin, by its name, used something of the host. */
  readonly used: (plugin: string, use: HostUse) => void;
  /** A plugin must not go on, and the machine's process with it. */
  readonly fatal: (error: BulkheadError) => void;
}

/** A machine's plugins. */
export class PluginHost {
  readonly #parts: PluginParts;
  readonly #options: PluginHostOptions;
  readonly #shared: (SharedArrayBuffer | null)[] = [];
  readonly #answers: (SharedArrayBuffer | null)[] = [];
  readonly #opened: Promise<BackendOpened | undefined>[] = [];
  readonly #relays = new Map<number, MailboxRelay | BackendRelay>();
  /** Processes that are not up yet. */
  readonly #starting = new Map<number, PromiseWithResolvers<BackendOpened | undefined>>();
  readonly #threads = new Map<number, PluginThread>();
  readonly #busy = new SharedArrayBuffer(BUSY.BYTES);
  #baseline = 0;

  /** Starts the plugins that do not run in the virtual CPU's thread. */
  constructor(parts: PluginParts, options: PluginHostOptions) {
    this.#parts = parts;
    this.#options = options;
    for (const [index, part] of parts.plugins.entries()) {
      const apart = part.placement === "worker" || part.placement === "process";
      const rings = part.manifest.kind === "backend" ? createBackendRings() : undefined;
      const shared = rings?.requests ?? (apart ? createMailbox() : null);
      this.#shared.push(shared);
      this.#answers.push(rings?.answers ?? null);
      this.#opened.push(shared === null ? Promise.resolve(undefined) : this.#start(index, part, shared));
    }
  }

  /** What the virtual CPU's thread gets, once all of them are up. @throws {BulkheadError} Why one could not be started. */
  async ready(): Promise<ThreadPlugins> {
    const { ses, plugins, absent, limits } = this.#parts;
    const failed = new Map<number, BulkheadError>();
    const opened = await Promise.all(this.#opened.map((opening, index) =>
      opening.catch((error) => {
        const { optional, subject } = plugins[index]!;
        if (!optional) throw error;
        failed.set(index, BulkheadError.from(error, subject));
        return undefined;
      })
    ));
    this.#watch();
    return {
      ses: plugins.some(({ placement }) => placement === "confined") ? ses : "",
      busy: this.#busy,
      absent,
      limits,
      plugins: plugins.map(({ rights: _rights, bindings: _bindings, text, ...part }, index) => ({
        ...part,
        text: this.#shared[index] === null ? text : "",
        shared: this.#shared[index]!,
        answers: this.#answers[index]!,
        opened: opened[index] ?? null,
        failed: failed.get(index)?.toJSON() ?? null,
      })),
    };
  }

  /** A message of a plugin's process. While the promise is pending it is held back. */
  async fromProcess(index: number, message: Uint8Array): Promise<void> {
    if (await this.#relays.get(index)?.deliver(message) === false) this.processEnded(index);
  }

  /** A plugin's process is up, or is not: then with what it threw. */
  processReady(index: number, opened: BackendOpened | undefined, error: BulkheadError | undefined): void {
    const starting = this.#starting.get(index);
    this.#starting.delete(index);
    if (error === undefined) starting?.resolve(opened);
    else starting?.reject(error);
  }

  /** A plugin's compartment is gone: its device is detached at its next access, its back end's requests are refused. */
  processEnded(index: number, words = "", why = "its process ended"): void {
    const { subject } = this.#parts.plugins[index]!;
    const last = words === "" ? "" : `; its last words: ${words}`;
    const sentence = `${subject} was stopped while it was starting: ${why}${last}`;
    this.processReady(index, undefined, new BulkheadError({ code: "plugin-failed", subject, sentence }));
    const shared = this.#shared[index], answers = this.#answers[index];
    if (answers) new ByteRing(answers).stop();
    else if (shared) stopMailbox(shared);
    this.#relays.get(index)?.end();
    this.#options.wake();
  }

  /** Settles when all has been told of what back ends used until they closed. Those that have a process tell that by themselves. */
  async closed(limit: number): Promise<void> {
    const backends = [...this.#threads].filter(([index]) => this.#answers[index]).map(([, { closed }]) => closed);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, limit));
    await Promise.race([Promise.all(backends), late]);
    clearTimeout(timer);
  }

  /** A plugin was detached: its process is killed; its Worker ends once it is not busy. */
  detached(name: string): void {
    const index = this.#parts.plugins.findIndex((plugin) => plugin.name === name);
    this.#threads.get(index)?.end();
    this.#relays.get(index)?.end();
    if (this.#relays.has(index)) this.#options.kill(index);
  }

  #start(index: number, part: PluginPart, shared: SharedArrayBuffer): Promise<BackendOpened | undefined> {
    const { attention, wake, toProcess, used } = this.#options;
    const answers = this.#answers[index]!, { start: limit } = this.#parts.limits;
    if (part.placement === "process") {
      const send = (message: Uint8Array<ArrayBuffer>) => toProcess(index, message);
      this.#relays.set(
        index,
        answers === null
          ? new MailboxRelay(shared, (message) => send(message).catch(() => {}), wake)
          : new BackendRelay(new ByteRing(shared), new ByteRing(answers), send, wake),
      );
      const starting = Promise.withResolvers<BackendOpened | undefined>();
      const timer = setTimeout(() => {
        this.processEnded(index, "", `it was not up after ${limit / 1000} s`);
        this.#options.kill(index);
      }, limit);
      starting.promise.catch(() => {}).finally(() => clearTimeout(timer));
      this.#starting.set(index, starting);
      return starting.promise;
    }
    const { manifest, subject, text, config, bindings } = part;
    const rights = manifest.kind === "device"
      ? NO_RIGHTS
      : grantedRights(part.rights, { version: 1, plugin: manifest.id, content: "", bindings: part.bindings });
    const init = {
      ses: this.#parts.ses,
      text,
      manifest,
      subject,
      shared,
      answers,
      attention,
      config,
      rights: part.rights,
      bindings,
    };
    const thread = new PluginThread(init, rights, {
      failed: () => this.processEnded(index),
      used: (use) => used(part.name, use),
    }, limit);
    this.#threads.set(index, thread);
    return thread.ready;
  }

  /** Looks from time to time at what no plugin can be trusted to do by itself: to return, and to stop allocating. */
  #watch(): void {
    const { plugins, limits } = this.#parts;
    const here = plugins.filter(({ placement }) => placement === "inline" || placement === "confined");
    const inside = plugins.filter(({ placement }) => placement !== "process");
    if (inside.length === 0) return;
    const words = new Int32Array(this.#busy);
    let before = 0, since = 0;
    const limit = this.#options.memory + limits.ownGrowth + limits.pluginGrowth * inside.length;
    const timer = setInterval(() => {
      const word = Atomics.load(words, 0), plugin = busyPlugin(word);
      const now = performance.now();
      if (here.length === 0 || plugin === 0 || word !== before) {
        before = word;
        since = now;
      } else if (now - since > limits.confined) {
        clearInterval(timer);
        const { subject } = plugins[plugin - 1] ?? { subject: "a plugin" };
        const sentence = `${subject} was stopped, and its machine with it: it did not return within ` +
          `${limits.confined / 1000} s from one access, and what runs in the virtual CPU's thread cannot be detached`;
        return this.#options.fatal(new BulkheadError({ code: "plugin-stuck", subject, sentence }));
      }
      const { rss } = Deno.memoryUsage();
      this.#baseline ||= rss;
      if (rss - this.#baseline > limit) {
        clearInterval(timer);
        const busy = plugins.find((_part, index) => this.#shared[index] && mailboxBusy(this.#shared[index]));
        const { subject } = plugins[plugin - 1] ?? busy ?? inside[0]!;
        const sentence = `${subject} was stopped, and its machine with it: the machine's process grew by ` +
          `${Math.round((rss - this.#baseline) / 2 ** 20)} MB`;
        this.#options.fatal(new BulkheadError({ code: "plugin-memory", subject, sentence }));
      }
    }, WATCH_INTERVAL);
    Deno.unrefTimer(timer);
  }
}
