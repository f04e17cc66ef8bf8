/**
 * Runs the command line as a user would: a process of its own, in a folder of its own.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

const MAIN = fromFileUrl(new URL("../cli/main.ts", import.meta.url));

/** The rights that `deno task bulkhead` gives, with the programs that tests need. */
const RIGHTS = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-env=HOME,XDG_CACHE_HOME,LOCALAPPDATA,NO_COLOR,TERM",
  `--allow-run=${Deno.execPath()}`,
];

/** How a run of the command line ended. */
export interface CommandLineResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Names in the folder afterwards. */
  readonly files: readonly string[];
}

/** A folder of its own, removed at the end of its scope. */
export class Folder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Folder> {
    return new Folder(await Deno.makeTempDir({ prefix: "bulkhead-test-" }));
  }

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  async write(name: string, content: Uint8Array | string): Promise<string> {
    const path = this.file(name);
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
    return path;
  }

  async names(): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.path), ({ name }) => name)).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Starts `bulkhead ARGS...` in `folder`. */
export function spawnCommandLine(folder: Folder, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...RIGHTS, MAIN, ...args],
    cwd: folder.path,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs `bulkhead ARGS...` in `folder` to its end. */
export async function commandLine(folder: Folder, args: readonly string[], input = ""): Promise<CommandLineResult> {
  const child = spawnCommandLine(folder, args);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr), files: await folder.names() };
}
