/**
 * The command line: `bulkhead COMMAND ...`.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import { printable } from "../core/sandbox/printable.ts";
import { nearestName } from "../core/machine/nearest.ts";
import type { Command } from "./command.ts";
import { command as disasm } from "./disasm.ts";
import { command as disk } from "./disk.ts";
import { EXIT } from "./exit_codes.ts";
import { command as image } from "./image.ts";
import { usage } from "./options.ts";
import { command as plugin } from "./plugin.ts";
import { command as run } from "./run.ts";
import { command as start } from "./start.ts";
import { command as vectors } from "./vectors.ts";

const COMMANDS: Readonly<Record<string, Command>> = { start, run, plugin, image, disk, disasm, vectors };

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Bulkhead runs virtual machines, each part with only the rights it was given.

Usage: bulkhead COMMAND [options]

Commands:
${rows.join("\n")}

\`bulkhead COMMAND --help\` says more about each.
`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) throw usage("the command line", "a command", "nothing", "see `bulkhead --help`");
  if (name === "--help" || name === "-h" || name === "help") {
    await print(help());
    return EXIT.OK;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
  if (command === undefined) {
    const meant = nearestName(name, Object.keys(COMMANDS));
    const remedy = meant === undefined ? "see `bulkhead --help`" : `did you mean "${meant}"?`;
    throw usage("the command line", `a command: ${Object.keys(COMMANDS).join(", ")}`, `"${name}"`, remedy);
  }
  const end = rest.indexOf("--");
  if (rest.slice(0, end < 0 ? undefined : end).some((argument) => argument === "--help" || argument === "-h")) {
    await print(`Usage: bulkhead ${name} ${command.usage}\n\n${command.summary}\n\n${command.help}`);
    return EXIT.OK;
  }
  return await command.run(rest);
}

async function print(text: string): Promise<void> {
  await new Blob([text]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
}

/** Says what went wrong, in a sentence; with --debug also where. */
function complain(error: unknown, debug: boolean): number {
  const expected = error instanceof BulkheadError && error.code !== "unexpected-error";
  const told = BulkheadError.from(error, "Bulkhead");
  // A sentence may hold a stranger's words.
  const sentence = told.message.split("\n").map(printable).join("\n");
  console.error(`bulkhead: ${sentence}${expected || debug ? "" : "; --debug shows where"}`);
  if (debug) console.error(error instanceof Error ? error.stack : error, told.cause ?? "");
  return expected && !OWN_FAILURES.has(told.code) ? EXIT.BAD_INPUT : EXIT.FAILED;
}

/** Errors that are nobody's input: what failed is Bulkhead, or the host. */
const OWN_FAILURES = new Set([
  "process-died",
  "channel-broken",
  "channel-closed",
  "channel-late",
  "vcpu-failed",
  "vcpu-stuck",
]);

if (import.meta.main) {
  const debug = Deno.args.includes("--debug");
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Deno.exit(complain(event.reason, debug));
  });
  // Reading the terminal cannot be taken back: only an explicit exit ends it.
  Deno.exit(await main(Deno.args).catch((error) => complain(error, debug)));
}
