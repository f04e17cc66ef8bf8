/**
 * Asks whoever sits at the terminal whether plugins may do what they ask for.
 *
 * @module
 */
import type { ConsentOptions } from "../host/consent.ts";
import { agreedContents } from "./plugin_options.ts";
import type { Arguments } from "./options.ts";

/** Bytes of an answer that are looked at. */
const LONGEST = 1024;

/** What the options say about agreement. `file` is the machine file, beside which the lock is. @throws {BulkheadError} `usage`. */
export function consentOptions(args: Arguments, file: string | undefined): ConsentOptions {
  const terminal = Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
  return {
    ...(file === undefined ? {} : { folder: file.replace(/[^/\\]*$/, "") }),
    notes: true,
    agree: args.has("agree"),
    contents: agreedContents(args),
    show: say,
    ...(terminal ? { ask } : {}),
  };
}

/** Shows the table, and takes a whole word for an answer. The end of the input is a no. */
async function ask(table: string): Promise<boolean> {
  say(`Before anything runs: these plugins ask for rights on this computer.\n\n${table}\n`);
  while (true) {
    say("Do you agree? [yes/no] ");
    const answer = await line();
    if (answer === undefined) {
      say("\n");
      return false;
    }
    if (/^\s*y(es)?\s*$/i.test(answer)) return true;
    if (/^\s*no?\s*$/i.test(answer)) return false;
  }
}

/** A line as the terminal gives it when it has been ended. */
async function line(): Promise<string | undefined> {
  const bytes = new Uint8Array(LONGEST);
  const count = await Deno.stdin.read(bytes);
  return count === null ? undefined : new TextDecoder().decode(bytes.subarray(0, count));
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
