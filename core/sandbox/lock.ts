/**
 * The record of agreements: `bulkhead.lock`, JSON with sorted names, which can be kept with a machine's other files.
 *
 * It is written whole or not at all, and two starts at once both find their agreements in it afterwards.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { HostRight } from "../bus/host_rights.ts";
import { isPlacement, type Placement } from "./placement.ts";
import { printable } from "./printable.ts";

/** Its name, unless the owner says otherwise. */
export const LOCK_NAME = "bulkhead.lock";

/** The version of its form. */
const VERSION = 1;

/** Bytes that no lock has. */
const MOST_BYTES = 16 << 20;

/** How often a file that is replaced under our hands is opened again. */
const MOST_TRIES = 1000;

/** A right as it was agreed to: bound to a real thing. */
export type AgreedRight = HostRight & {
  /** The real thing. */
  readonly value: string;
};

/** What was agreed to for a content, at one time. */
export interface AgreedTerms {
  /** Where it runs. */
  readonly placement: Placement;
  /** Rights by placeholder. */
  readonly rights: Readonly<Record<string, AgreedRight>>;
}

/** A content that is known. */
export interface LockedPlugin {
  /** The plugin's id. */
  readonly id: string;
  /** Its version. */
  readonly version: number;
  /** Where it came from. */
  readonly origin: string;
  /** What was agreed to; nothing for a plugin that asks for nothing. */
  readonly agreed: readonly AgreedTerms[];
}

/** A lock: known contents by their hash. */
export type Lock = Readonly<Record<string, LockedPlugin>>;

/**
 * Reads a lock; an empty one if there is none.
 *
 * @throws {BulkheadError} `bad-lock`: a file that is no lock. Nothing is agreed to then.
 */
export async function readLock(path: string): Promise<Lock> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw unusable(path, "a file that can be read", reason(error), error);
  }
  using open = file;
  return await parse(path, open);
}

/**
 * Adds to a lock, under the host's lock on the file, so that nothing that another process adds is lost.
 *
 * @param change Makes the new content of what is there by then.
 * @throws {BulkheadError} `bad-lock`: it cannot be read or written; it is as it was.
 */
export async function updateLock(path: string, change: (lock: Lock) => Lock): Promise<void> {
  using file = await openExclusively(path);
  const before = await parse(path, file);
  const after = change(before);
  if (lockText(before) === lockText(after)) return;
  const partial = `${path}.${crypto.randomUUID().slice(0, 8)}.partial`;
  try {
    await writeWhole(partial, lockText(after));
    await Deno.rename(partial, path);
  } catch (error) {
    await Deno.remove(partial).catch(() => {});
    throw unusable(path, "a file that can be written", reason(error), error);
  }
}

/** The file's text. */
export function lockText(lock: Lock): string {
  return `${JSON.stringify(sorted({ version: VERSION, plugins: lock }), null, 2)}\n`;
}

/** Whether this process may write there without anybody being asked. */
export async function mayRecord(path: string): Promise<boolean> {
  const { state } = await Deno.permissions.query({ name: "write", path });
  return state === "granted";
}

/** The file itself, held by nobody else. It is made if it is not there. */
async function openExclusively(path: string): Promise<Deno.FsFile> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(path, { read: true, write: true, create: true });
    } catch (error) {
      throw unusable(path, "a file that can be written", reason(error), error);
    }
    await file.lock(true);
    // Who held it before has put another file in its place.
    const [held, there] = [await file.stat(), await Deno.stat(path).catch(() => undefined)];
    if (there !== undefined && held.ino === there.ino && held.dev === there.dev) return file;
    file.close();
  }
  throw unusable(path, "a file that stays in its place", "one that others replace without end");
}

async function writeWhole(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  await file.sync();
}

async function parse(path: string, file: Deno.FsFile): Promise<Lock> {
  const { size, isFile, isDirectory } = await file.stat();
  if (isDirectory) throw unusable(path, "a file", "a folder");
  if (!isFile) throw unusable(path, "a file", "something else of that name");
  if (size > MOST_BYTES) throw unusable(path, "a lock", `${size} bytes`);
  let text: string, json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await new Response(readable(file)).arrayBuffer());
  } catch (error) {
    throw unusable(path, "text", "bytes that are none", error);
  }
  // It has been made, and nothing was written to it.
  if (text === "") return {};
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unusable(path, "JSON", firstLine(error), error);
  }
  const lock = record(json);
  if (lock?.version !== VERSION) {
    throw unusable(
      path,
      `version ${VERSION}, which this release reads`,
      printable(JSON.stringify(lock?.version) ?? "none").slice(0, 40),
    );
  }
  const plugins = record(lock.plugins);
  if (plugins === undefined) throw unusable(path, "plugins, by their contents' hashes", "none");
  for (const [hash, plugin] of Object.entries(plugins)) {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw unusable(path, "contents' hashes", `"${printable(hash).slice(0, 80)}"`);
    if (!isLocked(plugin)) throw unusable(path, "an agreement", `something else under ${hash.slice(0, 12)}`);
  }
  return plugins as unknown as Lock;
}

/** What is left of a file, without closing it. */
function readable(file: Deno.FsFile): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const bytes = new Uint8Array(1 << 16);
      const count = await file.read(bytes);
      if (count === null) controller.close();
      else controller.enqueue(bytes.subarray(0, count));
    },
  });
}

function isLocked(value: unknown): value is LockedPlugin {
  const plugin = record(value);
  return plugin !== undefined && typeof plugin.id === "string" && typeof plugin.version === "number" &&
    typeof plugin.origin === "string" && Array.isArray(plugin.agreed) && plugin.agreed.every(isTerms);
}

function isTerms(value: unknown): value is AgreedTerms {
  const terms = record(value), rights = record(terms?.rights);
  return rights !== undefined && isPlacement(terms!.placement) && Object.values(rights).every(isRight);
}

function isRight(value: unknown): value is AgreedRight {
  const right = record(value);
  if (right === undefined || typeof right.value !== "string" || typeof right.why !== "string") return false;
  if (right.kind === "file") return ["read", "read-write", "write"].includes(right.access as string);
  return right.kind === "connect" || right.kind === "listen";
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

/** The same data with sorted names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  const fields = record(value);
  if (fields === undefined) return value;
  return Object.fromEntries(Object.keys(fields).sort().map((key) => [key, sorted(fields[key])]));
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "a folder that does not exist";
  if (error instanceof Deno.errors.IsADirectory) return "a folder";
  return firstLine(error);
}

function firstLine(error: unknown): string {
  return printable((error instanceof Error ? error.message : String(error)).split("\n")[0]!).slice(0, 200);
}

function unusable(path: string, expected: string, found: string, cause?: unknown): BulkheadError {
  return new BulkheadError({
    code: "bad-lock",
    subject: `lock "${printable(path)}"`,
    expected,
    found,
    remedy: "restore it, or remove it and agree anew",
  }, { cause });
}
