/**
 * What code would reach that had got out of its SES compartment: the second wall, which is Deno's permissions, and behind it the process.
 * Each is tried without SES, in a Worker without rights as `worker` plugins have, and in a process with the rights of one in placement
 * `process`.
 *
 * @module
 */
import type { Mechanism } from "./attempts.ts";

/** One thing to do on the host. `does` is an expression, a promise or not. */
export interface Escape {
  /** What it tries, for the table. */
  readonly tries: string;
  /** An expression. */
  readonly does: string;
  /** What it ends with in each: a refusal that matches; or what it gets, where nothing holds it. */
  readonly ends: RegExp | { readonly worker: RegExp; readonly process: RegExp };
  /** What holds it; `nothing` where it is not held. */
  readonly by: Mechanism | { readonly worker: Mechanism | "nothing"; readonly process: Mechanism | "nothing" };
}

const denied = (what: string) => new RegExp(`NotCapable: .*${what}`);
const deno = (tries: string, does: string, ends: RegExp): Escape => ({ tries, does, ends, by: "Deno" });

/** `FILE`, `LINK` and `PORT` stand for a file, a link to it and a listening port of the test's. */
export const ESCAPES: readonly Escape[] = [
  deno("read a file", "Deno.readTextFileSync(FILE)", denied("read access")),
  deno("read a file through a link", "Deno.readTextFileSync(LINK)", denied("read access")),
  deno("read a file through ..", 'Deno.readTextFileSync("/tmp/../" + FILE.slice(1))', denied("read access")),
  deno(
    "read a file through /proc",
    'Deno.readTextFileSync("/proc/self/root" + FILE)',
    /NotCapable: .*(read|all) access/,
  ),
  deno(
    "read its own environment through /proc",
    'Deno.readTextFileSync("/proc/self/environ")',
    /NotCapable: .*(read|all) access/,
  ),
  deno("read a file in Node's way", '(await import("node:fs")).readFileSync(FILE, "utf8")', denied("read access")),
  deno(
    "import a file as text",
    '(await import("file://" + FILE, { with: { type: "text" } })).default',
    /NotCapable|Requires read access/,
  ),
  deno("write a file", 'Deno.writeTextFileSync(FILE, "x")', denied("write access")),
  deno("make a link", 'Deno.symlinkSync(FILE, FILE + ".link")', /NotCapable: Deno\.symlinkSync\(\) requires/),
  deno("list a folder", '[...Deno.readDirSync("/")].length', denied("read access")),
  deno("connect to the loopback", 'await Deno.connect({ hostname: "127.0.0.1", port: PORT })', denied("net access")),
  deno(
    "connect to the inspector's port",
    'await Deno.connect({ hostname: "127.0.0.1", port: 9229 })',
    denied("net access"),
  ),
  deno("listen", 'Deno.listen({ hostname: "127.0.0.1", port: 0 })', denied("net access")),
  deno("fetch", 'await fetch("http://127.0.0.1:" + PORT)', denied("net access")),
  deno("ask for a name", 'await Deno.resolveDns("localhost", "A")', denied("net access")),
  deno("run a command", 'new Deno.Command("id").outputSync()', denied("run access")),
  deno(
    "run a command in Node's way",
    '(await import("node:child_process")).execSync("id")',
    /NotCapable|Requires (env|run|all) access/,
  ),
  deno("read the environment", 'Deno.env.get("HOME")', denied("env access")),
  deno("load a library", 'Deno.dlopen("libc.so.6", {})', denied("ffi access")),
  deno("ask for the host's name", "Deno.hostname()", denied("sys access")),
  deno("kill the process that started it", 'Deno.kill(Deno.ppid, "SIGTERM")', denied("run access")),
  deno(
    "start a Worker with rights",
    'new Worker("data:application/javascript,", { type: "module", deno: { permissions: { read: true } } })',
    /escalate|NotCapable/,
  ),
  deno(
    "import from the network",
    'await import("https://127.0.0.1:" + PORT + "/x.js")',
    /Requires (net|import) access|NotCapable/,
  ),
  {
    tries: "look at its parent's number",
    does: "typeof Deno.ppid",
    ends: /^number$/,
    by: { worker: "nothing", process: "nothing" },
  },
  {
    tries: "start a Worker without rights",
    does: 'new Worker("data:application/javascript,", { type: "module" }).terminate() ?? "started"',
    ends: /^started$/,
    by: { worker: "nothing", process: "nothing" },
  },
  {
    tries: "speak to other threads of its process",
    does: 'new BroadcastChannel("x").postMessage(1) ?? "said"',
    ends: /^said$/,
    by: { worker: "nothing", process: "process" },
  },
  {
    tries: "signal its own process",
    does: 'Deno.kill(Deno.pid, "SIGCONT") ?? "signalled"',
    ends: /^signalled$/,
    by: { worker: "nothing", process: "process" },
  },
  {
    tries: "take 64 MB",
    does: "new Uint8Array(1 << 26).fill(1).length",
    ends: /^67108864$/,
    by: { worker: "nothing", process: "process" },
  },
];
