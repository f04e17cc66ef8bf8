/**
 * The file of the audit: lines of JSON, each written whole behind what is there.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { printable } from "./printable.ts";

const NEWLINE = 10;

/** A file that lines are added to. */
export class AuditFile implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #warn: (sentence: string) => void;
  #failed = false;

  /**
   * Opens the file; what is in it stays. Only its owner may read one that is made.
   *
   * @param warn Told once if lines cannot be written.
   * @throws {BulkheadError} `audit-file`: it cannot be written.
   */
  constructor(path: string, warn: (sentence: string) => void) {
    this.#path = path;
    this.#warn = warn;
    const bad = (found: string, cause?: unknown) => {
      const subject = `--audit file "${printable(path)}"`, expected = "a file that can be written";
      return new BulkheadError({ code: "audit-file", subject, expected, found }, { cause });
    };
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, append: true, create: true, mode: 0o600 });
    } catch (error) {
      if (isFolder(path)) throw bad("a folder", error);
      if (error instanceof Deno.errors.NotFound) throw bad("a folder that does not exist", error);
      throw bad(error instanceof Error ? printable(error.message) : "an error", error);
    }
    this.#file = file;
    const { isFile, size } = file.statSync();
    // A line that a crash has cut off does not spoil the next.
    if (isFile && size > 0 && lastByte(file, size) !== NEWLINE) this.#append("\n");
  }

  /** Adds a line. */
  write(record: object): void {
    this.#append(`${JSON.stringify(record)}\n`);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  #append(text: string): void {
    if (this.#failed) return;
    try {
      const bytes = new TextEncoder().encode(text);
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    } catch (error) {
      this.#failed = true;
      const why = error instanceof Error ? printable(error.message) : "an error";
      this.#warn(`the audit file "${printable(this.#path)}" gets no more lines: ${why}`);
    }
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function lastByte(file: Deno.FsFile, size: number): number {
  const byte = new Uint8Array(1);
  file.seekSync(size - 1, Deno.SeekMode.Start);
  file.readSync(byte);
  return byte[0]!;
}
