/**
 * One run of the benchmark guest, read from what its watcher saw.
 *
 * @module
 */
import type { WatchEvent } from "./events.ts";
import type { ThreadTimes } from "./process_tree.ts";
import { median } from "./statistics.ts";
import { WORKLOADS } from "./workloads.ts";

/** How long the guest rests after it has told that a workload begins, in milliseconds: `SETTLE` in `bench/guest/init.c`. */
export const SETTLE = 20;

/** The guest's clock and the host's may differ by this share... */
const CLOCK_TOLERANCE = 0.05;

/** ...and by this many milliseconds, which the host's stamps may come late on a busy machine. */
const STAMP_TOLERANCE = 15;

/** One execution of a workload. Times are in milliseconds. */
export interface Measurement {
  /** CPU time of the thread that worked most. */
  readonly cpu: number;
  /** CPU time of all threads. */
  readonly allCpu: number;
  /** Between the markers, by the host's clock. */
  readonly wall: number;
  /** By the guest's clock. */
  readonly guest: number;
}

/** A whole run. */
export interface Run {
  /** From the start of the system's process to the guest's first program, in milliseconds. */
  readonly boot?: { readonly wall: number; readonly cpu: number };
  /** By workload name. Of several executions in one run, the median of each time. */
  readonly workloads: Readonly<Record<string, Measurement>>;
  /** CPU time of all threads from start to end, in milliseconds. */
  readonly totalCpu: number;
  /** From start to end by the host's clock, in milliseconds. */
  readonly wall: number;
  /** Memory over the run, in bytes, and when it was looked at, in milliseconds. */
  readonly memory: readonly { readonly at: number; readonly bytes: number }[];
  /** Sentences on clocks that disagree. */
  readonly warnings: readonly string[];
  /** Why the run does not count as a whole: it ended before all was done, or a result is wrong. */
  readonly failure?: string;
}

interface Stamp {
  readonly at: number;
  readonly threads: ThreadTimes;
}

/** Reads a run. @param names The workloads that it should have run. */
export function readTranscript(events: readonly WatchEvent[], names: readonly string[]): Run {
  const executions: Record<string, Measurement[]> = {};
  const warnings: string[] = [];
  const wrong: string[] = [];
  const memory: { at: number; bytes: number }[] = [];
  const console: string[] = [];
  let boot: Run["boot"];
  let begin: (Stamp & { name: string }) | undefined;
  let total = 0, wall = 0;
  let done = false;
  let failure: string | undefined;

  for (const event of events) {
    wall = event.at;
    switch (event.kind) {
      case "text":
        console.push(event.text);
        break;
      case "memory":
        memory.push({ at: event.at, bytes: event.bytes });
        break;
      case "limit":
        failure ??= "it was not done in time";
        break;
      case "end":
        if (!done) {
          failure ??= `it ended with exit code ${event.code}: ${
            lastLine(event.errors) ?? lastLine(console.join("\n"))
          }`;
        }
        break;
      case "marker": {
        total = event.total;
        const [name = "", what, ...values] = event.text.slice(2).trim().split(" ");
        if (name === "ready") boot ??= { wall: event.at, cpu: busiest({}, event.threads) };
        else if (name === "done") done = true;
        else if (name === "failed") failure ??= `the guest reported: ${event.text.slice(2)}`;
        else if (what === "begin") begin = { name, at: event.at, threads: event.threads };
        else if (what === "result") checkResult(name, values[0]!, wrong);
        else if (what === "end" && begin?.name === name) {
          const [result, guest] = [values[0]!, Number(values[1])];
          if (result !== "-") checkResult(name, result, wrong);
          const measured: Measurement = {
            cpu: busiest(begin.threads, event.threads),
            allCpu: all(begin.threads, event.threads),
            wall: event.at - begin.at - SETTLE,
            guest,
          };
          (executions[name] ??= []).push(measured);
          checkClocks(name, measured, warnings);
        }
      }
    }
  }
  const workloads = Object.fromEntries(
    Object.entries(executions).map(([name, measured]) => [name, middle(measured)]),
  );
  if (wrong.length > 0) failure ??= wrong.join("; ");
  const missing = names.filter((name) => !(name in workloads));
  if (missing.length > 0 && done) failure ??= `the guest did not run ${missing.join(", ")}`;
  return {
    ...(boot === undefined ? {} : { boot }),
    workloads,
    totalCpu: total,
    wall,
    memory,
    warnings,
    ...(failure === undefined ? {} : { failure }),
  };
}

function checkResult(name: string, result: string, wrong: string[]): void {
  const expected = WORKLOADS[name];
  if (result !== expected) wrong.push(`${name} computed ${result}, expected ${expected}`);
}

function checkClocks(name: string, { wall, guest }: Measurement, warnings: string[]): void {
  const difference = Math.abs(wall - guest);
  if (difference <= STAMP_TOLERANCE || difference <= wall * CLOCK_TOLERANCE) return;
  warnings.push(`${name} took ${guest.toFixed(0)} ms by the guest's clock and ${wall.toFixed(0)} ms by the host's`);
}

/** CPU time of the thread that worked most, in milliseconds. */
function busiest(before: ThreadTimes, after: ThreadTimes): number {
  return Math.max(0, ...differences(before, after)) / 1e6;
}

function all(before: ThreadTimes, after: ThreadTimes): number {
  return differences(before, after).reduce((sum, time) => sum + time, 0) / 1e6;
}

function differences(before: ThreadTimes, after: ThreadTimes): number[] {
  return Object.entries(after).map(([thread, time]) => time - (before[thread] ?? 0));
}

function middle(measured: readonly Measurement[]): Measurement {
  const of = (key: keyof Measurement) => median(measured.map((one) => one[key]));
  return { cpu: of("cpu"), allCpu: of("allCpu"), wall: of("wall"), guest: of("guest") };
}

function lastLine(text: string): string | undefined {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").at(-1);
}
