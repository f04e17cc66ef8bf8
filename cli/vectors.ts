/**
 * `bulkhead vectors`: runs conformance vectors through the virtual CPU that runs guests.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit_codes.ts";
import { optionHelp, type OptionTable, parseArguments, usage } from "./options.ts";
import { vectorFiles } from "./vectors/files.ts";
import { parseCountOrZero } from "./values.ts";
import { exceptionReport, fileReport, jsonReport, summary, totals } from "./vectors/report.ts";
import { type FileResult, VectorRunner } from "./vectors/run_file.ts";

const TABLE: OptionTable = {
  "translate-after": {
    value: "COUNT",
    doc:
      "Translate code that was reached this often; 0: each vector's, when it is first met. Without it the interpreter runs them.",
  },
  json: { doc: "Print JSON: counts, exceptions by rule and opcode, and every failure." },
};

/** Exit code when vectors failed. */
const FAILURES = 1;

/** Files and folders that one call may name. */
const MAXIMUM_OPERANDS = 1000;

/**
 * Runs the vectors that `args` name, and reports on standard output.
 *
 * @returns 0 if none failed, else 1.
 * @throws {BulkheadError} The arguments or a file are not right.
 */
export async function vectors(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, TABLE, MAXIMUM_OPERANDS);
  if (parsed.operands.length === 0) {
    throw usage("vectors", "a folder or file of conformance vectors", "none", "see `bulkhead vectors --help`");
  }
  const json = parsed.has("json");
  const after = parsed.get("translate-after");
  const runner = new VectorRunner(
    after === undefined ? undefined : { after: parseCountOrZero(after, "--translate-after") },
  );
  const results: FileResult[] = [];
  for (const file of await vectorFiles(parsed.operands)) {
    const result = await runner.run(file, (done, of) => showProgress(`${file}: ${done} of ${of}`));
    showProgress("");
    results.push(result);
    if (!json) console.log(fileReport(result, file));
  }
  if (json) console.log(jsonReport(results));
  else {
    for (const line of exceptionReport(results)) console.log(line);
    console.log(summary(totals(results)));
  }
  return totals(results).failed === 0 ? EXIT.OK : FAILURES;
}

/** On a terminal only: one line that is overwritten, and cleared by an empty text. */
function showProgress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  const CLEAR_LINE = "\r\x1b[K";
  Deno.stderr.writeSync(new TextEncoder().encode(CLEAR_LINE + text));
}

/** `bulkhead vectors`. */
export const command: Command = {
  usage: "FOLDER|FILE ... [options]",
  summary: "Run conformance vectors through the virtual CPU.",
  help: `${optionHelp(TABLE)}
A file holds a JSON object a line, plain or compressed with gzip; each file's format is found out:
  real mode   SingleStepTests of the 80286 and the 8086
  user mode   32-bit instructions recorded in ring 3, faults included
Folders are searched for .jsonl, .jsonl.gz, .json and .json.gz files, at any depth.

An excepted vector differs as a rule says that it must for its opcode: rules name how later processors differ from the
recorded one, or because it is 64-bit code. Exceptions are counted apart, by rule.

Exit codes:
  0    no vector failed
  1    vectors failed
  2    the command line or a file is not right
`,
  run: vectors,
};

if (import.meta.main) {
  Deno.exit(
    await vectors(Deno.args).catch((error) => {
      console.error(`bulkhead: ${BulkheadError.from(error, "Bulkhead").message}`);
      return error instanceof BulkheadError ? EXIT.BAD_INPUT : EXIT.FAILED;
    }),
  );
}
