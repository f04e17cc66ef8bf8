/**
 * The root module of a plugin's Worker. It is ours: it loads everything of ours before the plugin's text is seen, locks the realm down, and gives
 * the text the contract and nothing else. The plugin never sees the shared memory.
 *
 * @module
 */
import { lockdownRealm } from "./compartment.ts";
import type { PluginManifest } from "./description.ts";
import { type DefinedDevice, DeviceRuntime, thrownToPlain } from "./device_runtime.ts";
import { SharedPort } from "./mailbox.ts";
import type { Plain } from "./plain.ts";
import { AttentionWord } from "./ring.ts";

/** What a plugin's Worker is given. */
export interface PluginInit {
  /** SES. */
  readonly ses: string;
  /** The plugin's one text. */
  readonly text: string;
  /** What it declares. */
  readonly manifest: PluginManifest;
  /** The plugin, for sentences. */
  readonly subject: string;
  /** A device's mailbox, or a back end's rings. */
  readonly shared: SharedArrayBuffer;
  /** Raised when the virtual CPU should look. */
  readonly attention: SharedArrayBuffer;
}

/** What it answers: ready, or why not. A device's Worker answers nothing after that: it listens to its mailbox only. */
export type PluginAnswer = { readonly ready: true; readonly opened?: Plain } | { readonly thrown: Plain };

interface WorkerScope {
  onmessage: ((event: MessageEvent<PluginInit>) => void) | null;
  postMessage(message: PluginAnswer): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = ({ data }) => {
  scope.onmessage = null;
  start(data);
};

function start({ ses, text, manifest, subject, shared, attention }: PluginInit): void {
  try {
    const word = new AttentionWord(attention);
    const realm = lockdownRealm(ses);
    const plugin = realm.evaluate(text, subject);
    if (manifest.kind === "device") {
      const port = new SharedPort(shared, "far");
      const runtime = new DeviceRuntime(plugin as DefinedDevice, manifest, realm.harden, port, () => word.raise());
      scope.postMessage({ ready: true });
      runtime.serve();
    }
  } catch (error) {
    scope.postMessage({ thrown: thrownToPlain(error) });
  }
  scope.close();
}
