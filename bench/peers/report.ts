/**
 * What a comparison found, as a value and as text.
 *
 * @module
 */
import { type SystemName, TITLES } from "./systems.ts";
import { geometricMean, median, pairedRatio, type Ratio } from "./statistics.ts";
import type { Run } from "./transcript.ts";

/** One round: every system once, close together in time. */
export type Round = Readonly<Partial<Record<SystemName, Run>>>;

/** A line of the table. */
export interface Row {
  readonly name: string;
  /** Median over the rounds, in the row's unit; absent where a system never got there. */
  readonly values: Readonly<Partial<Record<SystemName, number>>>;
  /** How many times as fast as each other system the first one is; for memory, how many times as small. */
  readonly ratios: Readonly<Partial<Record<SystemName, Ratio>>>;
}

/** The whole comparison. */
export interface Summary {
  /** CPU milliseconds of the thread that worked most. */
  readonly workloads: readonly Row[];
  /** The workloads' geometric mean; it has no values. */
  readonly geometricMean: Row;
  readonly boot: readonly Row[];
  /** Milliseconds of CPU, milliseconds by the clock and bytes of the whole run. */
  readonly whole: readonly Row[];
}

/** Takes a comparison together. The first of the systems is compared with each of the others. */
export function summarize(rounds: readonly Round[], systems: readonly SystemName[], names: readonly string[]): Summary {
  const row = (name: string, value: (run: Run) => number | undefined): Row => {
    const perRound = rounds.map((round) =>
      Object.fromEntries(systems.map((system) => [system, round[system] && value(round[system])]))
    );
    const values = Object.fromEntries(systems.flatMap((system) => {
      const found = perRound.map((one) => one[system]).filter((one) => one !== undefined);
      return found.length === 0 ? [] : [[system, median(found)]];
    }));
    const ratios = ratiosTo(systems, (other) =>
      perRound.flatMap((one) => {
        const [mine, theirs] = [one[systems[0]!], one[other]];
        return mine === undefined || theirs === undefined ? [] : [theirs / mine];
      }));
    return { name, values, ratios };
  };
  const finished = (value: (run: Run) => number) => (run: Run) => run.failure === undefined ? value(run) : undefined;
  return {
    workloads: names.map((name) => row(name, (run) => run.workloads[name]?.cpu)),
    geometricMean: {
      name: "geometric mean",
      values: {},
      ratios: ratiosTo(systems, (other) => rounds.flatMap((round) => roundMean(round, systems[0]!, other, names))),
    },
    boot: [
      row("boot, CPU ms", (run) => run.boot?.cpu),
      row("boot, ms", (run) => run.boot?.wall),
    ],
    whole: [
      row("all, ms", finished((run) => run.wall)),
      row("all threads, CPU ms", finished((run) => run.totalCpu)),
      row("peak memory, MB", (run) => run.memory.length === 0 ? undefined : peakOf(run) / 1e6),
    ],
  };
}

const peakOf = (run: Run) => Math.max(...run.memory.map(({ bytes }) => bytes));

/** The geometric mean of one round's ratios, if both systems ran every workload: means over different workloads cannot be compared. */
function roundMean(round: Round, subject: SystemName, other: SystemName, names: readonly string[]): number[] {
  const ratios = names.map((name) =>
    (round[other]?.workloads[name]?.cpu ?? NaN) / (round[subject]?.workloads[name]?.cpu ?? NaN)
  );
  return ratios.some(Number.isNaN) ? [] : [geometricMean(ratios)];
}

function ratiosTo(systems: readonly SystemName[], ratiosOf: (other: SystemName) => readonly number[]): Row["ratios"] {
  return Object.fromEntries(
    systems.slice(1).flatMap((other) => {
      const ratios = ratiosOf(other);
      return ratios.length === 0 ? [] : [[other, pairedRatio(ratios)]];
    }),
  );
}

/** The comparison as a table of text. */
export function table(summary: Summary, systems: readonly SystemName[]): string {
  const [subject, ...others] = systems;
  const header = ["CPU ms", ...systems.map((system) => TITLES[system])];
  for (const other of others) header.push(`${TITLES[other]} / ${TITLES[subject!]}`, "95 %");
  const line = ({ name, values, ratios }: Row) => [
    name,
    ...systems.map((system) => values[system] === undefined ? "-" : number(values[system])),
    ...others.flatMap((other) => [ratios[other] ? ratios[other].mean.toFixed(2) : "-", interval(ratios[other])]),
  ];
  const blocks = [summary.workloads, [{ ...summary.geometricMean, values: {} }], summary.boot, summary.whole];
  const cells = [header, ...blocks.flatMap((rows) => [[], ...rows.map(line)])];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) => row.map((cell, at) => at === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[at]!)).join("  "))
    .join("\n");
}

function number(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function interval(ratio: Ratio | undefined): string {
  return ratio?.interval ? ratio.interval.map((bound) => bound.toFixed(2)).join(" to ") : "-";
}
