/**
 * Starts Bulkhead's own processes, each with exactly the rights it needs: the only holder of the right to run them.
 *
 * A process speaks over its standard input and output in the messages of `channel.ts`; its standard error is kept for the sentence that
 * reports its death. It ends when its input ends, so that nothing is left behind when we die; it is killed when it does not end in time.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { Channel, CUT_SHORT, type Handlers, type Speech } from "./channel.ts";
import { processFlags, type Rights } from "./rights.ts";

/** Milliseconds that a process has to end by itself once its input has ended. */
const FAREWELL = 500;

/** Characters of a process's standard error that are kept: the last ones. */
const LAST_WORDS = 8192;

/**
 * glibc raises these thresholds when large blocks are freed, and then keeps tens of megabytes of what a process no longer uses. Fixed at
 * their initial values (mallopt(3)), they make it give freed memory back. Other allocators ignore them.
 */
const ALLOCATOR = { MALLOC_TRIM_THRESHOLD_: "131072", MALLOC_MMAP_THRESHOLD_: "131072" };

/**
 * How V8 sizes the heap of each thread of a process of ours. Its own choice is generous: a heap of 20 MB is let grow to 90 before it is
 * collected, and a young generation once grown stays so.
 *
 * - `--max-semi-space-size=2`, in MB (its own: 16), half of the young generation. What a batch of the translator needs dies in that; with 1
 *   much of it would be taken for long-lived.
 * - `--heap-growing-percent=60`: collects when that much has been added to what the last collection left.
 */
const HEAP = "--max-semi-space-size=2,--heap-growing-percent=60";

/**
 * How V8 compiles the code that the translator makes. Regions go on with each other by tail calls; V8 would count where each leads and copy
 * regions into those before them, which takes longer than it saves where much code is run a little.
 */
const COMPILER = "--no-wasm-inlining-call-indirect";

/** What to start. */
export interface LaunchOptions<Theirs extends Speech> {
  /** The process, as a sentence would name it: "the machine process". */
  readonly name: string;
  /** Its entry module, `file:` in a checkout or `https:` in a published package. */
  readonly entry: URL;
  /** Its rights. */
  readonly rights: Rights;
  /** What it may say. */
  readonly handlers: Handlers<Theirs>;
  /** The most that its heap may grow to, in MB; V8's own limit if absent. */
  readonly heapMegabytes?: number;
}

/** A process of ours that runs. */
export interface Compartment<Mine extends Speech, Theirs extends Speech> {
  /** The channel to it. */
  readonly channel: Channel<Mine, Theirs>;
  /** Its process id. */
  readonly pid: number;
  /** Settles when it has ended and why: undefined when we ended it, else a sentence. Never rejects. */
  readonly ended: Promise<BulkheadError | undefined>;
  /** Ends it: closes the channel, and kills it when it is still there shortly after. */
  end(): Promise<void>;
}

/**
 * Starts a process.
 *
 * @throws {BulkheadError} `launch-failed` when it cannot be started, as without the right to run Deno.
 */
export function launch<Mine extends Speech, Theirs extends Speech>(
  options: LaunchOptions<Theirs>,
): Compartment<Mine, Theirs> {
  const child = spawnProcess(options);
  const channel = new Channel<Mine, Theirs>({
    peer: options.name,
    readable: child.stdout,
    writable: child.stdin,
    handlers: options.handlers,
  });
  const words = lastWords(child.stderr);
  let ending: Promise<void> | undefined;

  async function goodbye(): Promise<void> {
    await channel.close();
    const timer = setTimeout(() => kill(child), FAREWELL);
    await child.status;
    clearTimeout(timer);
    await words;
  }
  const end = () => ending ??= goodbye();

  async function ended(): Promise<BulkheadError | undefined> {
    const broken = await channel.closed;
    const asked = ending !== undefined;
    await end();
    if (asked) return undefined;
    // A process that dies may do so in the middle of a message.
    if (broken !== undefined && broken.code !== CUT_SHORT) return broken;
    return died(options.name, await child.status, await words);
  }
  return { channel, pid: child.pid, ended: ended(), end };
}

/** What a process is started with. */
export type SpawnOptions = Pick<LaunchOptions<Speech>, "name" | "entry" | "rights" | "heapMegabytes">;

/**
 * Starts a process of ours without a channel: for one whose pipes carry something else.
 *
 * @throws {BulkheadError} `launch-failed`.
 */
export function spawnProcess({ name, entry, rights, heapMegabytes }: SpawnOptions): Deno.ChildProcess {
  const heap = heapMegabytes === undefined ? "" : `,--max-old-space-size=${heapMegabytes}`;
  // Without a configuration file and without npm: what runs is the modules that the entry names, wherever the user stands.
  const args = ["run", "--quiet", "--no-config", "--no-npm", `--v8-flags=${HEAP},${COMPILER}${heap}`];
  args.push(...processFlags(rights), entry.href);
  try {
    const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    return new Deno.Command(Deno.execPath(), { args, env: ALLOCATOR, ...pipes }).spawn();
  } catch (error) {
    const remedy = error instanceof Deno.errors.NotCapable
      ? "allow it with --allow-run=deno, or run under `deno task bulkhead`"
      : undefined;
    throw new BulkheadError({
      code: "launch-failed",
      subject: name,
      expected: "to be started as a Deno process",
      found: error instanceof Error ? error.message : String(error),
      remedy,
    }, { cause: error });
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It ended in the meantime.
  }
}

function died(name: string, status: Deno.CommandStatus, words: string): BulkheadError {
  const how = status.signal === null ? `with exit code ${status.code}` : `by ${status.signal}`;
  const last = words.trim() === "" ? "" : `; its last words: ${words.trim()}`;
  return new BulkheadError({
    code: "process-died",
    subject: name,
    sentence: `${name} ended unexpectedly, ${how}${last}`,
  });
}

async function lastWords(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  try {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) text = (text + piece).slice(-LAST_WORDS);
  } catch {
    // The pipe broke with the process.
  }
  return text;
}
