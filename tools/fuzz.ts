/**
 * Runs random programs on two virtual CPUs and compares all of their state, until they differ or time is up.
 *
 * `--seconds N` or `--cases N` (60 seconds if neither), `--seed S` (1), `--translate-after N`: an interpreter against a translator that
 * takes code for hot after so many executions; without it, one interpreter in long stretches against one in short stretches. `--findings
 * N`: goes on until so many programs have differed (1). Exits with 1 if any did, or one did not end.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { programText } from "../core/engine/fuzz/fuzzer.ts";
import { scenario } from "../core/engine/fuzz/scenario.ts";
import type { FuzzNews, FuzzTask } from "./fuzz_worker.ts";

const OPTIONS = ["seconds", "cases", "seed", "translate-after", "findings"] as const;

const given = parseArgs(Deno.args, {
  string: OPTIONS,
  unknown: (argument) => refuse(`"${argument}" is not an option of this task`),
});

/** A whole number from the command line. */
function number(name: typeof OPTIONS[number]): number | undefined {
  const text = given[name];
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) refuse(`--${name} takes a whole number, and "${text}" is none`);
  return Number(text);
}

function refuse(why: string): never {
  console.error(`${why}. Options: ${OPTIONS.map((option) => `--${option} N`).join(", ")}.`);
  Deno.exit(2);
}

const after = number("translate-after");
const cases = number("cases") ?? Infinity;
const seconds = number("seconds") ?? (cases === Infinity ? 60 : Infinity);
const first = number("seed") ?? 1;
const findings = number("findings") ?? 1;

/** Milliseconds after which a program that has not ended never will: one takes a hundredth of this at most. */
const PATIENCE = 60_000;

const beat = new Int32Array(new SharedArrayBuffer(8));
const progress = Deno.stderr.isTerminal();
const text = new TextEncoder();

/** Replaces the line of progress. */
function show(line: string): void {
  if (progress) Deno.stderr.writeSync(text.encode(`\r\x1b[K${line}`));
}

const worker = new Worker(new URL("./fuzz_worker.ts", import.meta.url), { type: "module" });
worker.addEventListener("message", ({ data: { kind, text, findings } }: MessageEvent<FuzzNews>) => {
  show(kind === "progress" ? text : "");
  if (kind !== "progress") console.log(text);
  if (kind === "end") Deno.exit(findings > 0 ? 1 : 0);
});
worker.addEventListener("error", (event) => {
  event.preventDefault();
  show("");
  console.log(`seed ${Atomics.load(beat, 0)}: ${event.message}`);
  Deno.exit(1);
});
worker.postMessage({ first, cases, seconds, findings, after, beat } satisfies FuzzTask);

let last = -1, since = performance.now();
setInterval(() => {
  const now = performance.now(), count = Atomics.load(beat, 1);
  if (count !== last) {
    last = count;
    since = now;
  } else if (now - since > PATIENCE) {
    show("");
    const seed = Atomics.load(beat, 0);
    console.log(`seed ${seed} does not end. The program of the seed, not shrunk:\n${programText(scenario(seed))}`);
    Deno.exit(1);
  }
}, 1000);
