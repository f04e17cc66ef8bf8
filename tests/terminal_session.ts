/**
 * The command line at a terminal of its own: `script` makes one and passes on what is typed.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { Folder } from "./command_line.ts";

const MAIN = fromFileUrl(new URL("../cli/main.ts", import.meta.url));

/** Milliseconds that anything here may take. */
const LIMIT = 60_000;

/** Why there can be no such terminal here, or undefined. */
export const NO_TERMINAL: string | undefined = await (async () => {
  for (const [program, args] of [["script", ["--version"]], ["stty", ["--version"]]] as const) {
    try {
      const { success, stdout } = await new Deno.Command(program, { args: [...args], stderr: "null" }).output();
      // BSD's programs of these names have other options.
      const known = /util-linux|coreutils/.test(new TextDecoder().decode(stdout));
      if (!success || !known) return `${program} is not that of Linux`;
    } catch {
      return `${program} is not installed`;
    }
  }
})();

/** How a session left its terminal. */
export interface TerminalOutcome {
  readonly code: number;
  /** The terminal's settings, as `stty -a` shows them, before and after. */
  readonly before: string;
  readonly after: string;
  /** Everything that was shown. */
  readonly shown: string;
}

/** A Deno program that has a terminal to itself. */
export class TerminalSession implements AsyncDisposable {
  /** Everything that was shown so far. */
  shown = "";
  readonly #script: Deno.ChildProcess;
  readonly #folder: Folder;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;

  private constructor(script: Deno.ChildProcess, folder: Folder) {
    this.#script = script;
    this.#folder = folder;
    this.#keys = script.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** A file of the session's folder. */
  file(name: string): string {
    return this.#folder.file(name);
  }

  /** Starts `bulkhead run ARGS...` in a folder, which is the session's from here on. */
  static start(folder: Folder, args: readonly string[]): Promise<TerminalSession> {
    return TerminalSession.program(folder, MAIN, ["run", ...args]);
  }

  /** Starts another program. */
  static async program(folder: Folder, program: string, args: readonly string[]): Promise<TerminalSession> {
    const quoted = [Deno.execPath(), "run", "--allow-all", program, ...args].map((word) => `'${word}'`).join(" ");
    await folder.write("program.sh", `echo $$ > pid\nexec ${quoted}\n`);
    // Settings that are nobody's default: they, too, must come back.
    await folder.write(
      "session.sh",
      "stty intr ^G -echoe\nstty -a > before\nsh program.sh\necho $? > code\nstty -a > after\n",
    );
    const script = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--command", "sh session.sh", "/dev/null"],
      cwd: folder.path,
      env: { NO_COLOR: "1", SHELL: "/bin/sh" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    return new TerminalSession(script, folder);
  }

  /** Id of the program's process. */
  async pid(): Promise<number> {
    return Number(await Deno.readTextFile(this.#folder.file("pid")));
  }

  /** Id of `script`, which holds the terminal. */
  get terminalPid(): number {
    return this.#script.pid;
  }

  /** Waits for text that is shown. */
  async until(text: string): Promise<void> {
    await this.#poll(`the text ${JSON.stringify(text)}`, () => Promise.resolve(this.shown.includes(text)));
  }

  /** Waits until keys go to the program one by one and unchanged. */
  async untilRaw(): Promise<void> {
    const terminal = `/proc/${await this.pid()}/fd/0`;
    await this.#poll("a terminal in raw mode", async () => {
      const { stdout } = await new Deno.Command("stty", { args: ["-a", "-F", terminal] }).output();
      const settings = new TextDecoder().decode(stdout).split(/\s+|;/);
      return ["-icanon", "-echo", "-isig", "-icrnl"].every((setting) => settings.includes(setting));
    });
  }

  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Waits until the program has ended. */
  async ended(): Promise<TerminalOutcome> {
    await this.#poll("the program's end", async () => (await this.#folder.names()).includes("after"));
    await this.#script.status;
    await this.#reading;
    const read = (name: string) => Deno.readTextFile(this.#folder.file(name));
    return {
      code: Number(await read("code")),
      before: await read("before"),
      after: await read("after"),
      shown: this.shown,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#script.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#script.status;
    await this.#keys.close().catch(() => {});
    await this.#reading;
    await this.#folder[Symbol.asyncDispose]();
  }

  async #read(): Promise<void> {
    const characters = new TextDecoder();
    for await (const bytes of this.#script.stdout) this.shown += characters.decode(bytes, { stream: true });
  }

  async #poll(what: string, holds: () => Promise<boolean>): Promise<void> {
    const limit = Date.now() + LIMIT;
    while (!await holds()) {
      if (Date.now() > limit) throw new Error(`no ${what}: ${this.shown}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
