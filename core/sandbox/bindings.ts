/**
 * Binds what a plugin asks for to the real things that the owner named: files by their real path, peers by exact address.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { FileRight, HostRight, HostRights } from "../bus/host_rights.ts";
import { printable } from "./printable.ts";
import { INSPECTOR_PORT, realPath } from "./rights.ts";

/** What is to be bound. */
export interface Bindable {
  /** The plugin's name in the machine, for sentences. */
  readonly name: string;
  /** What it asks for. */
  readonly rights: HostRights;
  /** What the owner named, by placeholder. */
  readonly bind: Readonly<Record<string, string>>;
  /** Files to read and write need not be there: whoever binds them makes them. */
  readonly make?: boolean;
}

/**
 * The real things by placeholder: absolute real paths, `host:port`, `unix:` and an absolute path.
 *
 * @param reserved Real paths of files that no plugin may ever be given: the record of agreements, the audit.
 * @throws {BulkheadError} `bad-binding`: a right that is not bound, something bound that is not asked for, or what cannot be bound.
 */
export async function bindRights(
  { name, rights, bind, make = false }: Bindable,
  reserved: readonly string[],
): Promise<Record<string, string>> {
  for (const placeholder of Object.keys(bind)) {
    if (Object.hasOwn(rights, placeholder)) continue;
    const asked = Object.keys(rights);
    throw refusal(name, placeholder, {
      expected: asked.length === 0
        ? "nothing bound, as it asks for no right on the host"
        : `what it asks for: ${asked.join(", ")}`,
      found: `"${placeholder}"`,
    });
  }
  const real: Record<string, string> = {};
  for (const [placeholder, right] of Object.entries(rights)) {
    const value = Object.hasOwn(bind, placeholder) ? bind[placeholder] : undefined;
    if (value === undefined) {
      throw refusal(name, placeholder, {
        expected: `${describeRight(right)} that it may use, because: ${right.why}`,
        found: "nothing bound to it",
        remedy: `name one with --bind ${name}.${placeholder}=${
          right.kind === "file" ? "FILE" : "HOST:PORT"
        }, or under bind in the machine file`,
      });
    }
    const bound = await bindOne(name, placeholder, right, value, make);
    if (reserved.includes(bound)) {
      throw refusal(name, placeholder, {
        expected: "a file of the plugin's own",
        found: `"${printable(value)}", in which Bulkhead keeps what plugins are held to`,
      });
    }
    real[placeholder] = bound;
  }
  return real;
}

/** A right, as a noun. */
export function describeRight(right: HostRight): string {
  if (right.kind === "file") return `a file to ${right.access.replace("-", " and ")}`;
  return right.kind === "connect" ? "an address to connect to" : "an address to listen at";
}

/** The rights as they are given where files are not to be changed: reading is what remains of reading and writing. */
export function readOnlyRights(rights: HostRights): HostRights {
  const narrowed = ([name, right]: [string, HostRight]): [string, HostRight] =>
    right.kind === "file" && right.access === "read-write" ? [name, { ...right, access: "read" }] : [name, right];
  return Object.fromEntries(Object.entries(rights).map(narrowed));
}

interface Refusal {
  readonly expected: string;
  readonly found: string;
  readonly remedy?: string;
}

async function bindOne(
  name: string,
  placeholder: string,
  right: HostRight,
  value: string,
  make: boolean,
): Promise<string> {
  const refuse = (expected: string, found: string, remedy?: string): never => {
    throw refusal(name, placeholder, { expected, found: `"${printable(value)}"${found}`, remedy });
  };
  if (value.includes("\0")) refuse("a name without zero characters", "");
  if (right.kind === "file") return await bindFile(right, value, make, refuse);
  return value.startsWith("unix:")
    ? `unix:${await bindSocket(right.kind, value.slice(5), refuse)}`
    : bindAddress(right.kind, value, refuse);
}

type Refuse = (expected: string, found: string, remedy?: string) => never;

async function bindFile({ access }: FileRight, value: string, make: boolean, refuse: Refuse): Promise<string> {
  const expected = describeRight({ kind: "file", access, why: "" });
  const status = await Deno.stat(value).catch((error) => error as Error);
  if (!(status instanceof Error)) {
    if (status.isDirectory) refuse(expected, ", a folder");
    if (!status.isFile && access !== "write") refuse(expected, ", which is no regular file");
    if (status.isBlockDevice) refuse(expected, ", a whole disk of the host");
    return exact(await realPath(value), refuse);
  }
  if (!(status instanceof Deno.errors.NotFound)) {
    return refuse(expected, `, which cannot be looked at: ${status.message}`);
  }
  if (access === "read" || (access === "read-write" && !make)) return refuse(expected, ", which does not exist");
  return await newPath(value, expected, refuse);
}

async function bindSocket(kind: "connect" | "listen", value: string, refuse: Refuse): Promise<string> {
  const expected = `a Unix socket to ${kind === "connect" ? "connect to" : "listen at"}`;
  const status = await Deno.stat(value).catch((error) => error as Error);
  if (!(status instanceof Error)) {
    if (status.isSocket !== true) refuse(expected, ", which is no socket");
    return exact(await realPath(value), refuse);
  }
  if (!(status instanceof Deno.errors.NotFound)) {
    return refuse(expected, `, which cannot be looked at: ${status.message}`);
  }
  if (kind === "connect") return refuse(expected, ", which does not exist");
  return await newPath(value, expected, refuse);
}

/** The real path of something that is still to be made. */
async function newPath(value: string, expected: string, refuse: Refuse): Promise<string> {
  if (await Deno.lstat(value).then(() => true, () => false)) refuse(expected, ", a link to nothing");
  const [, folder, last] = /^(.*[/\\])?([^/\\]*)$/s.exec(value)!;
  if (last === "" || last === "." || last === "..") refuse(expected, ", the name of a folder");
  const real = await Deno.realPath(folder ?? ".").catch(() => refuse(expected, ", in a folder that does not exist"));
  return exact(`${real.replace(/[/\\]$/, "")}/${last}`, refuse);
}

/** Refuses a path that the host's permissions would take for another one. */
function exact(path: string, refuse: Refuse): string {
  if (path.includes(",")) refuse("a path without a comma, which would be read as two", "", "rename it");
  return path;
}

function bindAddress(kind: "connect" | "listen", value: string, refuse: Refuse): string {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?):(0|[1-9][0-9]{0,4})$/i.exec(value);
  const expected = "one address with its port, host:port or unix:PATH";
  if (match === null) return refuse(expected, "");
  const host = match[1]!.toLowerCase(), port = Number(match[3]);
  if (port > 65535 || (port === 0 && kind === "connect")) {
    refuse(`a port from ${kind === "connect" ? 1 : 0} to 65535`, "");
  }
  if (port === INSPECTOR_PORT) {
    refuse(
      "another port",
      ", the port of the inspector: who reaches it can run code in the process that listens there",
    );
  }
  return `${host}:${port}`;
}

function refusal(name: string, placeholder: string, parts: Refusal): BulkheadError {
  return new BulkheadError({
    code: "bad-binding",
    subject: `plugin "${name}"`,
    where: `right "${placeholder}"`,
    ...parts,
  });
}
