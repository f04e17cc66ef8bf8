/**
 * Where `--serial` connects the guest's first serial port.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { Terminal } from "../plugins/terminal/terminal.ts";
import { usage } from "./options.ts";

/** What `--serial` says. */
export type SerialChoice = { readonly kind: "stdio" } | { readonly kind: "none" } | {
  readonly kind: "file";
  readonly path: string;
} | { readonly kind: "backend"; readonly name: string };

/** Reads `stdio`, `none`, `file:PATH` or `backend:NAME`. @throws {BulkheadError} `usage`. */
export function parseSerial(text: string, option: string): SerialChoice {
  if (text === "stdio" || text === "none") return { kind: text };
  if (text.startsWith("file:") && text.length > 5) return { kind: "file", path: text.slice(5) };
  if (text.startsWith("backend:") && text.length > 8) return { kind: "backend", name: text.slice(8) };
  throw usage(option, "stdio, none, file:PATH or backend:NAME", `"${text}"`);
}

/** Takes the guest's output. */
export interface SerialTarget {
  /** Takes bytes. False: nobody will ever read them. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Closes it after a run. */
  close(): void;
  /** Closes it before a run has begun, and takes back what opening it has made. */
  abandon(): void;
}

/** Opens the target. @throws {BulkheadError} `serial-file` when the file cannot be written. */
export async function openSerial(choice: SerialChoice, terminal: Terminal): Promise<SerialTarget> {
  const nothing = () => {};
  // What a back end gets, the machine sends it.
  if (choice.kind === "none" || choice.kind === "backend") {
    return { write: () => Promise.resolve(true), close: nothing, abandon: nothing };
  }
  if (choice.kind === "stdio") return { write: (bytes) => terminal.write(bytes), close: nothing, abandon: nothing };
  return await openFile(choice.path);
}

async function openFile(path: string): Promise<SerialTarget> {
  const existed = await Deno.lstat(path).then(() => true, () => false);
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { write: true, create: true, truncate: true });
  } catch (error) {
    const isFolder = await Deno.stat(path).then((status) => status.isDirectory, () => false);
    throw new BulkheadError({
      code: "serial-file",
      subject: `--serial file "${path}"`,
      expected: "a file that can be written",
      found: isFolder ? "a folder" : error instanceof Error ? error.message : String(error),
    }, { cause: error });
  }
  return {
    write: async (bytes) => {
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      return true;
    },
    close: () => file.close(),
    abandon: () => {
      file.close();
      if (!existed) Deno.removeSync(path);
    },
  };
}
