/**
 * Vector files: JSON objects, one a line, plain or compressed with gzip.
 *
 * @module
 */
import { BulkheadError } from "../../core/bus/error.ts";

/** A vector as it was read: its format decides what is in it. */
export type RawVector = Readonly<Record<string, unknown>>;

const SUFFIX = /\.jsonl?(\.gz)?$/;
const GZIP = [0x1f, 0x8b] as const;

/**
 * The vector files that paths name: files as they are, folders with every `.jsonl`, `.jsonl.gz`, `.json` and `.json.gz` file below
 * them, in order of their names.
 *
 * @throws {BulkheadError} A path does not exist, or a folder has no such file.
 */
export async function vectorFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if ((await inspect(path)).isDirectory) {
      const found = await filesBelow(path);
      if (found.length === 0) {
        throw new BulkheadError({
          code: "no-vectors",
          subject: `folder "${path}"`,
          expected: "vector files (.jsonl or .jsonl.gz)",
          found: "none",
          remedy: "name a folder or a file of conformance vectors",
        });
      }
      files.push(...found);
    } else files.push(path);
  }
  return files;
}

async function inspect(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): BulkheadError {
  const missing = error instanceof Deno.errors.NotFound;
  return new BulkheadError({
    code: missing ? "no-such-file" : "unreadable-file",
    subject: `"${path}"`,
    expected: "a file or folder of conformance vectors",
    found: missing ? "nothing of that name" : error instanceof Error ? error.message : String(error),
  }, { cause: error });
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder.replace(/[\\/]+$/, "")}/${entry.name}`;
      const { isDirectory } = entry.isSymlink ? await Deno.stat(path) : entry;
      if (isDirectory && !entry.isSymlink) files.push(...await filesBelow(path));
      else if (!isDirectory && SUFFIX.test(entry.name)) files.push(path);
    }
  } catch (error) {
    throw unreadable(folder, error);
  }
  return files.sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
}

/** Reads a file's lines. @throws {BulkheadError} It cannot be read or is not what its compression says. */
async function readText(path: string): Promise<string> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return new TextDecoder().decode(bytes);
  try {
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return await new Response(plain).text();
  } catch (error) {
    throw new BulkheadError({
      code: "corrupt-file",
      subject: `vector file "${path}"`,
      expected: "a whole gzip file",
      found: error instanceof Error ? error.message : String(error),
    }, { cause: error });
  }
}

/** Reads a file's vectors. @throws {BulkheadError} A line is not a JSON object, or there is none. */
export async function readVectors(path: string): Promise<RawVector[]> {
  const vectors: RawVector[] = [];
  const lines = (await readText(path)).split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const vector = parse(line);
    if (vector === undefined) {
      throw new BulkheadError({
        code: "malformed-vector",
        subject: `vector file "${path}"`,
        where: `line ${index + 1}`,
        expected: "a JSON object",
        found: `"${line.slice(0, 40)}"`,
      });
    }
    vectors.push(vector);
  }
  if (vectors.length === 0) {
    throw new BulkheadError({
      code: "no-vectors",
      subject: `vector file "${path}"`,
      expected: "a vector a line",
      found: "an empty file",
    });
  }
  return vectors;
}

function parse(line: string): RawVector | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as RawVector : undefined;
  } catch {
    return undefined;
  }
}
