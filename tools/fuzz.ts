/**
 * Runs random programs on two virtual CPUs and compares all of their state, until they differ or time is up.
 *
 * `--seconds N` or `--cases N` (60 seconds if neither), `--seed S` (1), `--translate-after N`: an interpreter against a translator that
 * takes code for hot after so many executions; without it, one interpreter in long stretches against one in short stretches. `--findings
 * N`: goes on until so many programs have differed (1). Exits with 1 if any did.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { cut, Fuzzer, long, report } from "../core/engine/fuzz/fuzzer.ts";

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
const most = number("findings") ?? 1;

const fuzzer = after === undefined ? new Fuzzer(long(), cut("short")) : new Fuzzer(long(), cut("mixed", { after }));
const begin = performance.now();
const progress = Deno.stderr.isTerminal();
const text = new TextEncoder();
let findings = 0, shown = begin;

/** What was done so far. */
function summary(): string {
  const elapsed = (performance.now() - begin) / 1000;
  const { cases, instructions, translated } = fuzzer;
  const share = translated === undefined ? "" : `, ${translated.toFixed(1)} % translated`;
  return `${cases} programs in ${elapsed.toFixed(1)} s, ${(cases / elapsed).toFixed(1)} a second, ${
    Math.round(instructions / Math.max(1, cases))
  } instructions each${share}; ${findings} differed`;
}

for (let seed = first; fuzzer.cases < cases && findings < most; seed++) {
  const now = performance.now();
  if (now - begin >= seconds * 1000) break;
  if (progress && now - shown > 500) {
    shown = now;
    Deno.stderr.writeSync(text.encode(`\r\x1b[K${summary()}`));
  }
  const finding = fuzzer.run(seed);
  if (finding === undefined) continue;
  findings++;
  if (progress) Deno.stderr.writeSync(text.encode("\r\x1b[K"));
  console.log(report(finding));
}
if (progress) Deno.stderr.writeSync(text.encode("\r\x1b[K"));
console.log(`Seeds from ${first}: ${summary()}.`);
Deno.exit(findings > 0 ? 1 : 0);
