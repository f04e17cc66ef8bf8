/**
 * The table by which an owner decides: what each plugin is, where it came from, and what it may do to what, and why.
 *
 * @module
 */
import type { BoundPlugin } from "./bound_plugin.ts";
import { type Difference, rightText } from "./difference.ts";
import type { AgreedTerms } from "./lock.ts";
import { describePlacement } from "./placement.ts";
import { columns, printable, wrapped } from "./printable.ts";

/** Columns of the whole: every terminal has them. */
const WIDTH = 80;

/** Columns of right, bound value and reason, with two between them and before the first. */
const CELLS = [20, 28, 24] as const;

/** Kinds of back end whose names are not their words. */
const KINDS: Readonly<Record<string, string>> = { fileShare: "file share" };

/** One plugin of a table. */
export interface TableEntry {
  /** The plugin. */
  readonly plugin: BoundPlugin;
  /** What it asks for. */
  readonly terms: AgreedTerms;
  /** What is new in that, if something was agreed to before. */
  readonly before: Difference | undefined;
}

/** The table, in plain text. Ends with a line end. */
export function rightsTable(entries: readonly TableEntry[]): string {
  return entries.map(entryText).join("\n");
}

function entryText({ plugin, terms, before }: TableEntry): string {
  const { name, manifest, origin, content, placement } = plugin;
  const { id, version } = manifest;
  const what = manifest.kind === "device" ? "device" : `${KINDS[manifest.provides] ?? manifest.provides} back end`;
  const lines = [
    ...field("plugin", `${id}, version ${version}: ${what} "${name}", ${describePlacement(placement)}`),
    ...field("origin", printable(origin)),
    ...field("content", content),
    ...row(["RIGHT", "BOUND TO", "REASON"]),
    ...Object.entries(terms.rights).flatMap(([placeholder, right]) =>
      row([`${rightText(right)} "${placeholder}"`, printable(right.value), printable(right.why)])
    ),
  ];
  if (placement === "inline") {
    lines.push(...row(["run unconfined", "the virtual CPU's thread", "its placement is inline"]));
  }
  if (before !== undefined) {
    lines.push("  This differs from what was agreed to before:");
    for (const line of before.lines) lines.push(...indented(line, "    "));
  }
  return lines.join("\n") + "\n";
}

function field(label: string, text: string): string[] {
  const indent = 9;
  return wrapped(text, WIDTH - indent).map((line, index) => (index === 0 ? label : "").padEnd(indent) + line);
}

function indented(text: string, indent: string): string[] {
  return wrapped(text, WIDTH - indent.length - 2).map((line, index) => indent + (index === 0 ? "" : "  ") + line);
}

function row(cells: readonly [string, string, string]): string[] {
  const broken = cells.map((cell, index) => wrapped(cell, CELLS[index]!));
  const height = Math.max(...broken.map((lines) => lines.length));
  return Array.from({ length: height }, (_row, line) => {
    const padded = broken.map((lines, index) => {
      const text = lines[line] ?? "";
      return text + " ".repeat(CELLS[index]! - columns(text));
    });
    return `  ${padded.join("  ")}`.trimEnd();
  });
}
