/**
 * A machine's plugins in the virtual CPU's thread: makes devices of them, wherever they run, and decides what becomes of a machine that loses one.
 *
 * @module
 */
import type { AnyDevice } from "../bus/contract.ts";
import { BulkheadError } from "../bus/error.ts";
import type { LogLevel, LogSink } from "../bus/log.ts";
import { lockdownRealm, OPEN_REALM } from "../sandbox/compartment.ts";
import type { DeviceManifest } from "../sandbox/description.ts";
import { guardDevice } from "../sandbox/guarded_device.ts";
import { SharedPort } from "../sandbox/mailbox.ts";
import { AbsentLink, type BackendLink } from "../sandbox/backend_link.ts";
import { RemoteDevice } from "../sandbox/remote_device.ts";
import { type BackendCounters, SharedBackendLink } from "../sandbox/shared_backend_link.ts";
import type { MachineSignals } from "./board.ts";
import type { ThreadPlugin, ThreadPlugins } from "./plugin_parts.ts";

/** The plugins of one machine. */
export class AssembledPlugins {
  /** Whether back ends have been closed. */
  closed = false;
  /** Whether the machine has been assembled. */
  #started = false;
  readonly #remotes: RemoteDevice[] = [];
  readonly #links = new Map<string, SharedBackendLink>();
  readonly #absent = new Map<string, AbsentLink>();
  /** What the machine goes on without, and was told of. */
  readonly #without = new Set<string>();
  readonly #given: ThreadPlugins;
  readonly #busy: Int32Array;

  /**
   * @param deterministic Nothing may depend on the host's pace: posted writes are waited for.
   * @param signals Ends the machine's run; ends a plugin's compartment.
   */
  constructor(
    given: ThreadPlugins,
    readonly deterministic: boolean,
    readonly signals: Pick<MachineSignals, "failed" | "detached">,
    readonly log: LogSink,
  ) {
    this.#given = given;
    this.#busy = new Int32Array(given.busy);
  }

  /** A device of the definition. @throws {BulkheadError} Its text does not run, or it could not be started. */
  device(name: string): AnyDevice {
    const absent = this.#given.absent.find((absent) => absent.name === name);
    if (absent !== undefined) throw BulkheadError.fromJSON(absent.error);
    const index = this.#given.plugins.findIndex((plugin) => plugin.name === name);
    const plugin = this.#given.plugins[index];
    if (plugin?.manifest.kind !== "device") {
      const sentence = `device "${name}" was not agreed to, and no text of it came with the machine`;
      throw new BulkheadError({ code: "no-device", subject: `device "${name}"`, sentence });
    }
    const { subject, manifest, text, placement, shared, failed } = plugin;
    if (failed !== null) throw BulkheadError.fromJSON(failed);
    const { limits } = this.#given;
    const detached = (error: BulkheadError) => this.#detached(plugin, error);
    if (shared !== null) {
      const remote = new RemoteDevice({
        subject,
        manifest,
        port: new SharedPort(shared, "near"),
        limit: placement === "process" ? limits.process : limits.access,
        wireLimit: limits.wire,
        batched: !this.deterministic,
        detached,
      });
      this.#remotes.push(remote);
      return remote.device;
    }
    const realm = placement === "confined" ? lockdownRealm(this.#given.ses) : OPEN_REALM;
    const guard = {
      subject,
      manifest: manifest as DeviceManifest,
      busy: { words: this.#busy, index: index + 1 },
      detached,
      ...(placement === "confined" ? { harden: realm.harden } : {}),
    };
    return guardDevice(realm.evaluate(text, subject) as AnyDevice, guard);
  }

  /** A back end of the definition, by its name. @throws {BulkheadError} `no-back-end`. */
  backend(name: string): BackendLink {
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const absent = this.#absentLink(name);
    if (absent !== undefined) return absent;
    const plugin = this.#given.plugins.find((plugin) => plugin.name === name);
    if (plugin?.manifest.kind !== "backend" || plugin.shared === null || plugin.answers === null) {
      const sentence = `back end "${name}" was not agreed to, and no text of it came with the machine`;
      throw new BulkheadError({ code: "no-back-end", subject: `back end "${name}"`, sentence });
    }
    const { subject, manifest, opened, shared: requests, answers } = plugin;
    const link = new SharedBackendLink({
      name,
      subject,
      id: manifest.id,
      kind: manifest.provides,
      opened: opened ?? { properties: {}, methods: [] },
      requests,
      answers,
      limit: this.#given.limits.request,
      detached: (error) => this.#detached(plugin, error),
      log: (level, message, fields) => this.log({ level, source: name, message, ...(fields ? { fields } : {}) }),
    });
    this.#links.set(name, link);
    if (plugin.failed !== null) link.refuse(BulkheadError.fromJSON(plugin.failed));
    return link;
  }

  /** The machine has been assembled: tells of what it goes on without and nothing asked for. */
  started(): void {
    for (const { name } of this.#given.absent) this.#absentLink(name);
    for (const { name, optional, failed, manifest } of this.#given.plugins) {
      // Those that nothing is connected to are heard as well.
      if (manifest.kind === "backend") this.backend(name);
      if (optional && failed !== null) this.without(name, BulkheadError.fromJSON(failed));
    }
    this.#started = true;
  }

  /** At a safe point: what was posted is sent, and what was answered is taken. */
  safePoint(): void {
    for (const remote of this.#remotes) remote.safePoint();
    if (this.closed) return;
    for (const link of this.#links.values()) link.poll();
  }

  /** What back ends were asked for, and what they counted. */
  statistics(): Readonly<Record<string, BackendCounters>> {
    return Object.fromEntries([...this.#links].map(([name, link]) => [name, link.statistics()]));
  }

  /** The machine's owner lets it go: back ends carry out what they have and close, all of them within one limit. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const end = performance.now() + this.#given.limits.close;
    for (const link of this.#links.values()) link.close();
    for (const [name, link] of this.#links) {
      if (link.finish(end - performance.now())) continue;
      const message = `${link.subject} did not close within ${
        this.#given.limits.close / 1000
      } s, and is ended with its machine`;
      this.log({ level: "warning", source: name, message });
    }
  }

  /** The machine goes on without an optional plugin. */
  without(name: string, error: BulkheadError, level: LogLevel = "warning"): void {
    if (this.#without.has(name)) return;
    this.#without.add(name);
    this.#links.get(name)?.refuse(error);
    this.signals.detached(name);
    this.log({ level, source: name, message: `${error.message}; the machine goes on without it` });
  }

  #absentLink(name: string): AbsentLink | undefined {
    const known = this.#absent.get(name);
    if (known !== undefined) return known;
    const absent = this.#given.absent.find((absent) => absent.name === name);
    if (absent === undefined) return undefined;
    const error = BulkheadError.fromJSON(absent.error), link = new AbsentLink(name, error);
    this.#absent.set(name, link);
    this.without(name, error);
    return link;
  }

  #detached({ name, optional }: ThreadPlugin, error: BulkheadError): void {
    if (optional) return this.without(name, error, this.#started ? "error" : "warning");
    this.signals.detached(name);
    this.signals.failed(error);
  }
}
