/**
 * How a Deno process or Worker is given rights: the one file that knows.
 *
 * Every permission key is written out, because a key that is left out of a Worker's permissions is inherited from its parent, and one
 * that is left out of a command line may one day have another default.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";

/** The rights of a compartment. Each list is exact: files by real path, hosts as `host:port`, variables and commands by name. */
export interface Rights {
  /** Files (or, for our own sources, folders) that may be read, as absolute real paths. */
  readonly read: readonly string[];
  /** Files that may be written, as absolute real paths. */
  readonly write: readonly string[];
  /** Hosts that may be reached, `host:port`; Unix sockets, `unix:` and an absolute path, which must be among the files, too. */
  readonly net: readonly string[];
  /** Environment variables that may be read, by exact name. */
  readonly env: readonly string[];
  /** Hosts that modules may be imported from, `host:port`. */
  readonly import: readonly string[];
}

/** No right at all. */
export const NO_RIGHTS: Rights = { read: [], write: [], net: [], env: [], import: [] };

/** The port of V8's inspector: who may reach it may evaluate code in the process that listens. */
export const INSPECTOR_PORT = 9229;

/** Rights that no compartment is ever given. */
const NEVER = ["sys", "run", "ffi"] as const;

/**
 * The command-line flags that give a Deno process exactly these rights and no other.
 *
 * @throws {BulkheadError} `right-refused` for a right that cannot be given exactly.
 */
export function processFlags(rights: Rights): string[] {
  check(rights);
  const flags = ["--no-prompt", "--cached-only", "--no-lock", "--unstable-worker-options"];
  for (const key of ["read", "write", "net", "env", "import"] as const) {
    const list = rights[key];
    flags.push(list.length === 0 ? `--deny-${key}` : `--allow-${key}=${list.join(",")}`);
  }
  for (const key of NEVER) flags.push(`--deny-${key}`);
  return flags;
}

/**
 * The `deno.permissions` option that gives a Worker exactly these rights. The parent must hold them.
 *
 * @throws {BulkheadError} `right-refused` for a right that cannot be given exactly.
 */
export function workerPermissions(rights: Rights): Deno.PermissionOptions {
  check(rights);
  const lists = Object.values(rights) as (readonly string[])[];
  if (lists.every((list) => list.length === 0)) return "none";
  const given = (list: readonly string[]) => list.length === 0 ? false : [...list];
  return {
    read: given(rights.read),
    write: given(rights.write),
    net: given(rights.net),
    env: given(rights.env),
    import: given(rights.import),
    sys: false,
    run: false,
    ffi: false,
  };
}

/** Gives up this process's right to read files: it has loaded its code, and holds nothing else that it needs. */
export async function renounceRead(): Promise<void> {
  await Deno.permissions.revoke({ name: "read" });
}

/** The real path of a file or folder that is to be granted: a grant by another name would follow a link that is changed later. */
export async function realPath(path: string | URL): Promise<string> {
  return await Deno.realPath(path);
}

function check(rights: Rights): void {
  const refuse = (what: string, remedy: string) => {
    const sentence = `the right ${what} cannot be given: ${remedy}`;
    throw new BulkheadError({ code: "right-refused", subject: what, remedy, sentence });
  };
  for (const key of ["read", "write"] as const) {
    for (const path of rights[key]) {
      if (!isAbsolute(path)) refuse(`to ${key} "${path}"`, "name the file by its absolute real path");
      if (path.includes(",")) refuse(`to ${key} "${path}"`, "a comma in a path would split the grant: rename the file");
    }
  }
  for (const key of ["net", "import"] as const) {
    for (const host of rights[key]) {
      if (key === "net" && /^unix:\/[^,]+$/.test(host)) continue;
      const port = /^[^,\s]+:(\d+)$/.exec(host)?.[1];
      if (port === undefined) refuse(`to reach "${host}"`, "name one host with its port, as host:port");
      if (Number(port) === INSPECTOR_PORT) refuse(`to reach "${host}"`, "this is the port of the inspector");
    }
  }
  for (const name of rights.env) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) refuse(`to read the variable "${name}"`, "name one variable exactly");
  }
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path);
}
