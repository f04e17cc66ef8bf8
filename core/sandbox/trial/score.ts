/**
 * A plugin's score: points for what was seen to hold, never for what its author says of it.
 *
 * @module
 */

/** Something that holds, or does not. */
export interface Criterion {
  /** What it is, in a few words. */
  readonly name: string;
  /** The points that it is worth. */
  readonly worth: number;
  /** The points that it got, 0 to `worth`. */
  readonly points: number;
  /** A plugin without it should not be published: the check fails. */
  readonly required: boolean;
  /** What was seen. */
  readonly found: string;
  /** What would bring the missing points. */
  readonly raise?: string;
}

/** The points of all criteria, as a whole number out of 100. */
export function score(criteria: readonly Criterion[]): number {
  const worth = criteria.reduce((sum, criterion) => sum + criterion.worth, 0);
  const points = criteria.reduce((sum, criterion) => sum + criterion.points, 0);
  // Not all of what is missing may be rounded away.
  return worth === 0 ? 0 : Math.floor(points / worth * 100);
}

/** A criterion that got all of its points, or none of them. */
export function allOrNothing(
  name: string,
  worth: number,
  problems: readonly string[],
  { holds, raise, required = false }: { holds: string; raise: string; required?: boolean },
): Criterion {
  if (problems.length === 0) return { name, worth, points: worth, required, found: holds };
  return { name, worth, points: 0, required, found: problems.join("; "), raise };
}

/** The criteria as a table for people. */
export function scoreTable(subject: string, criteria: readonly Criterion[]): string {
  const width = Math.max(...criteria.map(({ name }) => name.length));
  const rows = criteria.map(({ name, worth, points, found, raise }) => {
    const mark = points === worth ? "ok" : points === 0 ? "--" : "..";
    const row = `${mark}  ${`${points}/${worth}`.padStart(5)}  ${name.padEnd(width)}  ${found}`;
    return raise === undefined || points === worth ? row : `${row}\n${" ".repeat(11)}to raise it: ${raise}`;
  });
  return `${subject}\n\n${rows.join("\n")}\n\nscore: ${score(criteria)} of 100\n`;
}
