/**
 * Machines that listen for gdb, and the real gdb.
 *
 * @module
 */
import { Folder, spawnCommandLine } from "./command_line.ts";

/** A machine of the command line that listens for gdb. */
export class DebuggedRun implements AsyncDisposable {
  readonly ended: Promise<Deno.CommandStatus>;
  /** What it wrote to its standard error so far. */
  stderr = "";

  private constructor(readonly child: Deno.ChildProcess, readonly folder: Folder, readonly port: number) {
    this.ended = child.status;
  }

  /** Starts a Multiboot kernel, the file `kernel` in the run's folder. */
  static async multiboot(kernel: Uint8Array, options: readonly string[] = []): Promise<DebuggedRun> {
    const folder = await Folder.make();
    await folder.write("kernel", kernel);
    return await DebuggedRun.start(folder, [
      "--multiboot",
      "kernel",
      "--memory",
      "4M",
      "--timeout",
      "120s",
      ...options,
    ]);
  }

  /** Starts a machine. The folder is the run's from here on. */
  static async start(folder: Folder, options: readonly string[]): Promise<DebuggedRun> {
    const child = spawnCommandLine(folder, ["run", "--gdb", "127.0.0.1:0", ...options]);
    const lines = child.stderr.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    let text = "";
    while (!text.includes("\n")) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`no listener: ${text}`);
      text += value;
    }
    const run = new DebuggedRun(child, folder, Number(/target remote 127\.0\.0\.1:(\d+)/.exec(text)![1]));
    run.stderr = text;
    (async () => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) return;
        run.stderr += value;
      }
    })();
    return run;
  }

  /** The guest's output up to some text, and what came with it. */
  async outputUntil(wanted: string): Promise<string> {
    const characters = new TextDecoder();
    const reader = this.child.stdout.getReader();
    try {
      for (let text = "";;) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`no "${wanted}": ${text}${this.stderr}`);
        text += characters.decode(value, { stream: true });
        if (text.includes(wanted)) return text;
      }
    } finally {
      reader.releaseLock();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.ended;
    await this.child.stdin.close().catch(() => {});
    await this.child.stdout.cancel().catch(() => {});
    await this.folder[Symbol.asyncDispose]();
  }
}

/** Why the real gdb cannot be driven here, or undefined. */
export const NO_GDB: string | undefined = await (async () => {
  try {
    const { stdout } = await new Deno.Command("gdb", { args: ["--configuration"], stdout: "piped" }).output();
    return /i[3-6]86|x86_64/.test(new TextDecoder().decode(stdout)) ? undefined : "gdb does not know the i386";
  } catch {
    return "gdb is not installed";
  }
})();

/** Runs gdb's commands in a folder, and gives what it shows. */
export async function realGdb(folder: Folder, commands: readonly string[]): Promise<string> {
  const all = ["set pagination off", "set confirm off", ...commands];
  const { stdout, stderr } = await new Deno.Command("gdb", {
    args: ["-nx", "-batch", ...all.flatMap((command) => ["-ex", command])],
    cwd: folder.path,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  // What `monitor` shows goes to the standard error.
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
}
