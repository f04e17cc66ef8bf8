/**
 * The processes of a machine's plugins, as the machine's owner holds them: started with exactly their rights, killed when they must not go on.
 *
 * @module
 */
import type { BulkheadError } from "../bus/error.ts";
import type { BackendOpened } from "../sandbox/backend_runtime.ts";
import type { HostUse } from "../sandbox/host_handles.ts";
import { launchPlugin, type PluginProcess } from "../sandbox/plugin_launch.ts";
import { SendWindow } from "../sandbox/send_window.ts";
import type { PluginParts } from "./plugin_parts.ts";

/** Who hears the plugins. */
export interface PluginListener {
  /** A plugin's process said something. Settles when that has been taken: only a few such promises are pending at a time. */
  said(index: number, message: Uint8Array): Promise<void>;
  /** A plugin's process is up, or is not. */
  ready(index: number, opened: BackendOpened | undefined, error: BulkheadError | undefined): Promise<void>;
  /** A plugin used something of the host. */
  used(plugin: string, use: HostUse): void;
  /** A plugin's process has ended. */
  ended(index: number, words: string): Promise<void>;
}

/** The processes of one machine's plugins, by the plugins' index. */
export class PluginProcesses {
  readonly #processes = new Map<number, PluginProcess>();
  #ended = false;

  /** Starts them. */
  constructor({ ses, plugins }: PluginParts, listener: PluginListener) {
    for (const [index, part] of plugins.entries()) {
      if (part.placement !== "process") continue;
      const window = new SendWindow();
      const process = launchPlugin({ ...part, ses }, {
        said: (message) => window.send(() => listener.said(index, message)),
        ready: (opened, error) => listener.ready(index, opened, error),
        used: (use) => listener.used(part.name, use),
      });
      this.#processes.set(index, process);
      process.ended.then(async (words) => {
        await window.drained();
        if (!this.#ended) await listener.ended(index, words);
      }).catch(() => {});
    }
  }

  /** Sends a message. */
  send(index: number, message: Uint8Array): Promise<void> {
    return this.#processes.get(index)?.send(message) ?? Promise.resolve();
  }

  /** Kills one. */
  kill(index: number): void {
    this.#processes.get(index)?.kill();
  }

  /** Kills them all. */
  end(): void {
    this.#ended = true;
    for (const process of this.#processes.values()) process.kill();
  }
}
