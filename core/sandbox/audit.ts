/**
 * The audit: each access of a plugin to the host, attributed to the plugin, its content, the right by which it happened, and the cause.
 *
 * It is kept on the owner's side; what compartments tell arrives over the machine's channel. Equal accesses within a second are one line
 * with their count, and a plugin has a limited number of lines a second, so that one that floods fills neither memory nor disk.
 *
 * @module
 */
import type { BoundPlugin } from "./bound_plugin.ts";
import { AuditFile } from "./audit_file.ts";
import type { AuditRecord } from "./audit_record.ts";
import type { HostUse } from "./host_uses.ts";
import { printable } from "./printable.ts";
import { hostAccessEvent } from "./telemetry.ts";

/** What a plugin did on the host, since the machine was started. */
export interface PluginAccesses {
  /** The plugin's id. */
  readonly plugin: string;
  /** The hash of its content. */
  readonly content: string;
  /** Where it runs. */
  readonly placement: string;
  /** Accesses that were made, by action. */
  readonly uses: Readonly<Record<string, number>>;
  /** Bytes that they moved, by action. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Accesses that a rule refused. */
  readonly denied: number;
  /** Accesses in which the host's system failed. */
  readonly failed: number;
}

/** Who is told, besides the file. */
export interface AuditOptions {
  /** The file that gets the lines; none if absent. */
  readonly path?: string;
  /** Told of each denial, in a sentence, whether there is a file or not. */
  readonly warn: (sentence: string) => void;
  /** Milliseconds from any point; the host's monotonic clock if absent. */
  readonly now?: () => number;
}

/** Milliseconds in which equal accesses are one line. */
const TOGETHER = 1000;

/** Different lines of one plugin within that time; what is beyond is one more line. */
const MOST_LINES = 64;

/** Different actions of one plugin that are counted by name. */
const MOST_ACTIONS = 32;

/** Characters of what a plugin said. */
const LONGEST = 256;

/** Stands for what is not listed one by one. */
const OTHERS = "(others)";

/** Accesses that are alike. */
interface Alike {
  readonly record: Omit<AuditRecord, "time" | "uses" | "bytes">;
  uses: number;
  bytes: number;
  since: string;
}

/** What is kept for a plugin. */
interface Account {
  readonly plugin: BoundPlugin;
  readonly alike: Map<string, Alike>;
  readonly uses: Map<string, number>;
  readonly bytes: Map<string, number>;
  denied: number;
  failed: number;
}

/** The audit of a machine. */
export class Audit implements Disposable {
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #file: AuditFile | undefined;
  readonly #warn: (sentence: string) => void;
  readonly #now: () => number;
  #began = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Opens the audit of a machine's plugins.
   *
   * @throws {BulkheadError} `audit-file`: it cannot be written.
   */
  constructor(plugins: readonly BoundPlugin[], { path, warn, now }: AuditOptions) {
    this.#accounts = new Map(plugins.map((plugin) => [plugin.name, {
      plugin,
      alike: new Map(),
      uses: new Map(),
      bytes: new Map(),
      denied: 0,
      failed: 0,
    }]));
    this.#warn = warn;
    this.#now = now ?? (() => performance.now());
    this.#file = path === undefined ? undefined : new AuditFile(path, warn);
  }

  /**
   * A compartment tells of accesses.
   *
   * @param name The plugin's name in the machine, as whoever holds its channel knows it: a plugin does not say who it is.
   * @param use What was done. Believed for the numbers; text is cut and made visible.
   */
  tell(name: string, use: HostUse): void {
    const account = this.#accounts.get(name);
    if (account === undefined) return;
    const uses = whole(use.uses, 1), bytes = whole(use.bytes, 0);
    const outcome = use.outcome === "done" || use.outcome === "failed" ? use.outcome : "denied";
    const action = visible(use.action);
    if (outcome === "done") {
      add(account.uses, action, uses);
      if (bytes > 0) add(account.bytes, action, bytes);
    } else account[outcome] += uses;
    this.#turn();
    this.#add(account, use, { action, outcome, uses, bytes });
  }

  /** What each plugin did, by its name in the machine. */
  accesses(): Record<string, PluginAccesses> {
    return Object.fromEntries(
      [...this.#accounts].map(([name, { plugin, uses, bytes, denied, failed }]) => [name, {
        plugin: plugin.manifest.id,
        content: plugin.content,
        placement: plugin.placement,
        uses: Object.fromEntries(uses),
        bytes: Object.fromEntries(bytes),
        denied,
        failed,
      }]),
    );
  }

  /** Writes what has not been written, and closes the file. */
  [Symbol.dispose](): void {
    this.#flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#file?.[Symbol.dispose]();
  }

  #add(
    { plugin, alike }: Account,
    use: HostUse,
    { action, outcome, uses, bytes }: Pick<AuditRecord, "action" | "outcome" | "uses"> & { bytes: number },
  ): void {
    const right = visible(use.right);
    const agreed = Object.hasOwn(plugin.rights, right) ? plugin.rights[right] : undefined;
    // What a right is bound to is known here; a compartment need not be asked.
    const value = agreed === undefined ? "" : plugin.grant.bindings[right] ?? "";
    const cause = use.cause === undefined ? agreed?.why ?? "" : visible(use.cause);
    const { name, content, manifest: { id } } = plugin;
    let record: Alike["record"] = { plugin: id, name, content, right, value, action, outcome, cause };
    let key = JSON.stringify([right, action, outcome, cause]);
    if (!alike.has(key) && alike.size >= MOST_LINES) {
      record = {
        ...record,
        right: OTHERS,
        value: "",
        action: OTHERS,
        cause: "more different accesses than are listed",
      };
      key = outcome;
    }
    const known = alike.get(key);
    if (known !== undefined) {
      known.uses += uses;
      known.bytes += bytes;
      known.since ||= timestamp();
      return;
    }
    // The first of its kind is told at once.
    this.#write({ time: timestamp(), ...record, uses, ...(bytes > 0 ? { bytes } : {}) });
    alike.set(key, { record, uses: 0, bytes: 0, since: "" });
  }

  /** Ends a second that has passed. */
  #turn(): void {
    if (this.#now() - this.#began >= TOGETHER) this.#flush();
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, TOGETHER);
    Deno.unrefTimer(this.#timer);
  }

  #flush(): void {
    this.#began = this.#now();
    for (const { alike } of this.#accounts.values()) {
      for (const { record, uses, bytes, since } of alike.values()) {
        if (uses > 0) this.#write({ time: since, ...record, uses, ...(bytes > 0 ? { bytes } : {}) });
      }
      alike.clear();
    }
  }

  #write(record: AuditRecord): void {
    this.#file?.write(record);
    hostAccessEvent(record);
    if (record.outcome === "denied") this.#warn(denial(record));
  }
}

function denial({ plugin, name, right, action, uses, cause }: AuditRecord): string {
  const times = uses === 1 ? "" : ` ${uses} times`;
  return `plugin "${name}" (${plugin}) was denied "${right}"${times}: ${action}${cause === "" ? "" : `; ${cause}`}`;
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const known = counts.has(key) || counts.size < MOST_ACTIONS ? key : OTHERS;
  counts.set(known, (counts.get(known) ?? 0) + by);
}

/** Text of a compartment: short, and such that it shows as what it is. */
function visible(text: unknown): string {
  const told = typeof text === "string" ? text : String(typeof text);
  return printable(told.length > LONGEST ? `${told.slice(0, LONGEST)}...` : told);
}

function whole(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

function timestamp(): string {
  return new Date().toISOString();
}
