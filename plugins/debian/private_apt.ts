/**
 * Debian's packages for the i386, fetched and verified by the host's apt without changing the host.
 *
 * apt reads the host's sources and keys, but keeps its lists in a folder of ours and takes i386 for the native architecture. So it works for
 * every user, on hosts of every architecture, and where `apt-get update` was never run.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import type { CommandResult, DebianHost } from "./host.ts";
import { RELEASE } from "./images.ts";

/** A package that apt can fetch. */
export interface Package {
  /** Its name. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** The names of the packages that it depends on, first alternatives only. */
  readonly depends: readonly string[];
}

/** apt with a state of its own. */
export class PrivateApt {
  readonly #host: DebianHost;
  readonly #folder: string;
  readonly #remedy: string;
  #updateErrors: string[] = [];

  /**
   * Names what apt works with; nothing runs yet.
   *
   * @param host Runs apt.
   * @param folder An empty folder for apt's state and for packages.
   * @param remedy What to do instead, for error sentences.
   */
  constructor(host: DebianHost, folder: string, remedy: string) {
    this.#host = host;
    this.#folder = folder;
    this.#remedy = remedy;
  }

  /**
   * Fetches the lists of packages.
   *
   * @throws {BulkheadError} `no-apt`, `interrupted`.
   */
  async update(): Promise<void> {
    const folder = this.#folder;
    for (const part of ["lists/partial", "cache/archives/partial", "packages", "trusted"]) {
      await Deno.mkdir(`${folder}/${part}`, { recursive: true });
    }
    await Deno.writeTextFile(`${folder}/status`, "");
    await Deno.writeTextFile(`${folder}/apt.conf`, configuration(folder));
    this.#host.progress?.("fetching Debian's lists of packages");
    await this.#update();
  }

  /**
   * Looks a package up. Where the host's sources lack it but are Debian's, those of Debian 12 at the same place are asked too.
   *
   * @throws {BulkheadError} `package-not-found`, `package-lists`, `interrupted`.
   */
  async find(name: string): Promise<Package> {
    const found = await this.#show(name) ?? (await this.#addRelease() ? await this.#show(name) : undefined);
    if (found !== undefined) return found;
    const [failure] = this.#updateErrors;
    if (failure !== undefined) {
      throw new BulkheadError({
        code: "package-lists",
        subject: `package ${JSON.stringify(name)}`,
        expected: "to find it in the package lists of this host's sources",
        found: `that they could not be fetched (${failure})`,
        remedy: `connect to the network and try again, or ${this.#remedy}`,
      });
    }
    throw new BulkheadError({
      code: "package-not-found",
      subject: `package ${JSON.stringify(name)}`,
      expected: `to find it in this host's package sources, as on Debian 12 (${RELEASE})`,
      found: "no such package for the i386 there",
      remedy: this.#remedy,
    });
  }

  /**
   * Fetches a package; apt verifies it.
   *
   * @returns The path of the `.deb` file.
   * @throws {BulkheadError} `package-download`, `interrupted`.
   */
  async download(wanted: Package): Promise<string> {
    const cwd = `${this.#folder}/packages`;
    const request = `${wanted.name}=${wanted.version}`;
    const uris = await this.#apt("apt-get", ["-qq", "download", "--print-uris", request], cwd);
    // 'URI' file size hash
    const total = Number(/^'[^']*' \S+ (\d+)/m.exec(uris.stdout)?.[1] ?? 0);
    const stop = this.#reportGrowth(cwd, wanted.name, total);
    let result: CommandResult;
    try {
      result = await this.#apt("apt-get", ["-q", "download", request], cwd);
    } finally {
      stop();
    }
    const files = (await Array.fromAsync(Deno.readDir(cwd))).filter(({ name, isFile }) =>
      isFile && name.endsWith(".deb")
    );
    const [file] = files;
    if (result.code === 0 && file !== undefined) return `${cwd}/${file.name}`;
    throw new BulkheadError({
      code: "package-download",
      subject: `package ${JSON.stringify(wanted.name)} ${wanted.version}`,
      expected: "apt-get to download it",
      found: errorsOf(result)[0] ?? `exit code ${result.code}`,
      remedy: `connect to the network and try again, or ${this.#remedy}`,
    });
  }

  async #update(): Promise<void> {
    // A source that fails does not matter as long as the others have the package: apt's exit code says nothing about that.
    const result = await this.#apt("apt-get", ["-q", "update"], this.#folder);
    this.#updateErrors = errorsOf(result);
  }

  async #show(name: string): Promise<Package | undefined> {
    const { code, stdout } = await this.#apt("apt-cache", ["-q", "show", "--no-all-versions", name], this.#folder);
    const version = /^Version: (\S+)$/m.exec(stdout)?.[1];
    if (code !== 0 || version === undefined) return undefined;
    const depends = (/^Depends: (.*)$/m.exec(stdout)?.[1] ?? "").split(",").map((text) =>
      text.trim().split(/[ :(|]/)[0]
    );
    return { name, version, depends: depends.filter((text) => text !== undefined && text !== "") as string[] };
  }

  /** Adds Debian 12 from where the host gets another release. Returns false where that cannot help. */
  async #addRelease(): Promise<boolean> {
    const format = "$(ORIGIN)\t$(CODENAME)\t$(SIGNED_BY)\t$(REPO_URI)";
    const { stdout } = await this.#apt("apt-get", ["indextargets", "--format", format], this.#folder);
    const targets = stdout.split("\n").map((line) => line.split("\t"));
    const debian = targets.filter(([origin, codename]) => origin === "Debian" && codename !== "");
    if (debian.some(([, codename]) => codename === RELEASE)) return false;
    // The archive proper has releases named by a word; updates and security are named after them.
    const [, , key, uri] = debian.find(([, codename]) => /^[a-z]+$/.test(codename ?? "")) ?? debian[0] ?? [];
    if (uri === undefined || !/^[^\s\[\]]+$/.test(uri)) return false;
    const signedBy = key !== undefined && /^\/[^\s\[\],]+$/.test(key) ? ` signed-by=${key}` : "";
    await Deno.writeTextFile(
      `${this.#folder}/release.list`,
      `deb [arch=i386${signedBy}] ${uri} ${RELEASE} main\n`,
    );
    await Deno.writeTextFile(`${this.#folder}/apt.conf`, configuration(this.#folder, `${this.#folder}/release.list`));
    this.#host.progress?.(`fetching the lists of Debian 12 (${RELEASE})`);
    await this.#update();
    return true;
  }

  #apt(program: "apt-get" | "apt-cache", args: readonly string[], cwd: string): Promise<CommandResult> {
    return runProgram(this.#host, program, ["-c", `${this.#folder}/apt.conf`, ...args], cwd, this.#remedy);
  }

  /** Reports how much of a download has arrived, until the returned function is called. */
  #reportGrowth(folder: string, name: string, total: number): () => void {
    const { progress } = this.#host;
    if (progress === undefined) return () => {};
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    const report = async () => {
      const sizes = await sizesIn(folder);
      progress(`fetching ${name}: ${megabytes(sizes)} of ${megabytes(total)} MB`);
    };
    const timer = setInterval(report, 250);
    return () => clearInterval(timer);
  }
}

/**
 * Runs a program for the plugin, and turns an absent one and an interruption into sentences.
 *
 * @throws {BulkheadError} `no-apt`, `interrupted`, `unexpected-error`.
 */
export async function runProgram(
  host: DebianHost,
  program: string,
  args: readonly string[],
  cwd: string,
  remedy: string,
): Promise<CommandResult> {
  checkInterrupted(host);
  let result: CommandResult;
  try {
    result = await host.run(program, args, { cwd, ...(host.signal && { signal: host.signal }) });
  } catch (thrown) {
    checkInterrupted(host);
    if (thrown instanceof Error && thrown.name === "NotFound") {
      throw new BulkheadError({
        code: "no-apt",
        subject: "images from Debian's packages",
        expected: `the program ${program}, as on Debian and its descendants`,
        found: "none on this host",
        remedy,
      }, { cause: thrown });
    }
    throw BulkheadError.from(thrown, program);
  }
  // The terminal interrupts the program too, which may be the first to say so: let the signal's own event arrive.
  if (result.code !== 0) await new Promise((resolve) => setTimeout(resolve, 0));
  checkInterrupted(host);
  return result;
}

/**
 * Ends a pull that the user interrupted.
 *
 * @throws {BulkheadError} `interrupted`.
 */
export function checkInterrupted(host: DebianHost): void {
  if (host.signal?.aborted !== true) return;
  throw new BulkheadError({
    code: "interrupted",
    subject: "image pull",
    sentence: "the image pull was interrupted; nothing of it is left",
  });
}

/** What apt and dpkg-deb say went wrong: their `E:` lines, then failed fetches among their `W:` lines, shortened. */
export function errorsOf(result: CommandResult): string[] {
  const lines = result.stderr.split("\n").map((line) => line.trim());
  const errors = lines.filter((line) => /^(E:|dpkg-deb: error:)/.test(line));
  const failures = lines.filter((line) => /^W: (Failed to fetch|GPG error|An error occurred)/.test(line));
  return [...errors, ...failures].map((line) => line.replace(/^(E:|W:|dpkg-deb: error:)\s*/, "").slice(0, 300));
}

/** apt.conf(5). Hooks of the host are for its own lists; clearing `APT::Architectures` keeps apt from asking dpkg. */
function configuration(folder: string, sources?: string): string {
  const own = sources === undefined
    ? ""
    : `Dir::Etc::sourcelist "${sources}";\nDir::Etc::sourceparts "${folder}/trusted";\n`;
  return `#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "i386";
APT::Architectures { "i386"; };
Acquire::Languages "none";
Acquire::PDiffs "false";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb-src::Sources::DefaultEnabled "false";
Dir::State::lists "${folder}/lists";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
${own}`;
}

async function sizesIn(folder: string): Promise<number> {
  let total = 0;
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      total += entry.isDirectory ? await sizesIn(path) : (await Deno.stat(path)).size;
    }
  } catch {
    // A file was renamed, or the folder removed, between two looks: the next report is right again.
  }
  return total;
}
