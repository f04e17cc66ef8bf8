/**
 * Runs a system as a child and watches it: each marker on its standard output is stamped with the host's time and the CPU time of each
 * thread, and its memory is looked at now and then. Prints events as JSON, one a line.
 *
 *     deno run --allow-all watcher.ts '{"program": ..., "args": [...], "env": {...}, "limit": SECONDS}'
 *
 * @module
 */
import { linesOf, type WatchedCommand, type WatchEvent } from "./events.ts";
import { memory, processTree, threadTimes, totalTime } from "./process_tree.ts";

const MEMORY_INTERVAL = 500;

/** How long a system may take to end after it was asked to. */
const GRACE = 5000;

const { program, args, env, limit } = JSON.parse(Deno.args[0]!) as WatchedCommand;
const started = performance.now();
const child = new Deno.Command(program, {
  args: [...args],
  clearEnv: true,
  env,
  stdin: "null",
  stdout: "piped",
  stderr: "piped",
}).spawn();

const output = new TextEncoder();
function tell(event: WatchEvent): void {
  Deno.stdout.writeSync(output.encode(`${JSON.stringify(event)}\n`));
}
const elapsed = () => performance.now() - started;

function look(): void {
  const bytes = memory(processTree(child.pid));
  // One that is ending has no memory any more.
  if (bytes > 0) tell({ kind: "memory", at: elapsed(), bytes });
}

let killing: ReturnType<typeof setTimeout> | undefined;
function stop(): void {
  signal("SIGTERM");
  killing ??= setTimeout(() => signal("SIGKILL"), GRACE);
}

function signal(name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended by itself.
  }
}
const errors = new Response(child.stderr).text();
const sampling = setInterval(look, MEMORY_INTERVAL);
const limiting = setTimeout(() => {
  tell({ kind: "limit", at: elapsed() });
  stop();
}, limit * 1000);

for await (const line of linesOf(child.stdout)) {
  const marker = line.indexOf("@@");
  if (marker === -1) {
    tell({ kind: "text", at: elapsed(), text: line });
    continue;
  }
  const at = elapsed();
  const processes = processTree(child.pid);
  tell({ kind: "marker", at, text: line.slice(marker), threads: threadTimes(processes), total: totalTime(processes) });
  if (line.slice(marker) !== "@@done") continue;
  clearInterval(sampling);
  look();
  stop();
}
const { code } = await child.status;
clearInterval(sampling);
clearTimeout(limiting);
clearTimeout(killing);
tell({ kind: "end", at: elapsed(), code, errors: (await errors).slice(-2000) });
