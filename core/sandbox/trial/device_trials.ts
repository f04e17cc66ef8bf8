/**
 * Tries a device on a bench: what its author's own test does, and what nobody would do on purpose.
 *
 * @module
 */
import { type AnyBench, exercise } from "./exercise.ts";
import { Bench, type BenchOptions } from "../../bus/bench.ts";
import type { Needs, Width } from "../../bus/claims.ts";
import { conformance, type Step } from "../../bus/conformance.ts";
import type { AnyDevice } from "../../bus/contract.ts";
import { BulkheadError } from "../../bus/error.ts";
import { whatThrown } from "../compartment.ts";
import type { NeedsManifest } from "../description.ts";
import { readWiring, type WiringDescription } from "../wiring.ts";
import { forge } from "./hostile_state.ts";
import type { TrialAnswer, TrialKind } from "./questions.ts";
import { RandomSource } from "./random.ts";
import { randomConfig } from "./random_config.ts";

/** How much is tried. */
const AMOUNT = {
  /** Steps of the script before each of which the device is saved and restored. */
  STEPS: 40,
  /** Random accesses of a conformance trial. */
  ACCESSES: 2000,
  /** Sequences, and steps of each, that abuse the registers. */
  SEQUENCES: 8,
  LONG: 3000,
  /** Configurations. */
  CONFIGS: 12,
  /** Changed states, and steps after each. */
  STATES: 120,
  SHORT: 40,
} as const;

/** A device that is tried. */
export interface TriedDevice {
  /** The device, wherever it runs. */
  readonly device: AnyDevice;
  /** Its claims as it declares them. */
  readonly needs: NeedsManifest;
  /** The claims that it asked for in its wirings, if it runs in this thread: `line done`, `alarm over`. */
  readonly asked?: ReadonlySet<string>;
  /** Why it was detached, if it was; forgets it. */
  detached(): BulkheadError | undefined;
}

/** Has a device's `wire` watched: which claims it asks for. */
export function watched(device: AnyDevice): { readonly device: AnyDevice; readonly asked: ReadonlySet<string> } {
  const asked = new Set<string>();
  // deno-lint-ignore no-explicit-any
  const wire = (ctx: any) => {
    const noting = (what: string) => (name: string, ...more: unknown[]) => {
      asked.add(`${what} ${name}`);
      return ctx[{ line: "irq", alarm: "alarm", DMA: "dma", interface: "use" }[what]!](name, ...more);
    };
    const watched = { irq: noting("line"), alarm: noting("alarm"), dma: noting("DMA"), use: noting("interface") };
    return device.wire(Object.freeze({ ...ctx, ...watched }));
  };
  return { device: { ...device, wire } as AnyDevice, asked };
}

/** What a device's wiring is, and what can be read at power-on without changing anything. */
export function wiringOf(tried: TriedDevice): TrialAnswer {
  const { device } = tried;
  const wiring = wiringFrom(tried);
  const bench = new Bench(device, {}) as unknown as AnyBench;
  const initial: Record<string, number> = {};
  for (const [region, description] of Object.entries(wiring.regions)) {
    if (!("registers" in description)) continue;
    for (const { name, at, width, kind, readEffect, reads } of description.registers) {
      if (kind === "posted" || (kind === "sync" && (readEffect === true || reads !== true))) continue;
      initial[`${region}/${name}`] = bench.read(region, at, width as Width);
    }
  }
  const failure = tried.detached();
  return { failures: failure === undefined ? [] : [failure.message], tried: 1, wiring, initial };
}

/** The wiring as plain data. */
function wiringFrom({ device, needs }: TriedDevice): WiringDescription {
  let wiring: WiringDescription | undefined;
  // deno-lint-ignore no-explicit-any
  const wire = (ctx: any) => {
    const returned = device.wire(ctx);
    wiring = readWiring(returned, needs).description;
    return returned;
  };
  new Bench({ ...device, wire } as AnyDevice, {});
  return wiring!;
}

/** Tries a device. */
export async function tryDevice(kind: TrialKind, tried: TriedDevice, seed: number): Promise<TrialAnswer> {
  switch (kind) {
    case "wiring":
      return wiringOf(tried);
    case "conformance":
      return await tryConformance(tried, seed);
    case "registers":
      return tryRegisters(tried, seed);
    case "config":
      return tryConfigs(tried, seed);
    case "state":
      return tryStates(tried, seed);
    default:
      throw new TypeError(`a device cannot be tried for ${kind}`);
  }
}

async function tryConformance(tried: TriedDevice, seed: number): Promise<TrialAnswer> {
  const { device, asked } = tried;
  const failures: string[] = [];
  const wiring = wiringFrom(tried);
  const steps = exercise(wiring, device.needs, AMOUNT.STEPS, seed);
  attempt(tried, failures, () => conformance(device, steps, { seed, accesses: AMOUNT.ACCESSES }));
  // The same once more in one go, so that placements can be compared.
  const bench = new Bench(device, {});
  attempt(tried, failures, () => run(bench, exercise(wiring, device.needs, AMOUNT.LONG, seed)));
  const final = JSON.stringify(bench.save().host, (_key, part) => ArrayBuffer.isView(part) ? [...bytesOf(part)] : part);
  return {
    failures,
    tried: AMOUNT.ACCESSES + AMOUNT.LONG + AMOUNT.STEPS,
    trace: await sha256(`${bench.trace.join("\n")}\n${final}`),
    ...(asked === undefined ? {} : { unused: unused(device.needs, asked, wiring) }),
  };
}

function tryRegisters(tried: TriedDevice, seed: number): TrialAnswer {
  const failures: string[] = [];
  const wiring = wiringFrom(tried);
  for (let sequence = 0; sequence < AMOUNT.SEQUENCES && failures.length === 0; sequence++) {
    const bench = new Bench(tried.device, {});
    attempt(tried, failures, () => run(bench, exercise(wiring, tried.device.needs, AMOUNT.LONG, seed + 1 + sequence)));
  }
  return { failures, tried: AMOUNT.SEQUENCES * AMOUNT.LONG };
}

function tryConfigs(tried: TriedDevice, seed: number): TrialAnswer {
  const failures: string[] = [];
  const random = new RandomSource(seed);
  const schema = tried.device.config ?? {};
  const count = Object.keys(schema).length === 0 ? 0 : AMOUNT.CONFIGS;
  const wiring = wiringFrom(tried);
  for (let index = 0; index < count && failures.length === 0; index++) {
    const config = randomConfig(schema, random);
    const options = { config } as BenchOptions;
    attempt(tried, failures, () => {
      try {
        run(new Bench(tried.device, options), exercise(wiring, tried.device.needs, AMOUNT.LONG, seed + index));
      } catch (error) {
        if (error instanceof BulkheadError && error.code === "bad-config") return;
        throw error;
      }
    }, `with the configuration ${JSON.stringify(config)}`);
  }
  return { failures, tried: count };
}

function tryStates(tried: TriedDevice, seed: number): TrialAnswer {
  const failures: string[] = [];
  const random = new RandomSource(seed);
  const { device } = tried;
  const wiring = wiringFrom(tried);
  const steps = exercise(wiring, device.needs, AMOUNT.STATES * 4, seed);
  const bench = new Bench(device, {});
  for (let index = 0; index < AMOUNT.STATES && failures.length === 0; index++) {
    run(bench, steps.slice(index * 4, index * 4 + 4));
    const { saved, what } = forge(bench.save(), random);
    if (what === "") continue;
    attempt(tried, failures, () => {
      const changed = new Bench(device, { saved });
      run(changed, exercise(wiring, device.needs, AMOUNT.SHORT, seed + index));
    }, `after a snapshot with ${what}`);
  }
  return { failures, tried: AMOUNT.STATES };
}

function run(bench: Bench, steps: readonly Step[]): void {
  for (const step of steps) step(bench);
}

/** Notes what a trial threw, or why the device was detached in it. */
function attempt(tried: TriedDevice, failures: string[], run: () => void, when = ""): void {
  let thrown: string | undefined;
  try {
    run();
  } catch (error) {
    thrown = error instanceof BulkheadError ? error.message : whatThrown(error);
  }
  // A device that was detached is the reason for whatever came after.
  const failure = tried.detached()?.message ?? thrown;
  if (failure !== undefined) failures.push(when === "" ? failure : `${failure}, ${when}`);
}

/** Claims without use: lines, alarms, DMA windows and interfaces that `wire` never asked for, and no status register drives. */
function unused(needs: Needs, asked: ReadonlySet<string>, wiring: WiringDescription): string[] {
  const driven = new Set(
    Object.values(wiring.regions).flatMap((region) =>
      "registers" in region ? region.registers.flatMap(({ line }) => line === undefined ? [] : [`line ${line}`]) : []
    ),
  );
  const claims = [
    ...Object.keys(needs.lines ?? {}).map((name) => `line ${name}`),
    ...(needs.alarms ?? []).map((name) => `alarm ${name}`),
    ...Object.keys(needs.dma ?? {}).map((name) => `DMA ${name}`),
    ...Object.keys(needs.uses ?? {}).map((name) => `interface ${name}`),
  ];
  return claims.filter((claim) => !asked.has(claim) && !driven.has(claim));
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
