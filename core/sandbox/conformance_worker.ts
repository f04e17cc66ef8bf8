/**
 * A thread in which a plugin's device is tested against the contract, wherever it runs itself: the thread waits for it as a virtual CPU does.
 *
 * @module
 */
import { conformance, type ConformanceReport } from "../bus/conformance.ts";
import type { AnyDevice } from "../bus/contract.ts";
import { BulkheadError, type BulkheadErrorJson } from "../bus/error.ts";
import { lockdownRealm, OPEN_REALM } from "./compartment.ts";
import type { DeviceManifest } from "./description.ts";
import { guardDevice } from "./guarded_device.ts";
import { SharedPort } from "./mailbox.ts";
import type { Placement } from "./placement.ts";
import { RemoteDevice } from "./remote_device.ts";

/** What is tested. */
export interface ConformanceTask {
  readonly placement: Placement;
  readonly ses: string;
  readonly text: string;
  readonly manifest: DeviceManifest;
  readonly subject: string;
  /** The device's mailbox, where it runs elsewhere. */
  readonly shared: SharedArrayBuffer | null;
  /** Random accesses. */
  readonly accesses: number;
  /** Where their sequence starts. */
  readonly seed: number;
}

/** What came of it. */
export type ConformanceOutcome = { readonly report: ConformanceReport } | { readonly error: BulkheadErrorJson };

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ConformanceTask>) => void) | null;
  postMessage(outcome: ConformanceOutcome): void;
};

scope.onmessage = ({ data }) => {
  const { subject, accesses, seed } = data;
  const failures: BulkheadError[] = [];
  try {
    const report = conformance(made(data, (error) => failures.push(error)), [], { accesses, seed });
    // A device that was detached answers ones, which is never against the contract.
    if (failures.length > 0) throw failures[0];
    scope.postMessage({ report });
  } catch (error) {
    scope.postMessage({ error: (failures[0] ?? BulkheadError.from(error, subject)).toJSON() });
  }
};

function made(task: ConformanceTask, detached: (error: BulkheadError) => void): AnyDevice {
  const { placement, ses, text, manifest, subject, shared } = task;
  if (shared !== null) {
    return new RemoteDevice({ subject, manifest, port: new SharedPort(shared, "near"), detached }).device;
  }
  const realm = placement === "confined" ? lockdownRealm(ses) : OPEN_REALM;
  const device = realm.evaluate(text, subject) as AnyDevice;
  return guardDevice(device, {
    subject,
    manifest,
    detached,
    ...(placement === "confined" ? { harden: realm.harden } : {}),
  });
}
