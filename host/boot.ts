/**
 * Starting a machine from a script.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { LogSink } from "../core/bus/log.ts";
import type { GdbAddress } from "../core/machine/debug/gdb_server.ts";
import type { MachineDefinition } from "../core/machine/definition.ts";
import { Machine, type MachineListener } from "../core/machine/machine.ts";
import type { MachineState } from "../core/machine/protocol.ts";
import { describeExit, type ExitReport } from "../core/machine/report.ts";
import { type MachineParts, resolveDefinition, resolveStep } from "../core/machine/resolve.ts";
import type { BoundPlugin } from "../core/sandbox/bound_plugin.ts";
import { Audit, type PluginAccesses } from "../core/sandbox/audit.ts";
import type { ScriptMatch } from "../core/machine/script.ts";
import type { RegionReports } from "../core/engine/translator/region_watch.ts";
import type { MachineStatistics } from "../core/machine/statistics.ts";
import { agreedPlugins, type ConsentOptions, filePath } from "./consent.ts";
import { gdbListener, type GdbOptions } from "./gdb.ts";
import { readGuest, releaseGuest } from "./guest.ts";
import { openSnapshot, SnapshotFile } from "./snapshot.ts";

/** What every machine is put together of: the standard PC's board, and what disks are made of. */
export const PARTS: MachineParts = {
  board: new URL(import.meta.resolve("./pc.ts")),
  rawImage: new URL(import.meta.resolve("../plugins/raw_image.ts")),
  overlayFile: new URL(import.meta.resolve("../plugins/overlay_file.ts")),
};

/** URL of the current folder, from which relative paths of a definition start. */
export function currentFolder(): URL {
  return new URL(`file://${encodeURI(Deno.cwd()).replaceAll("#", "%23").replaceAll("?", "%3F")}/`);
}

/** Characters of the guest's output that `text` gives: the last ones. */
const TEXT_LIMIT = 1 << 20;

/** Options of {@linkcode boot}. */
export interface BootOptions {
  /** Told of everything that the machine logs; nobody if absent. */
  readonly log?: LogSink;
  /** Told of each piece of the guest's serial output, before any `expect` that it meets returns. */
  readonly output?: (bytes: Uint8Array) => void | Promise<void>;
  /**
   * Listens for gdb; nowhere if absent. The machine process gets the right to that one address; the script needs none. A `deterministic`
   * machine runs under gdb once the script waits for it, as without: at the first `expect`, `resume` or look at `exit`.
   */
  readonly gdb?: GdbOptions;
  /**
   * Asks the owner whether plugins may do what they ask for, as far as the definition's `agree` and earlier agreements do not say. Absent:
   * nobody is asked, and the start is refused.
   *
   * @param table What they ask for, in plain text of 80 columns.
   */
  readonly consent?: (table: string) => boolean | Promise<boolean>;
}

/** Options of {@linkcode restore}. */
export interface RestoreOptions extends BootOptions {
  /**
   * What is known of the machine. With a `boot` it must be the saved machine's in everything; without, in what it says. A machine with
   * devices of its own needs it: a snapshot holds their state, and never names code to load. `script`, `stopAt`, `trace` and `reset` may
   * differ: a script that is given begins anew, unless it is the saved one and has steps left.
   */
  readonly definition?: Partial<MachineDefinition>;
}

/** Options of {@linkcode SerialPort.expect}. */
export interface ExpectOptions {
  /** Milliseconds of the host's time to wait; 60,000 if absent. */
  readonly timeout?: number;
}

/** The guest's first serial port, from the outside. */
export interface SerialPort {
  /**
   * Waits until the guest has written text that matches, after the text of the previous match.
   *
   * The pattern is tried at each character, in the machine's own thread: it matches as early as it can, `$` is always just there, and the
   * last 65,536 characters are searched.
   *
   * In a `deterministic` machine the guest stands still from the matching byte to the script's next call: `send` then types at that very
   * instant, and the next `expect`, `resume` or look at `exit` lets the guest run on. So the same script makes the same run, instruction by
   * instruction. (Between `boot` and the first `expect` the guest has not begun.) The timeout is the host's time all the same.
   *
   * @returns The match, as `RegExp.prototype.exec` gives it; `input` is the text from the previous match to the end of this one.
   * @throws {BulkheadError} `expect-timeout`, or `expect-ended` when the machine's run ended first.
   */
  expect(pattern: RegExp, options?: ExpectOptions): Promise<RegExpExecArray>;
  /** Types text, or bytes, at the serial port. Settles when the machine has it; the guest reads it when it likes. */
  send(text: string | Uint8Array): Promise<void>;
  /** What the guest has written so far, as UTF-8: the last million characters. */
  text(): string;
}

interface Expecting {
  /** The machine has the step: a match that it can still make is told before the machine's end. */
  armed: boolean;
  resolve(match: ScriptMatch): void;
  reject(error: BulkheadError): void;
}

/** The serial port of a machine, which is told later. */
class MachineSerialPort implements SerialPort {
  #machine: Machine | undefined;
  readonly #expecting = new Map<number, Expecting>();
  readonly #characters = new TextDecoder();
  #text = "";
  #nextStep = 1;

  /** What the machine tells. */
  listener(options: BootOptions, audit: Audit): MachineListener {
    return {
      output: (bytes) => {
        this.#text += this.#characters.decode(bytes, { stream: true });
        if (this.#text.length > 2 * TEXT_LIMIT) this.#text = this.#text.slice(-TEXT_LIMIT);
        return options.output?.(bytes);
      },
      matched: (id, match) => this.#expecting.get(id)?.resolve(match),
      log: options.log,
      used: (plugin, use) => audit.tell(plugin, use),
    };
  }

  connect(machine: Machine): void {
    this.#machine = machine;
    machine.exit.then((report) => this.#ended(report));
  }

  text(): string {
    return this.#text;
  }

  async expect(pattern: RegExp, { timeout = 60_000 }: ExpectOptions = {}): Promise<RegExpExecArray> {
    const machine = this.#machine!;
    const id = this.#nextStep++;
    const met = Promise.withResolvers<ScriptMatch>();
    met.promise.catch(() => {});
    const expecting = { ...met, armed: false };
    this.#expecting.set(id, expecting);
    const timer = setTimeout(() => met.reject(this.#unmet(pattern, timeout)), timeout);
    try {
      await machine.step(id, resolveStep({ expect: pattern }), true);
      expecting.armed = true;
      if ((await machine.state()).life === "stopped") this.#ended(await machine.exit);
      return execArray(await met.promise);
    } catch (error) {
      machine.unstep(id).catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
      this.#expecting.delete(id);
    }
  }

  async send(text: string | Uint8Array): Promise<void> {
    await this.#machine!.step(this.#nextStep++, resolveStep({ send: text }), false);
  }

  #ended(report: ExitReport): void {
    const sentence = `the expected text did not come: ${describeExit(report)}`;
    const error = new BulkheadError({ code: "expect-ended", subject: "the machine", sentence });
    for (const { armed, reject } of this.#expecting.values()) if (armed) reject(error);
  }

  #unmet(pattern: RegExp, timeout: number): BulkheadError {
    const last = JSON.stringify(this.#text.trimEnd().slice(-200));
    return new BulkheadError({
      code: "expect-timeout",
      subject: "the guest's serial output",
      expected: `text that matches ${pattern} within ${timeout / 1000} s`,
      found: this.#text === "" ? "no text at all" : `no such text; the last is ${last}`,
    });
  }
}

/** A machine that runs. Made by {@linkcode boot}; ends with its scope (`await using`). */
export class VirtualMachine implements AsyncDisposable {
  /** The guest's first serial port. */
  readonly serial: SerialPort;
  readonly #machine: Machine;
  readonly #audit: Audit;
  readonly #deterministic: boolean;

  private constructor(machine: Machine, serial: SerialPort, audit: Audit, deterministic: boolean) {
    this.#machine = machine;
    this.serial = serial;
    this.#audit = audit;
    this.#deterministic = deterministic;
  }

  /** See {@linkcode boot}. */
  static async boot(definition: MachineDefinition, options: BootOptions): Promise<VirtualMachine> {
    const gdb = gdbListener(options.gdb);
    const resolved = resolveDefinition(definition, PARTS, currentFolder());
    const { plugins, absent } = await agreedPlugins(resolved, definition, consentOptions(options));
    const guest = await readGuest(definition.boot, resolved.memory);
    const serial = new MachineSerialPort();
    const audit = auditOf(plugins, definition, options);
    const machine = await disposing(
      audit,
      Machine.start(resolved, guest, serial.listener(options, audit), gdb, plugins, absent),
    );
    releaseGuest(guest);
    serial.connect(machine);
    const deterministic = resolved.clock.mode === "deterministic";
    if (!deterministic) await machine.resume();
    return new VirtualMachine(machine, serial, audit, deterministic);
  }

  /** See {@linkcode restore}. */
  static async restore(snapshot: string | URL | Uint8Array, options: RestoreOptions): Promise<VirtualMachine> {
    const gdb = gdbListener(options.gdb);
    const { definition, source } = await openSnapshot(snapshot, options.definition ?? {}, PARTS, currentFolder());
    const { plugins, absent } = await agreedPlugins(definition, options.definition ?? {}, consentOptions(options));
    const serial = new MachineSerialPort();
    const audit = auditOf(plugins, options.definition ?? {}, options);
    const machine = await disposing(
      audit,
      Machine.restore(definition, source, serial.listener(options, audit), gdb, plugins, absent),
    );
    serial.connect(machine);
    const deterministic = definition.clock.mode === "deterministic";
    if (!deterministic) await machine.resume();
    return new VirtualMachine(machine, serial, audit, deterministic);
  }

  /**
   * Saves the machine into a file: whole, or the file stays as it was. The guest stands still meanwhile, for which no virtual time passes,
   * and goes on afterwards; {@linkcode restore} goes on from the same point.
   *
   * @throws {BulkheadError} `unwritable-file`, or `not-resumable` when the run has ended for good, as by a triple fault.
   */
  async save(file: string | URL): Promise<void> {
    await (await SnapshotFile.at(file)).write((sink) => this.#machine.save(sink));
  }

  /** Saves the machine into memory, as {@linkcode VirtualMachine.save} does into a file. */
  async snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    await this.#machine.save((bytes) => Promise.resolve(void parts.push(bytes.slice())));
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }

  /**
   * How the run ended, once it has. Never rejects. In a `deterministic` machine, asking for it lets a held guest run on to its end.
   */
  get exit(): Promise<ExitReport> {
    if (this.#deterministic) this.#machine.resume().catch(() => {});
    return this.#machine.exit;
  }

  /** Id of the machine's process on the host. */
  get pid(): number {
    return this.#machine.pid;
  }

  /** Where the machine listens for gdb (`target remote hostname:port`), if it does. */
  get gdb(): GdbAddress | undefined {
    return this.#machine.gdb;
  }

  /** Stops the guest before its next instruction, until `resume`. */
  pause(): Promise<void> {
    return this.#machine.pause();
  }

  /** Lets the guest run. */
  resume(): Promise<void> {
    return this.#machine.resume();
  }

  /** Resets the machine, as its reset button would, and starts the guest again. */
  reset(): Promise<void> {
    return this.#machine.reset();
  }

  /**
   * The regions of translated code in which the guest was most, hottest first: what they did and what they are.
   *
   * @param most How many at most.
   * @returns Undefined unless the definition has `countRegions`.
   */
  regions(most: number = 10): Promise<RegionReports | undefined> {
    return this.#machine.regions(most);
  }

  /** Ends the run for good. What was counted can still be asked for. */
  stop(): Promise<ExitReport> {
    return this.#machine.stop();
  }

  /**
   * The machine at an instruction boundary.
   *
   * @param options With `hash` also a hash of processor and memory, which takes a moment: equal runs have equal hashes.
   */
  state(options: { readonly hash?: boolean } = {}): Promise<MachineState> {
    return this.#machine.state(options.hash === true);
  }

  /** What was counted since power-on. */
  statistics(): Promise<MachineStatistics> {
    return this.#machine.statistics();
  }

  /** What each plugin did on the host, by its name in the machine. */
  accesses(): Readonly<Record<string, PluginAccesses>> {
    return this.#audit.accesses();
  }

  /** Ends the machine's process, whatever the guest does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#machine[Symbol.asyncDispose]();
    this.#audit[Symbol.dispose]();
  }
}

/**
 * Starts a machine: reads and checks the guest's files, starts a machine process that holds no right on the host, and lets the guest run.
 *
 * @throws {BulkheadError} A definition, a file or a device that is not right; nothing is left behind then.
 */
export function boot(definition: MachineDefinition, options: BootOptions = {}): Promise<VirtualMachine> {
  return VirtualMachine.boot(definition, options);
}

/**
 * Goes on with a machine that was saved, in a process of its own: at the instruction where it stood, with its memory, processor, devices,
 * alarms and queues. In a `deterministic` machine what follows is what would have followed there, instruction by instruction.
 *
 * A snapshot brings its guest with it. Steps that a script of the definition had left go on; what a caller still waited for does not.
 *
 * @param snapshot A file that {@linkcode VirtualMachine.save} wrote, or what {@linkcode VirtualMachine.snapshot} gave.
 * @throws {BulkheadError} A file that is no whole snapshot of this release's version, or one of another machine than the definition's;
 * nothing is left behind then.
 */
export function restore(snapshot: string | URL | Uint8Array, options: RestoreOptions = {}): Promise<VirtualMachine> {
  return VirtualMachine.restore(snapshot, options);
}

function consentOptions({ consent, log }: BootOptions): ConsentOptions {
  const show = (text: string) => log?.({ level: "info", source: "plugins", message: text.trimEnd() });
  return { show, ...(consent === undefined ? {} : { ask: consent }) };
}

function auditOf(plugins: readonly BoundPlugin[], { audit }: Partial<MachineDefinition>, { log }: BootOptions): Audit {
  const warn = (message: string) => log?.({ level: "warning", source: "audit", message });
  return new Audit(plugins, { warn, ...(audit === undefined ? {} : { path: filePath(audit) }) });
}

/** What was begun; if it fails, without what was opened for it. */
async function disposing<T>(opened: Disposable, begun: Promise<T>): Promise<T> {
  try {
    return await begun;
  } catch (error) {
    opened[Symbol.dispose]();
    throw error;
  }
}

function execArray({ groups, named, index, text }: ScriptMatch): RegExpExecArray {
  const array = groups.map((group) => group ?? undefined) as unknown as RegExpExecArray;
  array.index = index;
  array.input = text;
  const names = Object.entries(named).map(([name, group]) => [name, group ?? undefined]);
  if (names.length > 0) array.groups = Object.fromEntries(names);
  return array;
}
