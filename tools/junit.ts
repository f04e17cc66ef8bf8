/**
 * Counts the tests of a JUnit report as `deno test --junit-path` writes it.
 *
 * @module
 */

/** How many tests had which outcome. */
export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

const ENTITY: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function unescape(text: string): string {
  return text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITY[entity]!);
}

/** The outcome of a report. A step of a test is reported as a test named `test > step`; it is not counted by itself. */
export function countTests(report: string): Outcome {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0 };
  for (const [, suite = ""] of report.matchAll(/<testsuite\b(.*?)<\/testsuite>/gs)) {
    const cases = [...suite.matchAll(/<testcase name="(.*?)".*?>(.*?)<\/testcase>/gs)];
    const names = new Set(cases.map(([, name = ""]) => unescape(name)));
    for (const [, name = "", body = ""] of cases) {
      if (isStep(unescape(name), names)) continue;
      if (/<skipped\b/.test(body)) outcome.skipped++;
      else if (/<(failure|error)\b/.test(body)) outcome.failed++;
      else outcome.passed++;
    }
  }
  return outcome;
}

function isStep(name: string, names: ReadonlySet<string>): boolean {
  for (let at = name.indexOf(" > "); at >= 0; at = name.indexOf(" > ", at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}

/** The closing line of a run. */
export function closingLine({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
