/**
 * The thread of a trial: a Worker without rights, which stands where a virtual CPU's thread would.
 *
 * @module
 */
import type { AnyBackend } from "../../bus/backend_contract.ts";
import type { AnyDevice } from "../../bus/contract.ts";
import { BulkheadError } from "../../bus/error.ts";
import { lockdownRealm, OPEN_REALM, whatThrown } from "../compartment.ts";
import type { DeviceManifest, PluginManifest } from "../description.ts";
import { guardDevice } from "../guarded_device.ts";
import { SharedPort } from "../mailbox.ts";
import { RemoteDevice } from "../remote_device.ts";
import { tryBackend } from "./backend_trial.ts";
import { type TriedDevice, tryDevice, watched } from "./device_trials.ts";
import type { TrialAnswer, TrialQuestion } from "./questions.ts";

/** What the thread is given. */
export interface TrialInit extends TrialQuestion {
  /** SES. */
  readonly ses: string;
  /** The plugin's text. */
  readonly text: string;
  /** What it declares. */
  readonly manifest: PluginManifest;
  /** The plugin, for sentences. */
  readonly subject: string;
  /** The mailbox of a device that runs elsewhere. */
  readonly shared: SharedArrayBuffer | null;
  /** Says whether a plugin of this thread runs: see `BUSY`. */
  readonly busy: SharedArrayBuffer;
}

interface WorkerScope {
  onmessage: ((event: MessageEvent<TrialInit>) => void) | null;
  postMessage(message: TrialAnswer): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = async ({ data }) => {
  scope.onmessage = null;
  const { kind, seed, manifest } = data;
  try {
    if (manifest.kind === "backend") {
      const realm = lockdownRealm(data.ses);
      scope.postMessage(await tryBackend(realm.evaluate(data.text, data.subject) as AnyBackend, seed));
    } else scope.postMessage(await tryDevice(kind, placed(data, manifest), seed));
  } catch (error) {
    const failure = error instanceof BulkheadError ? error.message : whatThrown(error);
    scope.postMessage({ failures: [failure], tried: 0 });
  }
  scope.close();
};

function placed({ placement, ses, text, subject, shared, busy }: TrialInit, manifest: DeviceManifest): TriedDevice {
  let failure: BulkheadError | undefined;
  const detached = (error: BulkheadError) => failure ??= error;
  const take = () => {
    const taken = failure;
    failure = undefined;
    return taken;
  };
  if (shared !== null) {
    const remote = new RemoteDevice({ subject, manifest, port: new SharedPort(shared, "near"), detached });
    return { device: remote.device, needs: manifest.needs, detached: take };
  }
  const realm = placement === "confined" ? lockdownRealm(ses) : OPEN_REALM;
  const { device, asked } = watched(realm.evaluate(text, subject) as AnyDevice);
  const guarded = guardDevice(device, {
    subject,
    manifest,
    detached,
    busy: { words: new Int32Array(busy), index: 1 },
    ...(placement === "confined" ? { harden: realm.harden } : {}),
  });
  return { device: guarded, needs: manifest.needs, asked, detached: take };
}
