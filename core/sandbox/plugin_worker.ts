/**
 * The root module of a plugin's Worker. It is ours: it loads everything of ours before the plugin's text is seen, locks the realm down, and gives
 * the text the contract and nothing else. The plugin never sees the shared memory.
 *
 * @module
 */
import { type BackendOpened, type DefinedBackend, openingError, serveBackend } from "./backend_runtime.ts";
import { lockdownRealm } from "./compartment.ts";
import type { PluginManifest } from "./description.ts";
import { type DefinedDevice, DeviceRuntime, thrownToPlain } from "./device_runtime.ts";
import type { HostRights } from "../bus/host_rights.ts";
import { hostHandles, type HostUse } from "./host_handles.ts";
import { SharedPort } from "./mailbox.ts";
import type { Plain } from "./plain.ts";
import { AttentionWord, ByteRing } from "./ring.ts";

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
  /** A device's mailbox; a back end's requests. */
  readonly shared: SharedArrayBuffer;
  /** A back end's answers. */
  readonly answers: SharedArrayBuffer | null;
  /** A back end's configuration, its rights, and what they are bound to. */
  readonly config: Readonly<Record<string, number | string | boolean>>;
  readonly rights: HostRights;
  readonly bindings: Readonly<Record<string, string>>;
  /** Raised when the virtual CPU should look. */
  readonly attention: SharedArrayBuffer;
}

/**
 * What it tells: that it is ready, or why it is not, what it does on the host, and when a back end has closed. A device's Worker tells nothing once it is ready: it
 * listens to its mailbox only.
 */
export type PluginAnswer =
  | { readonly ready: true; readonly opened?: BackendOpened }
  | { readonly used: HostUse }
  | { readonly closed: true }
  | { readonly thrown: Plain };

interface WorkerScope {
  onmessage: ((event: MessageEvent<PluginInit>) => void) | null;
  postMessage(message: PluginAnswer): void;
  close(): void;
}

/** Milliseconds of one wait. */
const PATIENCE = 1000;

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = ({ data }) => {
  scope.onmessage = null;
  start(data);
};

async function start(init: PluginInit): Promise<void> {
  const { ses, text, manifest, subject, shared, attention } = init;
  try {
    const word = new AttentionWord(attention);
    const realm = lockdownRealm(ses);
    const plugin = realm.evaluate(text, subject);
    if (manifest.kind === "device") {
      const port = new SharedPort(shared, "far");
      const runtime = new DeviceRuntime(plugin as DefinedDevice, manifest, realm.harden, port, () => word.raise());
      scope.postMessage({ ready: true });
      runtime.serve();
    } else {
      const handles = hostHandles(init.rights, init.bindings, (used) => scope.postMessage({ used }));
      const requests = new ByteRing(shared), answers = new ByteRing(init.answers!);
      try {
        await serveBackend(plugin as DefinedBackend, {
          manifest,
          subject,
          config: init.config,
          handles,
          harden: realm.harden,
          opened: (opened) => scope.postMessage({ ready: true, opened }),
          pipe: {
            readNow: (limit) => requests.waitReadable(limit) === "stopped" ? undefined : requests.readAll(),
            readSoon: async () => await requests.readableSoon(PATIENCE) === "stopped" ? undefined : requests.readAll(),
            write: (bytes) => {
              const written = answers.writeAll(bytes);
              word.raise();
              return written;
            },
          },
        });
      } catch (error) {
        throw openingError(subject, error);
      } finally {
        // What it used comes before that.
        scope.postMessage({ closed: true });
        answers.stop();
        word.raise();
      }
    }
  } catch (error) {
    scope.postMessage({ thrown: thrownToPlain(error) });
  }
  scope.close();
}
