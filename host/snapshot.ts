/**
 * Snapshots as files: written whole or not at all, and looked at before a machine takes one over.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { MachineDefinition, ResolvedDefinition } from "../core/machine/definition.ts";
import type { Guest, GuestPiece, SnapshotSource } from "../core/machine/machine.ts";
import { type MachineParts, resolveDefinition } from "../core/machine/resolve.ts";
import { type ByteSource, Container, memorySource } from "../core/machine/snapshot/container_reader.ts";
import { fileSource } from "../core/machine/snapshot/file_source.ts";
import type { ByteSink } from "../core/machine/snapshot/container_writer.ts";
import { SECTION } from "../core/machine/snapshot/layout.ts";
import {
  checkSameMachine,
  decodeMachine,
  type IdentifiedPiece,
  machineIdentity,
  savedDefinition,
  type SavedMachine,
} from "../core/machine/snapshot/saved_machine.ts";
import { sha256Hex } from "../core/machine/snapshot/sha256.ts";
import { readGuest, releaseGuest } from "./guest.ts";

/** A snapshot and the machine that may take it over. */
export interface Restorable {
  /** The machine. */
  readonly definition: ResolvedDefinition;
  /** The snapshot. */
  readonly source: SnapshotSource;
}

/** A definition of which only what matters at a restore needs to be said. */
export type RestoreDefinition = Partial<MachineDefinition>;

/**
 * Reads which machine a snapshot is of, and checks that a definition is the same machine's.
 *
 * @param snapshot A file, or a snapshot's bytes.
 * @param given Where it has a guest it must be the saved machine's in everything; else only what it says must be. What a run may change
 * from one to the next is taken from it: `script`, `stopAt`, `trace`, `reset`.
 * @param parts Our own modules of the machine. @param base URL that relative paths start from.
 * @throws {BulkheadError} `unreadable-file`, `snapshot-damaged`, `snapshot-version`, `snapshot-machine`, or what is wrong with `given`.
 */
export async function openSnapshot(
  snapshot: string | URL | Uint8Array,
  given: RestoreDefinition,
  parts: MachineParts,
  base: URL,
): Promise<Restorable> {
  if (snapshot instanceof Uint8Array) {
    const source = memorySource("the snapshot", snapshot);
    return await prepare(source, { file: null, bytes: snapshot }, given, parts, base);
  }
  const subject = `snapshot "${fileName(snapshot)}"`;
  const { file, path, length } = await openFile(snapshot, subject);
  using _open = file;
  return await prepare(fileSource(subject, file, length), { file: path }, given, parts, base);
}

async function prepare(
  bytes: ByteSource,
  where: Pick<SnapshotSource, "file" | "bytes">,
  given: RestoreDefinition,
  parts: MachineParts,
  base: URL,
): Promise<Restorable> {
  const { subject } = bytes;
  const container = await Container.open(bytes);
  const saved = await decodeMachine(subject, await container.readJson(SECTION.MACHINE));
  const definition = resolveRestored(saved, given, parts, base);
  const { identity } = saved;
  checkSameMachine(subject, identity, { ...machineIdentity(definition, identity.start, []), pieces: undefined });
  const source = { ...where, subject, digest: container.digest };
  if (given.boot === undefined) return { definition, source };

  const guest = await readGuest(given.boot, definition.memory);
  const pieces = await identified(guest);
  releaseGuest(guest);
  checkSameMachine(subject, identity, machineIdentity(definition, guest.cpu, pieces));
  return { definition, source: { ...source, again: guest.again } };
}

/** The definition that is to go on: a whole one as it is, else the saved one with what is given. */
function resolveRestored(
  saved: SavedMachine,
  given: RestoreDefinition,
  parts: MachineParts,
  base: URL,
): ResolvedDefinition {
  const { firmware } = saved.identity;
  const { reset, clock, ...others } = savedDefinition(saved);
  // Which guest it is matters only where one is given; its kind says what the board is like.
  const boot = given.boot ?? (firmware ? { rom: "none" } : { kernel: "none" });
  // A date that nobody gave is the one that the machine was started with.
  const date = given.clock?.date ?? clock?.date;
  const definition = given.boot === undefined
    ? { ...others, reset, ...given, boot, clock: { ...clock, ...given.clock, date } }
    : { reset, ...given, boot, clock: { ...given.clock, date } };
  return resolveDefinition(definition, parts, base);
}

/** A guest's pieces in the order in which a machine gets them. */
function identified({ pieces, roms }: Guest): Promise<IdentifiedPiece[]> {
  const of = (rom: boolean) => async ({ address, bytes, name }: GuestPiece) => (
    { address, size: bytes.length, rom, name, sha256: await sha256Hex(bytes) }
  );
  return Promise.all([...pieces.map(of(false)), ...roms.map(of(true))]);
}

/** A file that is to get a snapshot: as it was, until all of it is written. */
export class SnapshotFile {
  readonly #path: string;
  readonly #partial: string;
  readonly #name: string;

  private constructor(path: string, name: string) {
    this.#path = path;
    this.#partial = `${path}.${crypto.randomUUID().slice(0, 8)}.partial`;
    this.#name = name;
  }

  /** Checks that the file can be written, without making it. @throws {BulkheadError} `unwritable-file`. */
  static async at(file: string | URL): Promise<SnapshotFile> {
    const name = fileName(file);
    const status = await Deno.stat(file).catch(() => undefined);
    if (status?.isDirectory) throw unwritable(name, "a folder");
    // A link stays what it is: what it names is replaced.
    if (status !== undefined) return new SnapshotFile(await Deno.realPath(file), name);
    const [, folder, last] = /^(.*[/\\])?([^/\\]*)$/.exec(name)!;
    const real = await Deno.realPath(folder ?? ".").catch(() => undefined);
    if (real === undefined) throw unwritable(name, "a folder that does not exist");
    if (last === "") throw unwritable(name, "the name of a folder");
    return new SnapshotFile(`${real}/${last}`, name);
  }

  /**
   * Writes the file, once: into another one beside it (`NAME.xxxxxxxx.partial`), which takes its place when all of it is on the disk.
   * Only its owner may read it, for all that the guest knows is in it.
   *
   * @param write Gives the content to the sink it is called with.
   * @throws {BulkheadError} `unwritable-file`; whatever `write` throws. The file is then as it was.
   */
  async write<T>(write: (sink: ByteSink) => Promise<T>): Promise<T> {
    try {
      const result = await this.#writePartial(write);
      await Deno.rename(this.#partial, this.#path);
      await syncFolder(this.#path);
      return result;
    } catch (error) {
      await Deno.remove(this.#partial).catch(() => {});
      throw error instanceof BulkheadError ? error : unwritable(this.#name, describe(error), error);
    }
  }

  async #writePartial<T>(write: (sink: ByteSink) => Promise<T>): Promise<T> {
    using file = await Deno.open(this.#partial, { write: true, createNew: true, mode: 0o600 });
    const result = await write(async (bytes) => {
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
    });
    await file.sync();
    return result;
  }
}

/** Makes the new name of a file last. Not every system can: then it lasts when the system sees to it. */
async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path.replace(/[^/\\]*$/, ""), { read: true });
    await folder.sync();
  } catch {
    // The file itself is whole either way.
  }
}

async function openFile(
  file: string | URL,
  subject: string,
): Promise<{ file: Deno.FsFile; path: string; length: number }> {
  try {
    const path = await Deno.realPath(file);
    const { isFile, isDirectory, size } = await Deno.stat(path);
    if (!isFile) throw new Error(isDirectory ? "a folder" : "something that is no file");
    return { file: await Deno.open(path), path, length: size };
  } catch (error) {
    const found = describe(error);
    throw new BulkheadError({ code: "unreadable-file", subject, expected: "a file that can be read", found }, {
      cause: error,
    });
  }
}

function unwritable(name: string, found: string, cause?: unknown): BulkheadError {
  const subject = `snapshot "${name}"`;
  return new BulkheadError({ code: "unwritable-file", subject, expected: "a file that can be written", found }, {
    cause,
  });
}

function fileName(file: string | URL): string {
  return file instanceof URL && file.protocol === "file:" ? decodeURIComponent(file.pathname) : String(file);
}

function describe(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "nothing of that name";
  if (error instanceof Deno.errors.PermissionDenied) return "one that this user may not use";
  return error instanceof Error ? error.message : String(error);
}
