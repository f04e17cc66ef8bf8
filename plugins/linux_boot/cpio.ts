/**
 * A writer of cpio archives in the newc format, the one that Linux unpacks into its initial root file system.
 *
 * The output depends on the entries alone: sorted, without times, owned by root, with inode numbers counted from 1. Format:
 * Documentation/driver-api/early-userspace/buffer-format.rst.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";

/** What every entry has. */
export interface CpioEntryBase {
  /** Relative to the root, with `/` between names: `bin/busybox`. No empty, `.` or `..` names. */
  readonly path: string;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
}

/** A regular file. */
export interface CpioFile extends CpioEntryBase {
  /** Tells it from the other kinds. */
  readonly kind: "file";
  /** Its content. */
  readonly bytes: Uint8Array;
}

/** A symbolic link. */
export interface CpioSymlink extends CpioEntryBase {
  /** Tells it from the other kinds. */
  readonly kind: "symlink";
  /** Where it points, as stored. */
  readonly target: string;
}

/** A device node. */
export interface CpioDevice extends CpioEntryBase {
  /** What the node stands for. */
  readonly kind: "character" | "block";
  /** Major device number. */
  readonly major: number;
  /** Minor device number. */
  readonly minor: number;
}

/** A directory, a named pipe or a socket. */
export interface CpioNode extends CpioEntryBase {
  /** Which of the kinds without content. */
  readonly kind: "directory" | "fifo" | "socket";
}

/** An entry of an archive. */
export type CpioEntry = CpioFile | CpioSymlink | CpioDevice | CpioNode;

/** File types of st_mode. */
const TYPE: Readonly<Record<CpioEntry["kind"], number>> = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};

const HEADER_SIZE = 110;
const TRAILER = "TRAILER!!!";

/** Linux's PATH_MAX: the kernel skips an entry whose name or link target, with its NUL, is longer. */
const PATH_MAX = 4096;

/** NAME_MAX of the file systems that an initramfs is unpacked to. */
const NAME_MAX = 255;

/** The size field has eight hexadecimal digits. */
const LARGEST_FILE = 0xffff_ffff;

/** An entry with its strings encoded. */
interface Encoded {
  readonly entry: CpioEntry;
  readonly name: Uint8Array;
  readonly body: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/**
 * Writes an archive. Entries may come in any order: a directory is written before what it holds, and one that is missing is added with
 * mode 0755.
 *
 * @param entries What the archive holds.
 * @returns The archive, its length a multiple of 4, ended by a trailer.
 * @throws {BulkheadError} `cpio-entry`: a path that is no relative path, is too long, occurs twice, or lies below a file; a mode, a device
 * number or a file too large for the format.
 */
export function writeCpio(entries: Iterable<CpioEntry>): Uint8Array {
  const encoded = complete(entries).map(encode);
  const trailer: Encoded = {
    entry: { kind: "directory", path: TRAILER, mode: 0 },
    name: new TextEncoder().encode(`${TRAILER}\0`),
    body: NOTHING,
  };
  const size = [...encoded, trailer].reduce(
    (sum, { name, body }) => sum + alignTo4(HEADER_SIZE + name.length) + alignTo4(body.length),
    0,
  );
  const archive = new Uint8Array(size);
  let offset = 0;
  const append = (item: Encoded, fields: readonly number[]) => {
    archive.set(headerOf(fields), offset);
    archive.set(item.name, offset + HEADER_SIZE);
    offset += alignTo4(HEADER_SIZE + item.name.length);
    archive.set(item.body, offset);
    offset += alignTo4(item.body.length);
  };
  encoded.forEach((item, index) => append(item, fieldsOf(item, index + 1)));
  append(trailer, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, trailer.name.length, 0]);
  return archive;
}

/** The thirteen fields after the magic, in order. */
function fieldsOf({ entry, name, body }: Encoded, inode: number): number[] {
  const device = entry.kind === "character" || entry.kind === "block" ? entry : undefined;
  // A link count above 1 on a file would make the kernel look for other names of its inode.
  const links = entry.kind === "directory" ? 2 : 1;
  const type = TYPE[entry.kind];
  const [owner, group, time, deviceMajor, deviceMinor, checksum] = [0, 0, 0, 0, 0, 0];
  return [
    inode,
    type | entry.mode,
    owner,
    group,
    links,
    time,
    body.length,
    deviceMajor,
    deviceMinor,
    device?.major ?? 0,
    device?.minor ?? 0,
    name.length,
    checksum,
  ];
}

function headerOf(fields: readonly number[]): Uint8Array {
  const digits = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return new TextEncoder().encode(`070701${digits}`);
}

/** Sorts the entries, parents first, and adds the directories that are missing. */
function complete(entries: Iterable<CpioEntry>): CpioEntry[] {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    checkPath(entry);
    if (byPath.has(entry.path)) throw refuse(entry, "a path that occurs once", "it twice");
    byPath.set(entry.path, entry);
  }
  for (const entry of [...byPath.values()]) {
    for (let slash = entry.path.indexOf("/"); slash !== -1; slash = entry.path.indexOf("/", slash + 1)) {
      const path = entry.path.slice(0, slash);
      const parent = byPath.get(path);
      if (parent === undefined) byPath.set(path, { kind: "directory", path, mode: 0o755 });
      else if (parent.kind !== "directory") {
        throw refuse(entry, `${JSON.stringify(path)} to be a directory`, `a ${parent.kind}`);
      }
    }
  }
  // By names, not by the whole path: "a/b" belongs before "a-b", with what else "a" holds. Code units order the same in every locale.
  return [...byPath.values()]
    .map((entry) => ({ entry, key: entry.path.replaceAll("/", "\0") }))
    .sort((left, right) => left.key < right.key ? -1 : 1)
    .map(({ entry }) => entry);
}

function checkPath(entry: CpioEntry): void {
  if (entry.path === TRAILER) throw refuse(entry, "another name", "the one that ends an archive");
  for (const name of entry.path.split("/")) {
    if (name === "" || name === "." || name === ".." || name.includes("\0")) {
      throw refuse(entry, "a relative path without empty, `.` or `..` names", JSON.stringify(name));
    }
    const length = new TextEncoder().encode(name).length;
    if (length > NAME_MAX) throw refuse(entry, `names of at most ${NAME_MAX} bytes`, `one of ${length}`);
  }
}

function encode(entry: CpioEntry): Encoded {
  const name = new TextEncoder().encode(`${entry.path}\0`);
  if (name.length > PATH_MAX) throw refuse(entry, `a path of at most ${PATH_MAX - 1} bytes`, `${name.length - 1}`);
  if (!Number.isInteger(entry.mode) || entry.mode < 0 || entry.mode > 0o7777) {
    throw refuse(entry, "permission bits from 0 to 0o7777", `0o${entry.mode.toString(8)}`);
  }
  if (entry.kind === "file") {
    if (entry.bytes.length > LARGEST_FILE) {
      throw refuse(entry, "a file of less than 4 GB", `${entry.bytes.length} bytes`);
    }
    return { entry, name, body: entry.bytes };
  }
  if (entry.kind === "symlink") {
    const body = new TextEncoder().encode(entry.target);
    if (body.length === 0 || body.length >= PATH_MAX || body.includes(0)) {
      throw refuse(entry, `a link target of 1 to ${PATH_MAX - 1} bytes without NUL`, `one of ${body.length} bytes`);
    }
    return { entry, name, body };
  }
  if (entry.kind === "character" || entry.kind === "block") {
    for (const number of [entry.major, entry.minor]) {
      if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) {
        throw refuse(entry, "32-bit device numbers", `${number}`);
      }
    }
  }
  return { entry, name, body: NOTHING };
}

function refuse(entry: CpioEntry, expected: string, found: string): BulkheadError {
  const shown = entry.path.length > 100 ? `${entry.path.slice(0, 100)}...` : entry.path;
  return new BulkheadError({
    code: "cpio-entry",
    subject: `${entry.kind} ${JSON.stringify(shown)} of the initial root file system`,
    expected,
    found,
  });
}

function alignTo4(value: number): number {
  return Math.ceil(value / 4) * 4;
}
