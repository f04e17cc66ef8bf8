/**
 * What the Debian plugin asks of its host.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";

/** How a program ended. */
export interface CommandResult {
  /** Its exit code. */
  readonly code: number;
  /** What it wrote to standard output. */
  readonly stdout: string;
  /** What it wrote to standard error. */
  readonly stderr: string;
}

/** The rights that pulling an image takes: programs to run, and one folder to write to. */
export interface DebianHost {
  /** Absolute path of the folder that images are kept in; see {@linkcode cacheFolder}. It is made when needed. */
  readonly cache: string;
  /**
   * Runs a program to its end, without a shell and with nothing on its standard input.
   *
   * @param program `apt-get`, `apt-cache` or `dpkg-deb`. One that the host lacks rejects with an error named `NotFound`.
   * @param args Its arguments.
   * @param options `cwd` is its working directory; on an aborted `signal` the program is ended.
   */
  run(
    program: string,
    args: readonly string[],
    options: { readonly cwd: string; readonly signal?: AbortSignal },
  ): Promise<CommandResult>;
  /** Aborted when the user interrupts: the pull then removes what it began and rejects. */
  readonly signal?: AbortSignal;
  /** Told what is going on, several times a second and without line ends. Leave it out where nobody watches. */
  readonly progress?: (text: string) => void;
}

/**
 * The user's cache folder for Bulkhead: `$XDG_CACHE_HOME/bulkhead`, else `$HOME/.cache/bulkhead` (XDG Base Directory Specification 0.8).
 *
 * @param environment The two variables; empty and relative values do not count.
 * @throws {BulkheadError} `no-cache-folder` where neither is set.
 */
export function cacheFolder(environment: { readonly XDG_CACHE_HOME?: string; readonly HOME?: string }): string {
  const { XDG_CACHE_HOME: cache, HOME: home } = environment;
  if (cache?.startsWith("/")) return `${cache.replace(/\/+$/, "")}/bulkhead`;
  if (home?.startsWith("/")) return `${home.replace(/\/+$/, "")}/.cache/bulkhead`;
  throw new BulkheadError({
    code: "no-cache-folder",
    subject: "the user's cache folder",
    expected: "an absolute path in XDG_CACHE_HOME or HOME",
    found: "neither",
    remedy: "set HOME",
  });
}
