/**
 * A directory of the host as an initial root file system: walked through a reader that is handed over, and written as a cpio archive.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import type { GuestFile } from "../guest_start.ts";
import { sizeText } from "../quantity.ts";
import { type CpioEntry, writeCpio } from "./cpio.ts";

/** What a directory holds under one name, not following symbolic links. */
export interface FolderEntry {
  /** The name, without its directory. */
  readonly name: string;
  /** What it is; `other` for what an archive cannot hold. */
  readonly kind: CpioEntry["kind"] | "other";
  /** Permission bits; higher bits are ignored. `null` where the host has none: everything is then 0755. */
  readonly mode: number | null;
  /** Device numbers, for `character` and `block`. */
  readonly device?: {
    /** Major device number. */
    readonly major: number;
    /** Minor device number. */
    readonly minor: number;
  };
}

/** Reads one directory tree of the host. Paths are relative to its root, with `/` between names; the root itself is the empty path. */
export interface FolderReader {
  /** What the directory holds, in any order. */
  list(path: string): Promise<Iterable<FolderEntry>>;
  /** The content of a file. */
  read(path: string): Promise<Uint8Array>;
  /** The target of a symbolic link, as stored. */
  readLink(path: string): Promise<string>;
}

/** The most that an overlay may hold: it must fit into guest memory, as an archive and again unpacked. */
const MOST_BYTES = 0x6000_0000;

/** Directories nested deeper than this are taken for a loop of mounts. PATH_MAX allows about 2,000 anyway. */
const DEEPEST = 512;

/**
 * Archives a directory. Everything belongs to root in the guest; permission bits and links are kept; what the archive cannot hold is an
 * error, not left out.
 *
 * @param reader Reads the directory.
 * @param name What the user called the directory, for error sentences.
 * @returns The archive, ready to be the last of a kernel's initrds: it then overwrites what the others hold.
 * @throws {BulkheadError} `overlay-entry`, `overlay-size`, `overlay-read`, `cpio-entry`.
 */
export async function overlayArchive(reader: FolderReader, name: string): Promise<GuestFile> {
  const subject = `overlay ${JSON.stringify(name)}`;
  const entries: CpioEntry[] = [];
  let total = 0;

  const attempt = async <T>(path: string, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (thrown) {
      if (thrown instanceof BulkheadError) throw thrown;
      throw new BulkheadError({
        code: "overlay-read",
        subject,
        where: JSON.stringify(path || "."),
        expected: "a readable entry",
        found: thrown instanceof Error ? thrown.message : String(thrown),
        remedy: "give a directory that you may read",
      }, { cause: thrown });
    }
  };

  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > DEEPEST) {
      throw new BulkheadError({
        code: "overlay-entry",
        subject,
        where: `${JSON.stringify(folder.slice(0, 100))}...`,
        expected: `at most ${DEEPEST} nested directories`,
        found: "more",
      });
    }
    for (const found of await attempt(folder, () => reader.list(folder))) {
      const path = folder === "" ? found.name : `${folder}/${found.name}`;
      const mode = found.mode === null ? 0o755 : found.mode & 0o7777;
      const entry = await attempt(path, () => entryOf(reader, found, path, mode));
      if (entry === undefined) {
        throw new BulkheadError({
          code: "overlay-entry",
          subject,
          where: JSON.stringify(path),
          expected: "files, directories, symbolic links, devices, pipes or sockets",
          found: "something else",
          remedy: "remove it from the directory",
        });
      }
      entries.push(entry);
      if (entry.kind === "file") total += entry.bytes.length;
      if (total > MOST_BYTES) {
        throw new BulkheadError({
          code: "overlay-size",
          subject,
          expected: `at most ${sizeText(MOST_BYTES)} of files, because it is unpacked into guest memory`,
          found: "more",
          remedy: "give a smaller directory",
        });
      }
      if (entry.kind === "directory") await walk(path, depth + 1);
    }
  };

  await walk("", 0);
  return { name, bytes: writeCpio(entries) };
}

async function entryOf(
  reader: FolderReader,
  found: FolderEntry,
  path: string,
  mode: number,
): Promise<CpioEntry | undefined> {
  switch (found.kind) {
    case "file":
      return { kind: "file", path, mode, bytes: await reader.read(path) };
    case "symlink":
      return { kind: "symlink", path, mode: 0o777, target: await reader.readLink(path) };
    case "character":
    case "block":
      return { kind: found.kind, path, mode, major: found.device?.major ?? 0, minor: found.device?.minor ?? 0 };
    case "directory":
    case "fifo":
    case "socket":
      return { kind: found.kind, path, mode };
    case "other":
      return undefined;
  }
}
