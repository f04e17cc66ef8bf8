/**
 * Measures a register's read of a device in this thread, over a bare call of the device's own function. A thread measures one placement: what
 * V8 learned of another would be part of the figures.
 *
 * @module
 */
import { VirtualClock } from "../core/bus/clock.ts";
import type { AnyDevice } from "../core/bus/contract.ts";
import { DeviceHost } from "../core/bus/host.ts";
import { lockdownRealm, OPEN_REALM } from "../core/sandbox/compartment.ts";
import type { DeviceManifest } from "../core/sandbox/description.ts";
import { guardDevice } from "../core/sandbox/guarded_device.ts";

/** What is measured. */
export interface LocalTask {
  readonly text: string;
  readonly manifest: DeviceManifest;
  /** SES, for a confined device; empty for one inline. */
  readonly ses: string;
  readonly rounds: number;
}

/** Nanoseconds, medians of the rounds. */
export interface LocalFigures {
  /** A bare call. */
  readonly call: number;
  /** A register's read over that. */
  readonly overCall: number;
  /** A port's read, with the look-up. */
  readonly port: number;
}

/** Calls of one measurement, and rounds that only warm up. */
const CALLS = 2_000_000, WARM = 3;

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<LocalTask>) => void;
  postMessage(figures: LocalFigures): void;
  close(): void;
};

scope.onmessage = ({ data: { text, manifest, ses, rounds } }) => {
  const realm = ses === "" ? OPEN_REALM : lockdownRealm(ses);
  const device = realm.evaluate(text, "the counter") as AnyDevice;
  const harden = ses === "" ? {} : { harden: realm.harden };
  const detached = (error: Error) => {
    throw error;
  };
  const guarded = guardDevice(device, { subject: "the counter", manifest, detached, ...harden });
  const host = new DeviceHost({ clock: new VirtualClock({ retired: () => 0 }) });
  const slot = host.attach(guarded, { name: "counter" }).regions.get("io")!.slots[0]!;
  const wired = device.wire({ state: { value: 1 } } as never) as unknown as { regions: { io: { read(): number }[] } };
  const bare = wired.regions.io[0]!.read;

  // Each loop is written out, as one that several functions went through would be slower for all of them.
  const call = () => {
    const began = performance.now();
    for (let index = 0; index < CALLS; index++) bare();
    return (performance.now() - began) * 1e6 / CALLS;
  };
  const access = () => {
    const began = performance.now();
    for (let index = 0; index < CALLS; index++) slot.read(0, 1);
    return (performance.now() - began) * 1e6 / CALLS;
  };
  const port = () => {
    const began = performance.now();
    for (let index = 0; index < CALLS; index++) host.portRead(0x510, 1);
    return (performance.now() - began) * 1e6 / CALLS;
  };
  const calls: number[] = [], over: number[] = [], ports: number[] = [];
  for (let round = 0; round < rounds + WARM; round++) {
    const figures = [call(), access(), port()] as const;
    if (round < WARM) continue;
    calls.push(figures[0]);
    over.push(figures[1] - figures[0]);
    ports.push(figures[2]);
  }
  scope.postMessage({ call: median(calls), overCall: median(over), port: median(ports) });
  scope.close();
};

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
