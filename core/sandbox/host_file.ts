/**
 * An open file of the host, locked: one writer, or any number of readers.
 *
 * The lock is the host system's, on the file itself, so that it ends with its holder, however that ends.
 *
 * @module
 */
import type { FileHandle, FileRight } from "../bus/host_rights.ts";
import { bytesOf, positionOf } from "./host_bytes.ts";
import type { Uses } from "./host_uses.ts";

/**
 * Milliseconds that must have passed since a file's last change before its times can tell a later one: the host's clock for files ticks up
 * to every 10 milliseconds.
 */
const TICK = 25;

/** An open file, and how it is closed. */
export interface OpenFile {
  readonly handle: FileHandle;
  close(): void;
}

/** Opens a file by its real path. @throws {BulkheadError} `host-io`, `file-locked`. */
export function openFile(path: string, access: FileRight["access"], uses: Uses): OpenFile {
  const attempt = <T>(action: string, what: () => T): T => {
    try {
      return what();
    } catch (error) {
      throw uses.refused(action, error);
    }
  };
  const write = access !== "read", read = access !== "write";
  const file = attempt("open", () => Deno.openSync(path, { read, write, create: access === "write" }));
  try {
    // To look at a file takes the right to read it, which a write-only one is not given with.
    const isFile = read ? attempt("open", () => file.statSync()).isFile : isSeekable(file);
    if (!isFile && read) throw uses.against("open", "none: a folder or a device", "a regular file");
    // Pipes and terminals are written to in order, and are not locked.
    if (isFile) lock(file, write, uses);
    if (isFile && access === "write") attempt("truncate", () => file.truncateSync(0));
    uses.count("open");
    return { handle: Object.freeze(handleOf(file, isFile, attempt, uses)), close: () => closeQuietly(file, uses) };
  } catch (error) {
    file.close();
    throw error;
  }
}

type Attempt = <T>(action: string, what: () => T) => T;

function handleOf(file: Deno.FsFile, seekable: boolean, attempt: Attempt, uses: Uses): FileHandle {
  const seek = (offset: number) => void (seekable && file.seekSync(offset, Deno.SeekMode.Start));
  return {
    size: () => attempt("stat", () => seekable ? file.seekSync(0, Deno.SeekMode.End) : 0),
    read: (offset, into) =>
      attempt("read", () => {
        const bytes = bytesOf(into);
        seek(positionOf(offset));
        let done = 0;
        while (done < bytes.length) {
          const count = file.readSync(bytes.subarray(done));
          if (count === null || count === 0) break;
          done += count;
        }
        uses.count("read", done);
        return done;
      }),
    write: (offset, from) =>
      attempt("write", () => {
        const bytes = bytesOf(from);
        seek(positionOf(offset));
        for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
        uses.count("write", bytes.length);
      }),
    truncate: (size) =>
      attempt("truncate", () => {
        file.truncateSync(positionOf(size));
        uses.count("truncate");
      }),
    flush: () =>
      attempt("flush", () => {
        if (seekable) file.syncDataSync();
        uses.count("flush");
      }),
    stamp: () => attempt("stat", () => stamp(file)),
  };
}

/** Pipes and terminals have no position. */
function isSeekable(file: Deno.FsFile): boolean {
  try {
    file.seekSync(0, Deno.SeekMode.Current);
    return true;
  } catch {
    return false;
  }
}

/** @throws {BulkheadError} `file-locked`. */
function lock(file: Deno.FsFile, exclusive: boolean, uses: Uses): void {
  let free: boolean;
  try {
    free = file.tryLockSync(exclusive);
  } catch (error) {
    // A file system without locks: reading together with others does no harm.
    if (!exclusive) return;
    throw uses.refused("lock", error);
  }
  if (free) return;
  throw uses.against(
    "lock",
    exclusive ? "one that a machine or another program has open" : "one that a machine or another program writes",
    exclusive ? "a file that nobody else uses, as it is to be written" : "a file that nobody writes",
    "stop the other one, or make a copy",
    "file-locked",
  );
}

/** Size and time of the last change, once a later change must have a later time. */
function stamp(file: Deno.FsFile): string {
  for (;;) {
    const { size, mtime } = file.statSync();
    const changed = mtime?.getTime() ?? 0, age = Date.now() - changed;
    if (age > TICK || age < 0) return `${size} bytes of ${new Date(changed).toISOString()}`;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK - age + 1);
  }
}

function closeQuietly(file: Deno.FsFile, uses: Uses): void {
  try {
    file.close();
    uses.count("close");
  } catch {
    // It was closed before.
  }
}
