/**
 * A session: one machine, run from the command line to its end.
 *
 * @module
 */
import { currentFolder, PARTS } from "../host/boot.ts";
import type { LogRecord } from "../core/bus/log.ts";
import type { MachineDefinition, ResolvedDefinition } from "../core/machine/definition.ts";
import type { GdbAddress } from "../core/machine/debug/gdb_server.ts";
import { type GdbListener, type Guest, Machine, type MachineListener } from "../core/machine/machine.ts";
import { describeExit, type ExitReport, RESUMABLE } from "../core/machine/report.ts";
import { resolveDefinition } from "../core/machine/resolve.ts";
import type { BoundPlugin } from "../core/sandbox/bound_plugin.ts";
import { Audit } from "../core/sandbox/audit.ts";
import { printable } from "../core/sandbox/printable.ts";
import { reclaim } from "../core/sandbox/reclaim.ts";
import { agreedPlugins, type ConsentOptions, filePath } from "../host/consent.ts";
import { readGuest, releaseGuest } from "../host/guest.ts";
import { openSnapshot, SnapshotFile } from "../host/snapshot.ts";
import { ESCAPE_HELP, type EscapeCommand } from "../plugins/terminal/escape_keys.ts";
import { standardTerminal, type Terminal } from "../plugins/terminal/terminal.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";
import { openSerial, type SerialChoice } from "./serial_target.ts";
import { usage } from "./options.ts";
import { checkOutputFile } from "./output_file.ts";
import { MOST_REGIONS, writeRegions } from "./regions_file.ts";
import { writeStatistics } from "./statistics_file.ts";

/** Which machine a session runs: one that is started, or one that goes on from a snapshot. */
export type SessionMachine =
  | { readonly definition: MachineDefinition; readonly restore?: undefined }
  | { readonly definition: Partial<MachineDefinition>; readonly restore: string };

/** What a session is to do. */
export type SessionOptions = SessionMachine & {
  /** Where its first serial port goes. */
  readonly serial: SerialChoice;
  /** Milliseconds after which the run is ended. */
  readonly timeout?: number;
  /** The file that gets the machine, where the run ends so that it can go on. */
  readonly save?: string;
  /** The file that gets the statistics. */
  readonly statistics?: string;
  /** The file that gets the hottest regions of translated code. */
  readonly regions?: string;
  /** Where to listen for gdb. */
  readonly gdb?: GdbListener;
  /** Who agrees to what plugins ask for. */
  readonly consent: ConsentOptions;
  /** Show the machine's log. */
  readonly debug: boolean;
  /** Said once the machine runs, where somebody sits at the terminal. */
  readonly greeting?: string;
};

/** Why a session ended, besides the machine's own end. */
type Interruption =
  | { readonly kind: "timeout" | "user" | "unread" }
  | { readonly kind: "signal"; readonly number: number };

/** Signals that end a session, by the number that the exit code tells. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** The number of SIGPIPE, of which a closed output would have died. */
const SIGPIPE = 13;

/**
 * Runs a machine to its end.
 *
 * Everything that was given is checked before anything is started. The terminal is put back and the machine's process is gone when this
 * returns or throws.
 *
 * @returns The exit code.
 * @throws {BulkheadError} What is not right with the definition or its files.
 */
export async function runSession(options: SessionOptions): Promise<number> {
  const { statistics, regions } = options;
  using terminal = standardTerminal();
  const interrupted = Promise.withResolvers<Interruption>();
  const deadline = options.timeout === undefined
    ? undefined
    : setTimeout(() => interrupted.resolve({ kind: "timeout" }), options.timeout);
  using _signals = listenToSignals((number) => interrupted.resolve({ kind: "signal", number }));
  const consent = interruptibleConsent(options.consent, interrupted.promise);
  try {
    const prepared = await prepare(options, consent).catch((error) => interruptedBy(error, consent.interruption));
    if ("kind" in prepared) return beforeStart(prepared, options);
    const { definition: resolved, plugins } = prepared;
    const path = options.definition.audit;
    using audit = new Audit(plugins, {
      ...(path === undefined ? {} : { path: filePath(path) }),
      warn: (sentence) => report(`bulkhead: ${sentence}`),
    });
    if (statistics !== undefined) await checkOutputFile("stats", statistics);
    if (regions !== undefined) {
      if (resolved.engine !== "translator") throw usage("--regions", "the engine translator", resolved.engine);
      await checkOutputFile("regions", regions);
    }
    const file = options.save === undefined ? undefined : await SnapshotFile.at(options.save);
    const target = await openSerial(options.serial, terminal);
    const listener: MachineListener = {
      output: async (bytes) => {
        if (!await target.write(bytes)) interrupted.resolve({ kind: "unread" });
      },
      debug: (bytes) => void Deno.stderr.writeSync(bytes),
      log: (record) => {
        if (options.debug || resolved.trace.length > 0) report(logLine(record));
      },
      used: (plugin, use) => audit.tell(plugin, use),
    };
    let machine: Machine;
    try {
      machine = await prepared.start(listener);
    } catch (error) {
      target.abandon();
      throw error;
    }
    try {
      await using running = machine;
      if (running.gdb !== undefined) report(gdbLine(running.gdb, options.gdb!.hold));
      await running.resume();
      reclaim();
      if (options.serial.kind === "stdio") {
        attachTerminal(terminal, running, () => interrupted.resolve({ kind: "user" }));
      }
      if (terminal.isTerminal && options.greeting !== undefined) report(options.greeting);
      const end = await Promise.race([running.exit, interrupted.promise]);
      return await conclude(running, end, terminal, options, file, audit, resolved.clock.mode === "deterministic");
    } finally {
      target.close();
    }
  } finally {
    clearTimeout(deadline);
  }
}

interface Prepared {
  readonly definition: ResolvedDefinition;
  readonly plugins: readonly BoundPlugin[];
  start(listener: MachineListener): Promise<Machine>;
}

/** Checks everything of the machine that can be checked before it is started. */
async function prepare(options: SessionOptions, consent: ConsentOptions): Promise<Prepared> {
  const { gdb } = options;
  if (options.restore !== undefined) {
    const { definition, source } = await openSnapshot(options.restore, options.definition, PARTS, currentFolder());
    const { plugins, absent } = await agreedPlugins(definition, options.definition, consent);
    return {
      definition,
      plugins,
      start: (listener) => Machine.restore(definition, source, listener, gdb, plugins, absent),
    };
  }
  const definition = resolveDefinition(options.definition, PARTS, currentFolder());
  const { plugins, absent } = await agreedPlugins(definition, options.definition, consent);
  const guest = await readGuest(options.definition.boot, definition.memory);
  return {
    definition,
    plugins,
    start: (listener) => started(Machine.start(definition, guest, listener, gdb, plugins, absent), guest),
  };
}

/** Asks as long as nothing ends the session. */
interface InterruptibleConsent extends ConsentOptions {
  /** What ended it. */
  interruption?: Interruption;
}

function interruptibleConsent(consent: ConsentOptions, interrupted: Promise<Interruption>): InterruptibleConsent {
  const { ask } = consent;
  const asked: InterruptibleConsent = {
    ...consent,
    ...(ask && { ask: (table: string) => Promise.race([ask(table), interrupted.then(() => false)]) }),
  };
  interrupted.then((interruption) => asked.interruption = interruption);
  return asked;
}

/** What ended the session before its machine was ready, in place of the error that came of it. */
function interruptedBy(error: unknown, interruption: Interruption | undefined): Interruption {
  if (interruption === undefined) throw error;
  return interruption;
}

/** The exit code of a session that ended before its machine ran. */
function beforeStart(interruption: Interruption, { timeout }: SessionOptions): number {
  if (interruption.kind === "signal") {
    report(`bulkhead: ended by ${nameOf(interruption.number)}`);
    return EXIT.SIGNAL + interruption.number;
  }
  report(`bulkhead: the run took longer than ${timeout! / 1000} s, before it was started`);
  return EXIT.TIMEOUT;
}

/** The machine, and no longer the guest's bytes. */
async function started(machine: Promise<Machine>, guest: Guest): Promise<Machine> {
  const running = await machine;
  releaseGuest(guest);
  return running;
}

async function conclude(
  machine: Machine,
  end: ExitReport | Interruption,
  terminal: Terminal,
  { statistics, regions, timeout, save }: SessionOptions,
  file: SnapshotFile | undefined,
  audit: Audit,
  deterministic: boolean,
): Promise<number> {
  terminal.restore();
  const interruption = "kind" in end ? end : undefined;
  if (interruption?.kind === "signal") {
    console.error(`bulkhead: ended by ${nameOf(interruption.number)}`);
    return EXIT.SIGNAL + interruption.number;
  }
  if (interruption?.kind === "unread") return EXIT.SIGNAL + SIGPIPE;
  const stopped = "kind" in end ? await machine.stop() : end;
  let code = interruption?.kind === "timeout" ? EXIT.TIMEOUT : exitCodeOf(stopped);
  if (interruption?.kind === "timeout") {
    console.error(`bulkhead: the run took longer than ${timeout! / 1000} s${unmet(stopped)}`);
  } else if (code !== EXIT.OK) console.error(`bulkhead: ${describeExit(stopped)}${unmet(stopped)}`);
  // A save forgets what is translated.
  if (regions !== undefined && stopped.reason !== "failed") {
    const reports = await machine.regions(MOST_REGIONS);
    if (reports !== undefined) await writeRegions(regions, reports, stopped.retired);
  }
  if (file !== undefined) {
    if (RESUMABLE.has(stopped.reason)) await file.write((sink) => machine.save(sink));
    else {
      console.error(`bulkhead: ${save} was not written: ${describeExit(stopped)}, and nothing can go on from there`);
      if (code === EXIT.OK) code = EXIT.UNMET;
    }
  }
  // A machine that failed cannot be asked any more.
  if (stopped.reason === "failed" || stopped.cpu === undefined) return code;
  if (deterministic) {
    const { retired, hash } = await machine.state(true);
    console.error(`bulkhead: ${retired} instructions retired, state hash ${hash}`);
  }
  if (statistics !== undefined) {
    const counted = { ...await machine.statistics(), plugins: audit.accesses() };
    await writeStatistics(statistics, counted, stopped, code, machine.pid);
  }
  return code;
}

function unmet(report: ExitReport): string {
  return report.unmet === undefined ? "" : `, before ${report.unmet} was met`;
}

/** Joins the terminal's input and the machine. */
function attachTerminal(terminal: Terminal, machine: Machine, leave: () => void): void {
  let paused = false;
  const commands: Record<EscapeCommand, () => void | Promise<void>> = {
    exit: leave,
    help: () => report(ESCAPE_HELP),
    pause: async () => {
      paused = !paused;
      await (paused ? machine.pause() : machine.resume());
      report(paused ? "paused; Ctrl-A P lets the machine run again" : "running");
    },
    reset: () => machine.reset(),
    state: async () => {
      const { life, retired, time, cpu } = await machine.state();
      const at = `${cpu.cs.toString(16).padStart(4, "0")}:${cpu.eip.toString(16).padStart(8, "0")}`;
      report(
        `${life} at ${at}, ${retired} instructions retired, ${(time / 1e9).toFixed(3)} s of virtual time`,
      );
    },
  };
  terminal.open({
    type: (bytes) => machine.type(bytes),
    command: (command) => void Promise.resolve(commands[command]()).catch(() => {}),
    // A machine that has ended takes no more input; its end is told elsewhere.
  }).catch(() => {});
}

/** Says something beside the guest's output. */
function report(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

function gdbLine({ hostname, port }: GdbAddress, hold: boolean): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const what = hold ? "waiting for gdb" : "gdb may connect";
  return `bulkhead: ${what}: target remote ${host}:${port}`;
}

function logLine({ level, source, message, time }: LogRecord): string {
  return `${time === undefined ? "" : `${(time / 1e9).toFixed(9)} `}${level} ${printable(source)}: ${
    printable(message)
  }`;
}

function listenToSignals(ended: (number: number) => void): Disposable {
  const listeners = Object.entries(SIGNALS).map(([name, number]) =>
    [name as Deno.Signal, () => ended(number)] as const
  );
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  return {
    [Symbol.dispose]: () => {
      for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}

function nameOf(signal: number): string {
  return Object.entries(SIGNALS).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
}
