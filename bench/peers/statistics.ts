/**
 * Ratios of paired measurements, and how far they can be trusted.
 *
 * @module
 */

/** A ratio with its spread. */
export interface Ratio {
  /** Geometric mean over the rounds. */
  readonly mean: number;
  /** Its 95 % confidence interval; absent where there is but one round. */
  readonly interval?: readonly [low: number, high: number];
}

/** 97.5 % quantiles of Student's t distribution for 1, 2, 3... degrees of freedom. */
const STUDENT_T = [
  12.706,
  4.303,
  3.182,
  2.776,
  2.571,
  2.447,
  2.365,
  2.306,
  2.262,
  2.228,
  2.201,
  2.179,
  2.16,
  2.145,
  2.131,
  2.12,
  2.11,
  2.101,
  2.093,
  2.086,
];

/** What the distribution tends to: the normal distribution's quantile. */
const NORMAL = 1.96;

/** The middle value, or the mean of the two in the middle. NaN of no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** The geometric mean. NaN of no values. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}

/**
 * The geometric mean of ratios, one a round, with its 95 % interval. Logarithms of ratios are taken as normally distributed, so that a ratio
 * and its inverse have inverse intervals.
 */
export function pairedRatio(ratios: readonly number[]): Ratio {
  const logs = ratios.map(Math.log);
  const center = mean(logs);
  const freedom = logs.length - 1;
  if (freedom < 1) return { mean: Math.exp(center) };
  const variance = logs.reduce((sum, log) => sum + (log - center) ** 2, 0) / freedom;
  const half = (STUDENT_T[freedom - 1] ?? NORMAL) * Math.sqrt(variance / logs.length);
  return { mean: Math.exp(center), interval: [Math.exp(center - half), Math.exp(center + half)] };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
