/**
 * `bulkhead run`: runs a machine.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { consentOptions } from "./consent.ts";
import { parseGdbAddress } from "./gdb_address.ts";
import { EXIT_CODE_HELP } from "./exit_codes.ts";
import { loadMachineFile } from "./machine_file.ts";
import { GUEST_OPTIONS, MACHINE_OPTIONS, machineDefinition, restoreDefinition } from "./machine_options.ts";
import { type Arguments, optionHelp, type OptionTable, parseArguments, usage } from "./options.ts";
import { PLUGIN_OPTIONS } from "./plugin_options.ts";
import { parseSerial } from "./serial_target.ts";
import { runSession, type SessionOptions } from "./session.ts";
import { parseDuration } from "./values.ts";

/** How a run meets the host. */
export const SESSION_OPTIONS = {
  serial: {
    value: "WHERE",
    doc: "Connect the first serial port: stdio (the default), none, file:PATH for its output, or backend:NAME.",
  },
  timeout: { value: "TIME", doc: "End the run after this time of the host, such as 60s or 2m, with exit code 124." },
  save: {
    value: "FILE",
    doc: "Save the machine when the run ends by an --expect, --timeout, --stop-at or Ctrl-A X, for --restore.",
  },
  gdb: {
    value: "[HOST]:PORT",
    doc:
      "Listen for gdb, on 127.0.0.1 if no host is given; port 0 is any that is free. The guest stands before its first instruction until gdb lets it run.",
  },
  "gdb-no-wait": { doc: "With --gdb: let the guest run at once. It stops when gdb connects." },
  stats: { value: "FILE", doc: "Write what was counted to this file, as JSON." },
  regions: {
    value: "FILE",
    doc:
      "Write the regions of translated code in which the guest was most to this file: its instructions beside the WebAssembly made of them. Counting makes the guest slower.",
  },
} as const satisfies OptionTable;

const RESTORE_OPTIONS = {
  restore: {
    value: "FILE",
    doc:
      "Go on with the machine that --save wrote. It needs no guest: what is said of the machine must be as it was. --expect and --send begin a new script, unless they repeat one that has not ended.",
  },
} as const satisfies OptionTable;

const TABLE: OptionTable = {
  ...GUEST_OPTIONS,
  ...MACHINE_OPTIONS,
  ...PLUGIN_OPTIONS,
  ...SESSION_OPTIONS,
  ...RESTORE_OPTIONS,
};

/** What the options say about the session. `serial` is where the port goes unless they say, `file` the machine file. @throws {BulkheadError} `usage`. */
export function sessionOptions(
  args: Arguments,
  serial: string,
  file?: string,
): Omit<SessionOptions, "definition" | "restore"> {
  const given = args.get("serial");
  if (args.has("gdb-no-wait") && !args.has("gdb")) throw usage("--gdb-no-wait", "to be given with --gdb", "it alone");
  return {
    serial: given === undefined ? parseSerial(serial, "the machine's serial") : parseSerial(given, "--serial"),
    ...(args.has("timeout") ? { timeout: parseDuration(args.get("timeout")!, "--timeout") } : {}),
    ...(args.has("save") ? { save: args.get("save")! } : {}),
    ...(args.has("gdb")
      ? { gdb: { ...parseGdbAddress(args.get("gdb")!, "--gdb"), hold: !args.has("gdb-no-wait") } }
      : {}),
    ...(args.has("stats") ? { statistics: args.get("stats")! } : {}),
    ...(args.has("regions") ? { regions: args.get("regions")! } : {}),
    consent: consentOptions(args, file),
    debug: args.has("debug"),
  };
}

/** `bulkhead run`. */
export const command: Command = {
  usage: "[machine.ts] [options]",
  summary: "Run a machine, given by options, or by a file whose default export is its definition.",
  help: `${optionHelp(TABLE)}
With --serial stdio on a terminal, Ctrl-A X ends the machine and Ctrl-A H shows more keys; Ctrl-C goes to the guest.
Options override what a machine file says; devices, back ends and disks are added to its own. Paths are relative to the
current folder.

A plugin that asks for rights on this computer, or is not to be held by anything, is shown before anything runs: where it
came from, the hash of its content, each right, what it is bound to, and why. You agree once, and exactly that content
runs; a content, a right or a bound value that differs stops the next start. Bulkhead's own back ends need no agreement
besides the option that names the file, and nobody is asked about a device that asks for nothing and is held.

${EXIT_CODE_HELP}
Example:
  bulkhead run --kernel linux --initrd initrd.gz --append 'console=ttyS0 rdinit=/bin/sh' --no-reboot \\
      --expect '# ' --send 'uname -m\\n' --expect 'i686' --send 'reboot -f\\n'
  bulkhead run --kernel linux --initrd initrd.gz --append 'console=ttyS0 rdinit=/bin/sh' --expect '# ' --save shell.snapshot
  bulkhead run --restore shell.snapshot
`,
  run: async (argv) => {
    const args = parseArguments(argv, TABLE, 1);
    const file = args.operands[0] === undefined ? undefined : await loadMachineFile(args.operands[0]);
    const serial = typeof file?.serial === "string" ? file.serial : "stdio";
    const options = sessionOptions(args, serial, args.operands[0]);
    const snapshot = args.get("restore");
    if (snapshot === undefined) return await runSession({ definition: machineDefinition(args, file), ...options });
    return await runSession({ definition: restoreDefinition(args, file), restore: snapshot, ...options });
  },
};
