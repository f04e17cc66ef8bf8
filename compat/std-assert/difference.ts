/**
 * Shows two texts side by side, line by line.
 *
 * @module
 */
import { styleText } from "node:util";

type Line = { kind: "same" | "actual" | "expected"; text: string };

/** Above this many cells the table of common subsequences is not worth its time; the stretch is shown whole. */
const TABLE_LIMIT = 4_000_000;

/** Unchanged lines shown around a change. */
const CONTEXT = 3;

function lines(kind: Line["kind"], texts: string[]): Line[] {
  return texts.map((text) => ({ kind, text }));
}

/** The lines of both texts in order, by a longest common subsequence. */
function align(actual: string[], expected: string[]): Line[] {
  let head = 0;
  while (head < actual.length && head < expected.length && actual[head] === expected[head]) head++;
  let tail = 0;
  const longest = Math.min(actual.length, expected.length) - head;
  while (tail < longest && actual.at(-1 - tail) === expected.at(-1 - tail)) tail++;
  return [
    ...lines("same", actual.slice(0, head)),
    ...changed(actual.slice(head, actual.length - tail), expected.slice(head, expected.length - tail)),
    ...lines("same", actual.slice(actual.length - tail)),
  ];
}

function changed(actual: string[], expected: string[]): Line[] {
  const width = expected.length + 1;
  if (width * (actual.length + 1) > TABLE_LIMIT) return [...lines("actual", actual), ...lines("expected", expected)];
  const common = new Uint32Array(width * (actual.length + 1));
  const at = (a: number, e: number) => common[a * width + e]!;
  for (let a = actual.length - 1; a >= 0; a--) {
    for (let e = expected.length - 1; e >= 0; e--) {
      common[a * width + e] = actual[a] === expected[e] ? at(a + 1, e + 1) + 1 : Math.max(at(a + 1, e), at(a, e + 1));
    }
  }
  const result: Line[] = [];
  let [a, e] = [0, 0];
  while (a < actual.length && e < expected.length) {
    if (actual[a] === expected[e]) {
      result.push({ kind: "same", text: actual[a]! });
      a++;
      e++;
    } else if (at(a + 1, e) >= at(a, e + 1)) {
      result.push({ kind: "actual", text: actual[a++]! });
    } else {
      result.push({ kind: "expected", text: expected[e++]! });
    }
  }
  return [...result, ...lines("actual", actual.slice(a)), ...lines("expected", expected.slice(e))];
}

const paint = (format: Parameters<typeof styleText>[0], text: string) =>
  Deno.noColor ? text : styleText(format, text, { validateStream: false });

/** What differs, with a few lines around each change: `-` is only in `actual`, `+` only in `expected`. */
export function difference(actual: string, expected: string): string {
  const all = align(actual.split("\n"), expected.split("\n"));
  const shown = new Set<number>();
  all.forEach((line, index) => {
    if (line.kind === "same") return;
    for (let near = index - CONTEXT; near <= index + CONTEXT; near++) shown.add(near);
  });
  const text = [`\n\n    [Diff] ${paint("red", "Actual")} / ${paint("green", "Expected")}\n\n`];
  all.forEach((line, index) => {
    if (!shown.has(index)) {
      if (shown.has(index - 1) || index === 0) text.push(paint("gray", "    ... unchanged\n"));
    } else if (line.kind === "same") text.push(`    ${line.text}\n`);
    else if (line.kind === "actual") text.push(paint("red", `-   ${line.text}`) + "\n");
    else text.push(paint("green", `+   ${line.text}`) + "\n");
  });
  return text.join("");
}
