/**
 * The conformance kit: what every device must hold, tested without a machine.
 *
 * @module
 */

import { Bench, type BenchOptions, type BenchState } from "./bench.ts";
import type { MmioClaim, Needs, PortClaim, Width } from "./claims.ts";
import type { ConfigSchema } from "./config.ts";
import type { AnyDevice, Device } from "./contract.ts";
import { BulkheadError } from "./error.ts";
import { overPci } from "../virtio/over_pci.ts";

/** A step of a script: something that the guest or the world does. It may assert. */
export type Step<S extends object = object, N extends Needs = Needs, L extends string = string> = (
  bench: Bench<S, N, L>,
) => void;

/** How much to try. */
export interface ConformanceOptions<C extends ConfigSchema = ConfigSchema, N extends Needs = Needs>
  extends Omit<BenchOptions<C, N>, "saved"> {
  /** Random accesses; 3000 if absent. */
  readonly accesses?: number;
  /** Where the random sequence starts; 1 if absent. */
  readonly seed?: number;
}

/** What was tried. */
export interface ConformanceReport {
  /** Points of the script at which the device was saved and restored. */
  readonly cuts: number;
  /** Random accesses that were made. */
  readonly accesses: number;
}

/** Random accesses between two restores. */
const RESTORE_INTERVAL = 151;
/** Offsets of a large region that are tried: its first ones, and any. */
const DENSE_OFFSETS = 256;

/**
 * Tests a device against the contract:
 * - saved and restored before every step of the script, it does what it does when nobody touches it: all of its state
 *   is in its state object;
 * - equal inputs have equal results: it asks nobody but the clock it was given;
 * - its state is plain data;
 * - random accesses of every width to every region and to PCI configuration space, random inputs and passing time never make it throw or ring alarms
 *   without end, and restores in between change nothing.
 *
 * @param device The device.
 * @param script Steps that take the device through what it can do.
 * @param options Its configuration and surroundings, and how much to try.
 * @throws {BulkheadError} What does not hold, and after which step.
 *
 * @example
 * ```ts
 * import { conformance } from "./conformance.ts";
 * import { device } from "./contract.ts";
 *
 * const tally = device({
 *   id: "acme/tally",
 *   api: 1,
 *   version: 1,
 *   needs: { ports: { io: { base: 0x510, size: 1 } } },
 *   state: () => ({ writes: 0 }),
 *   wire: ({ state }) => ({
 *     regions: {
 *       io: [{ name: "TALLY", at: 0, width: 1, kind: "sync", read: () => state.writes, write: () => ++state.writes }],
 *     },
 *   }),
 * });
 *
 * conformance(tally, [
 *   (bench) => bench.write("io", 0, 1),
 *   (bench) => bench.read("io", 0),
 * ]);
 * ```
 */
export function conformance<
  S extends object,
  C extends ConfigSchema,
  N extends Needs,
  L extends Readonly<Record<string, number>>,
>(
  device: Device<S, C, N, L>,
  script: readonly Step<S, N, keyof L & string>[],
  options: ConformanceOptions<C, N> = {},
): ConformanceReport {
  const any = device as AnyDevice;
  const steps = script as unknown as readonly Step[];
  const setup = options as BenchOptions;
  const straight = run(any, steps, setup, () => false);
  expectEqual(any, straight, run(any, steps, setup, () => false), {
    code: "not-deterministic",
    expected: "equal inputs to have equal results",
    remedy: "use no time but now(), no randomness, and no variables outside of state",
  });
  for (let cut = 0; cut <= steps.length; cut++) {
    expectEqual(any, straight, run(any, steps, setup, (step) => step === cut), hidden(`before step ${cut + 1}`));
  }
  const accesses = options.accesses ?? 3000;
  const random = randomSteps(overPci(any, "device").needs, accesses, options.seed ?? 1);
  const undisturbed = run(any, random, setup, () => false);
  const restored = run(any, random, setup, (step) => step % RESTORE_INTERVAL === 0);
  expectEqual(any, undisturbed, restored, hidden(`every ${RESTORE_INTERVAL} random accesses`));
  return { cuts: steps.length + 1, accesses };
}

interface Result {
  readonly trace: readonly string[];
  readonly final: string;
}

interface Complaint {
  readonly code: string;
  readonly expected: string;
  readonly remedy: string;
}

const hidden = (when: string): Complaint => ({
  code: "hidden-state",
  expected: `the same after a save and a restore ${when}`,
  remedy: "keep everything that changes in state or in latches, and let wire() change nothing",
});

/** Runs the steps; where `restores` says so, the device is saved and goes on on a fresh bench. */
function run(
  device: AnyDevice,
  steps: readonly Step[],
  options: BenchOptions,
  restores: (step: number) => boolean,
): Result {
  let bench = new Bench(device, options);
  const trace: string[] = [];
  const restore = () => {
    const saved = plainSave(device, bench);
    trace.push(...bench.trace);
    bench = new Bench(device, { ...options, saved });
  };
  steps.forEach((step, index) => {
    if (restores(index)) restore();
    try {
      step(bench);
    } catch (error) {
      if (error instanceof Error && error.name === "AssertionError") throw error;
      throw new BulkheadError({
        code: "device-threw",
        subject: `device ${device.id}`,
        where: `step ${index + 1}${labels.has(step) ? `, ${labels.get(step)}` : ""}`,
        expected: "no error",
        found: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
        remedy: "a guest may do anything: answer it, or ignore it and log it",
      }, { cause: error });
    }
  });
  if (restores(steps.length)) restore();
  return { trace: [...trace, ...bench.trace], final: canonical(plainSave(device, bench)) };
}

function expectEqual(device: AnyDevice, straight: Result, other: Result, complaint: Complaint): void {
  const at = straight.trace.findIndex((line, index) => line !== other.trace[index]);
  let found: string | undefined;
  if (at >= 0) {
    found = `"${other.trace[at] ?? "nothing"}" instead of "${straight.trace[at]}"`;
  } else if (other.trace.length > straight.trace.length) {
    found = `"${other.trace[straight.trace.length]}" in addition`;
  } else if (straight.final !== other.final) {
    let index = 0;
    while (straight.final[index] === other.final[index]) index++;
    const around = (text: string) => text.slice(Math.max(0, index - 40), index + 40);
    found = `a final state with ...${around(other.final)}... instead of ...${around(straight.final)}...`;
  }
  if (found !== undefined) throw new BulkheadError({ subject: `device ${device.id}`, found, ...complaint });
}

function plainSave(device: AnyDevice, bench: Bench): BenchState {
  const problem = notPlain(bench.state, "state");
  if (problem !== undefined) {
    throw new BulkheadError({
      code: "state-not-plain",
      subject: `device ${device.id}`,
      expected: "objects, arrays, typed arrays, finite numbers, text, booleans and null",
      found: problem,
      remedy: "keep only plain data in state",
    });
  }
  return bench.save();
}

function notPlain(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean" || ArrayBuffer.isView(value)) return;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `${value} in ${path}`;
  if (typeof value !== "object") return `a ${typeof value} in ${path}`;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) {
    return `a ${value.constructor?.name ?? "strange object"} in ${path}`;
  }
  for (const [name, part] of Object.entries(value)) {
    const problem = notPlain(part, `${path}.${name}`);
    if (problem !== undefined) return problem;
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part) => ArrayBuffer.isView(part) ? [...part as Uint8Array] : part);
}

/** What random steps do, for errors. */
const labels = new WeakMap<Step, string>();

function randomSteps(needs: Needs, count: number, seed: number): Step[] {
  const regions = Object.entries<PortClaim | MmioClaim>({ ...needs.ports, ...needs.mmio });
  const inputs = needs.inputs ?? [];
  const random = randomSource(seed);
  const steps: Step[] = [];
  const add = (label: string, step: Step) => {
    labels.set(step, label);
    steps.push(step);
  };
  while (steps.length < count) {
    const choice = random(16);
    if (choice === 0 || regions.length === 0) {
      // Mostly short times, sometimes one in which much happens.
      const nanoseconds = random(random(32) === 0 ? 20_000_000 : 200_000);
      add(`${nanoseconds} ns pass`, (bench) => bench.advance(nanoseconds));
    } else if (choice <= 2 && inputs.length > 0) {
      const name = inputs[random(inputs.length)]!;
      const level = random(2) === 1;
      add(`input ${name} ${level ? "high" : "low"}`, (bench) => bench.input(name as never, level));
    } else if (choice === 3 && needs.pci !== undefined) {
      const width = 1 << random(3) as Width, register = random(0x100 / width) * width;
      const value = random(2) === 0 ? undefined : random(2 ** (8 * width));
      add(`access of ${width} at configuration+${register}`, (bench) => {
        if (value === undefined) bench.configurationRead(register, width);
        else bench.configurationWrite(register, value, width);
      });
    } else {
      const [region, { size }] = regions[random(regions.length)]!;
      const offset = random(random(2) === 0 ? Math.min(size, DENSE_OFFSETS) : size);
      const width = 1 << random(3) as Width;
      if (random(2) === 0) {
        add(`read of ${width} at ${region}+${offset}`, (bench) => void bench.read(region as never, offset, width));
      } else {
        const value = random(2 ** 32) >>> random(25);
        add(
          `write of ${value.toString(16)}h, width ${width}, at ${region}+${offset}`,
          (bench) => bench.write(region as never, offset, value, width),
        );
      }
    }
  }
  return steps;
}

/** A reproducible source of integers below a bound (xorshift, Marsaglia 2003). */
function randomSource(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor((state >>> 0) / 2 ** 32 * below);
  };
}
