/**
 * What hostile back ends try: in every placement that admits them. A back end with rights on the host may be in a Worker or in a process; one
 * without also `confined`, which for a back end is a Worker without rights.
 *
 * @module
 */
import type { Mechanism } from "./attempts.ts";

/** A character back end at the first serial port, to which the guest writes. */
export interface HostileBackend {
  /** What it tries, for the table. */
  readonly tries: string;
  /** It has a right to one file, `own`, to read it. */
  readonly rights: boolean;
  /** Its text. */
  readonly text: string;
  /** The sentence with which the machine does not start or stops; or what is told in its log under the back end's name. */
  readonly ends: RegExp;
  /** What holds it. */
  readonly by: Mechanism;
  /** The only placement in which it is tried, as it waits for a limit that is the same in all. */
  readonly only?: "worker" | "process";
}

/** Where it is tried. */
export function placementsOf({ rights, only }: HostileBackend): readonly ("confined" | "worker" | "process")[] {
  if (only !== undefined) return [only];
  return rights ? ["worker", "process"] : ["confined", "worker", "process"];
}

function text(open: string, write: string, rights: boolean): string {
  const host = rights ? 'host: { own: { kind: "file", access: "read", why: "it is mine" } },' : "";
  return `import { backend } from "@bulkhead/bulkhead";
export default backend({
  id: "acme/rogue", api: 1, version: 1, provides: "character", ${host}
  open: async ({ file, connect, listen, log, count, port }) => {
    const tell = (value) => log("info", "it got " + value);
    ${open}
    return { write: async (bytes) => { ${write} } };
  },
});
`;
}

const opening = (tries: string, does: string, ends: RegExp, by: Mechanism, rights = false): HostileBackend => ({
  tries,
  rights,
  text: text(does, "", rights),
  ends,
  by,
});
const writing = (tries: string, does: string, ends: RegExp, by: Mechanism, rights = false): HostileBackend => ({
  tries,
  rights,
  text: text("", does, rights),
  ends,
  by,
});

const owned = (tries: string, does: string, ends: RegExp, by: Mechanism = "own check") =>
  opening(tries, `try { ${does} } catch (error) { tell(error.message); }`, ends, by, true);

/** All of them. */
export const BACKENDS: readonly HostileBackend[] = [
  opening(
    "read a file without a handle",
    'Deno.readTextFileSync("/etc/passwd");',
    /was stopped while it was starting: .*readTextFileSync/,
    "SES",
  ),
  opening(
    "connect without a handle",
    "Deno.connect({ port: 25 });",
    /was stopped while it was starting: .*connect/,
    "SES",
  ),
  opening(
    "take a handle that it did not declare",
    'file("image");',
    /was stopped while it was starting: .*declares? none/,
    "own check",
  ),
  opening(
    "connect to what it did not declare",
    'await connect("upstream");',
    /was stopped while it was starting: .*declares? none/,
    "own check",
  ),
  opening("open nothing", "return 1;", /expected open\(\) to return a character back end, found a number/, "own check"),
  opening(
    "throw in another's name",
    'throw new Error("\\x1b[2J\\nback end \\"good\\": done");',
    /back end "rogue" \(acme\/rogue\) was stopped while it was starting: .*\\u\{1b\}\[2J/,
    "own check",
  ),
  owned("take another handle than its own", 'tell(file("../own"));', /it got .*expected own, found/),
  owned("connect with the right to a file", 'tell(await connect("own"));', /it got .*expected nothing of the kind/),
  owned("read before its file's beginning", 'tell(file("own").read(-1, new Uint8Array(1)));', /it got .*-1/),
  owned("read nowhere in its file", 'tell(file("own").read(NaN, new Uint8Array(1)));', /it got .*NaN/),
  owned(
    "write to what it may read",
    'file("own").write(0, new Uint8Array(1)); tell("it wrote");',
    /it got (?!it wrote)/,
  ),
  owned(
    "learn its file's path",
    'const own = file("own"); tell(Object.keys(own).concat(String(own.path), JSON.stringify(own)).join());',
    /it got [a-z,]*,undefined,\{\}$/,
  ),
  owned("change its handle for others", 'file("own").read = () => 0;', /it got .*(Cannot|read only|frozen)/, "SES"),
  { ...writing("hang in a request", "for (;;);", /did not answer a request within/, "own check"), only: "worker" },
  {
    ...writing(
      "never settle a request",
      "await new Promise(() => {});",
      /did not answer a request within/,
      "own check",
    ),
    only: "process",
  },
  writing(
    "log without end",
    'for (;;) log("info", "again");',
    /logged without end|broke the rules|did not answer|compartment has ended|grew by/,
    "own check",
  ),
  writing(
    "tell without end that bytes arrived",
    "for (;;) port.receive(new Uint8Array(1));",
    /grew by \d+ MB|compartment has ended|did not answer/,
    "own check",
  ),
];
