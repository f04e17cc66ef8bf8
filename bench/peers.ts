/**
 * Bulkhead beside its peers: the same Linux with the same 28 workloads under Bulkhead, v86 and QEMU's TCG, in turns.
 *
 * Other work on the host slows one system's turn more than another's, so what is compared is the CPU time of each system's busiest thread,
 * in pairs of one round.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import { BulkheadError } from "../mod.ts";
import { linesOf, type WatchedCommand, type WatchEvent } from "./peers/events.ts";
import { buildGuest } from "./peers/guest.ts";
import { type Round, summarize, table } from "./peers/report.ts";
import { commandOf, describe, type SystemCommand, type SystemName, SYSTEMS, TITLES } from "./peers/systems.ts";
import { readTranscript, type Run } from "./peers/transcript.ts";
import { WORKLOADS } from "./peers/workloads.ts";

const HELP = `deno task bench [options]

--rounds N       how often each system runs (default 3)
--only A,B       these workloads, of ${Object.keys(WORKLOADS).join(" ")}
--systems A,B    these systems, of ${SYSTEMS.join(", ")}; the first is compared with the others
--engine NAME    Bulkhead's engine
--loops N        run the workloads N times in one guest; the median counts
--limit SECONDS  for one run of one system (default 900)
--json           print everything as JSON`;

interface Options {
  readonly rounds: number;
  readonly loops: number;
  readonly limit: number;
  readonly names: readonly string[];
  readonly systems: readonly SystemName[];
  readonly engine?: string;
  readonly json: boolean;
}

function readOptions(argv: readonly string[]): Options {
  const args = parseArgs([...argv], {
    string: ["rounds", "only", "systems", "engine", "loops", "limit"],
    boolean: ["json"],
    default: { rounds: "3", loops: "1", limit: "900" },
    unknown: (option) => {
      throw usage(option, "an option of `deno task bench --help`", "another word");
    },
  });
  const known = Object.keys(WORKLOADS);
  const chosen = args.only === undefined ? known : choices(args.only, "--only", known);
  return {
    rounds: count(args.rounds, "--rounds"),
    loops: count(args.loops, "--loops"),
    limit: count(args.limit, "--limit"),
    // In the order in which the guest runs them.
    names: known.filter((name) => chosen.includes(name)),
    systems: args.systems === undefined ? SYSTEMS : choices(args.systems, "--systems", SYSTEMS),
    ...(args.engine === undefined ? {} : { engine: args.engine }),
    json: args.json,
  };
}

function choices<Name extends string>(text: string, option: string, known: readonly Name[]): Name[] {
  return [...new Set(text.split(","))].map((word) => {
    const name = known.find((name) => name === word);
    if (name === undefined) {
      throw usage(option, `some of ${known.join(", ")}, with commas between`, JSON.stringify(word));
    }
    return name;
  });
}

function count(text: string, option: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw usage(option, "a whole number from 1", JSON.stringify(text));
  return Number(text);
}

function usage(subject: string, expected: string, found: string): BulkheadError {
  return new BulkheadError({ code: "usage", subject, expected, found, remedy: "see `deno task bench --help`" });
}

/** Runs a system under a watcher, and reads what that saw. */
async function run(command: SystemCommand, { names, limit }: Options, progress: (text: string) => void): Promise<Run> {
  const environment: Record<string, string> = {};
  for (const name of ["HOME", "PATH", "XDG_CACHE_HOME", "TMPDIR"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) environment[name] = value;
  }
  const watched: WatchedCommand = { ...command, env: { ...environment, ...command.env }, limit };
  // Only with every right may Deno read what Linux tells of other processes; the watcher does nothing else.
  const watcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", fromFileUrl(new URL("./peers/watcher.ts", import.meta.url)), JSON.stringify(watched)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const events: WatchEvent[] = [];
  for await (const line of linesOf(watcher.stdout)) {
    const event = JSON.parse(line) as WatchEvent;
    events.push(event);
    if (event.kind === "marker") progress(event.text);
  }
  await watcher.status;
  return readTranscript(events, names);
}

async function compare(options: Options): Promise<void> {
  const { systems, names, rounds: roundCount, loops, json } = options;
  const guest = await buildGuest();
  const descriptions: string[] = [];
  for (const system of systems) descriptions.push(await describe(system));

  const append = `console=ttyS0 bench=${
    names.length === Object.keys(WORKLOADS).length ? "" : names.join(",")
  } loops=${loops}`;
  const watched = Deno.stderr.isTerminal();
  const load = [Deno.loadavg()];
  const rounds: Round[] = [];
  for (let number = 0; number < roundCount; number++) {
    const round: Partial<Record<SystemName, Run>> = {};
    // Each round begins with another system, so that none always follows the same one.
    for (let turn = 0; turn < systems.length; turn++) {
      const system = systems[(number + turn) % systems.length]!;
      const title = `round ${number + 1} of ${roundCount}, ${TITLES[system]}`;
      const progress = (text: string) => watched && console.error(`${title}: ${text.slice(2)}`);
      const result = await run(commandOf(system, guest, append, options.engine), options, progress);
      round[system] = result;
      load.push(Deno.loadavg());
      for (const warning of result.warnings) console.error(`warning: ${title}: ${warning}`);
      if (result.failure !== undefined) {
        console.error(`${title}: ${result.failure}`);
        Deno.exitCode = 1;
      }
    }
    rounds.push(round);
  }
  const summary = summarize(rounds, systems, names);
  if (json) {
    console.log(JSON.stringify({ version: 1, systems: descriptions, guest: guest.compiler, load, summary, rounds }));
  } else {
    console.log(table(summary, systems));
    console.log(footer(options, descriptions, guest.compiler, load));
  }
}

/** What one must know to read the table. */
function footer(
  { systems, rounds }: Options,
  descriptions: readonly string[],
  compiler: string,
  load: readonly number[][],
): string {
  const [subject, other] = systems.map((system) => TITLES[system]);
  const lines = [
    `CPU ms: CPU time of the busiest thread, median of ${rounds} round${rounds === 1 ? "" : "s"}.`,
    `Load average: ${loads(load)}. Systems: ${descriptions.join(", ")}. Guest compiled by ${compiler}.`,
  ];
  if (other !== undefined) {
    lines.splice(1, 0, `${other} / ${subject} is how many times as fast ${subject} is (as small, for memory).`);
  }
  return `\n${lines.join("\n")}`;
}

/** Range of the one-minute load averages. */
function loads(load: readonly (readonly number[])[]): string {
  const minutes = load.map(([minute]) => minute!);
  return `${Math.min(...minutes).toFixed(1)} to ${Math.max(...minutes).toFixed(1)}`;
}

/** Runs the comparison that the arguments ask for. */
export async function peers(argv: readonly string[]): Promise<void> {
  if (argv.includes("--help")) return console.log(HELP);
  await compare(readOptions(argv));
}
