/**
 * Joins a machine's devices with its back ends: drives with disks, ports with character streams.
 *
 * @module
 */
import {
  blockDisk,
  type BlockFrontEnd,
  blockFrontEnd,
  type CharacterBackend,
  characterBackend,
  type CharacterFrontEnd,
  characterFrontEnd,
} from "../bus/backend.ts";
import type { AttachedDevice } from "../bus/attached.ts";
import type { Needs } from "../bus/claims.ts";
import type { VirtualClock } from "../bus/clock.ts";
import { BulkheadError } from "../bus/error.ts";
import type { DeviceHost } from "../bus/host.ts";
import type { Interface } from "../bus/interface.ts";
import type { LogSink } from "../bus/log.ts";
import { BackendStore } from "../disk/backend_store.ts";
import type { BlockStore } from "../disk/block_store.ts";
import { Disk } from "../disk/disk.ts";
import { Disks } from "../disk/disks.ts";
import { MemoryStore } from "../disk/memory_store.ts";
import { Overlay } from "../disk/overlay.ts";
import { overlayLayout } from "../disk/overlay_format.ts";
import type { BackendLink } from "../sandbox/backend_link.ts";
import type { BoardParts } from "./board.ts";
import { CharacterLink } from "./character_link.ts";
import type { ResolvedDefinition, ResolvedDevice, ResolvedDisk } from "./definition.ts";

/** Bytes of a nonpersistent disk's changes at most: they are in memory. */
const MOST_IN_MEMORY = 2 ** 30;

/** What back ends are joined with. */
export interface BackendSurroundings {
  readonly clock: VirtualClock;
  readonly host: DeviceHost;
  readonly log: LogSink;
  /** A back end by its name in the machine. */
  readonly link: (name: string) => BackendLink;
  /** The machine goes on without an optional back end. */
  readonly without: (name: string, error: BulkheadError) => void;
}

/** The back ends of one machine. */
export class AssembledBackends {
  /** Disks. */
  readonly disks = new Disks();
  readonly #definition: ResolvedDefinition;
  readonly #around: BackendSurroundings;
  readonly #characters = new Map<string, CharacterLink>();
  /** Disks whose back ends, which are optional, could not be opened. */
  readonly #missing = new Set<string>();

  /**
   * Opens the machine's disks, and gives the board's drives to those that no other device takes.
   *
   * @throws {BulkheadError} A back end of another kind, or an overlay that does not fit its disk.
   */
  constructor(definition: ResolvedDefinition, board: BoardParts, around: BackendSurroundings) {
    this.#definition = definition;
    this.#around = around;
    const deterministic = definition.clock.mode === "deterministic";
    for (const given of definition.disks) {
      const { name, overlay } = given;
      if ([name, overlay].some((part) => part !== null && around.link(part).failed !== undefined)) {
        this.#missing.add(name);
        continue;
      }
      const log = (level: "warning", message: string) =>
        around.log({ level, source: name, message, time: around.clock.now() });
      const store = this.#leavable(given);
      if (store === undefined) continue;
      // Some guests' tools know disks by 20 characters.
      const disk = new Disk(name, name.slice(0, 20), store, {
        clock: around.clock,
        deterministic,
        log: (level, message) => log(level as "warning", message),
      }, given.readOnly);
      this.disks.add(disk);
      if (!given.virtio) continue;
      const drive = board.drive(name);
      around.host.connect(drive.disk, disk);
      disk.connect(drive.frontEnd);
    }
  }

  /** A port's other end: what the guest writes goes to a back end, too, and what that gives is typed. */
  port(name: string, front: Pick<CharacterFrontEnd, "receive">): CharacterLink {
    const { clock, link } = this.#around;
    // The alarm's own function is made before there is anything to offer.
    const late: { link?: CharacterLink } = {};
    const alarm = clock.alarm(`backend/${name}`, () => late.link!.offer());
    const character = late.link = new CharacterLink(link(name), () => clock.arm(alarm, clock.now()));
    character.connect(front);
    this.#characters.set(name, character);
    return character;
  }

  /** Connects a device of the definition to what it names. @throws {BulkheadError} `bad-connection`. */
  connect(device: AttachedDevice, { name, connect }: ResolvedDevice): void {
    const needs: Needs = device.needs, { host } = this.#around;
    for (const [use, target] of Object.entries(connect)) {
      const refuse = (expected: string, found: string): never => {
        const where = `connect.${use}`;
        throw new BulkheadError({ code: "bad-connection", subject: `device "${name}"`, where, expected, found });
      };
      const kind = needs.uses?.[use];
      if (kind === undefined) {
        return refuse(`an interface that it uses: ${Object.keys(needs.uses ?? {}).join(", ") || "none"}`, `"${use}"`);
      }
      // What would be connected to it is left open.
      if (this.#missing.has(target)) continue;
      const socket = device.uses(use as never);
      const disk = this.disks.get(target);
      if (kind.name === blockDisk.name) {
        if (disk === undefined) return refuse("the name of a disk", target);
        host.connect(socket, disk as never);
        disk.connect(provided<BlockFrontEnd>(device, blockFrontEnd, refuse));
      } else if (kind.name === characterBackend.name) {
        if (disk !== undefined) return refuse("the name of a character back end", `the disk ${target}`);
        const front = provided<CharacterFrontEnd>(device, characterFrontEnd, refuse);
        const port: CharacterBackend = this.port(target, front);
        host.connect(socket, port as never);
      } else refuse("an interface to a disk or to a character back end", kind.name);
    }
  }

  /** At a safe point: sends what guests wrote. */
  safePoint(): void {
    for (const character of this.#characters.values()) character.send();
  }

  /** The machine has come to its end: what was written becomes stable. Says what could not. */
  finish(): void {
    this.safePoint();
    try {
      this.disks.flush();
    } catch (error) {
      const { log, clock } = this.#around;
      const { message } = BulkheadError.from(error, "a disk");
      log({ level: "error", source: "disks", message, time: clock.now() });
    }
  }

  /** A disk's store; undefined if its back end is optional and says nonsense of itself. */
  #leavable(given: ResolvedDisk): BlockStore | undefined {
    const { name } = given;
    try {
      return this.#store(given);
    } catch (error) {
      if (!this.#definition.backends.some((backend) => backend.name === name && backend.optional)) throw error;
      this.#around.without(name, BulkheadError.from(error, `disk "${name}"`));
      this.#missing.add(name);
      return undefined;
    }
  }

  #store({ name, mode, overlay, readOnly }: ResolvedDisk): BlockStore {
    const { link } = this.#around;
    const base = new BackendStore(`disk "${name}"`, link(name));
    if (mode === "persistent" || readOnly) return base;
    const subject = `the overlay of disk "${name}"`;
    if (mode === "undoable" && overlay !== null) {
      return Overlay.open(base, { store: new BackendStore(subject, link(overlay)), lasting: true });
    }
    const { capacity } = overlayLayout(subject, base.bytes);
    return Overlay.open(base, { store: new MemoryStore(subject, capacity, MOST_IN_MEMORY), lasting: false });
  }
}

/** What a device provides of a kind. */
function provided<T extends object>(
  device: AttachedDevice,
  kind: Interface<T>,
  refuse: (expected: string, found: string) => never,
): T {
  const needs: Needs = device.needs;
  const name = Object.entries(needs.provides ?? {}).find(([, { name }]) => name === kind.name)?.[0];
  if (name === undefined) return refuse(`a device that provides ${kind.name}`, "one that does not");
  return device.provides(name as never) as T;
}
