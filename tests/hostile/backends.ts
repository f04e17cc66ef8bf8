/**
 * What hostile back ends try: in every placement that admits them. A back end with rights on the host may be in a Worker or in a process; one
 * without also `confined`, which for a back end is a Worker without rights.
 *
 * What costs a back end nothing is tried by one that tries everything of its kind: the disk's sector says what, and the others tell its number.
 *
 * @module
 */
import type { Mechanism } from "./attempts.ts";

/** The kinds that are tried. */
export type HostileKind = "character" | "block" | "network";

/** What a hostile back end tries, and what becomes of it. */
export interface HostileBackend {
  /** What it tries, for the table. */
  readonly tries: string;
  /** What it is. */
  readonly kind: HostileKind;
  /** It has a right to one file, `own`, to read it. */
  readonly rights: boolean;
  /** Its text, where it is a back end of its own; else what it does, for {@linkcode surveyText}. */
  readonly text?: string;
  readonly does?: string;
  /** It tries it when it is asked: in front of it is a port to which the guest writes a byte, or a drive that reads its first sector. */
  readonly asked: boolean;
  /** What is told in the log under its name; or what the drive in front of it says: 1 that it read, 2 that it did not. */
  readonly ends: RegExp | 1 | 2;
  /** What holds it. */
  readonly by: Mechanism;
  /** The only placement in which it is tried. */
  readonly only?: "worker" | "process";
}

/** Where it is tried. */
export function placementsOf({ rights, only }: HostileBackend): readonly ("confined" | "worker" | "process")[] {
  if (only !== undefined) return [only];
  return rights ? ["worker", "process"] : ["confined", "worker", "process"];
}

function text(provides: HostileKind, open: string, members: string, rights = false): string {
  const host = rights ? 'host: { own: { kind: "file", access: "read", why: "it is mine" } },' : "";
  return `import { backend, BulkheadError } from "@bulkhead/bulkhead";
export default backend({
  id: "acme/rogue", api: 1, version: 1, provides: "${provides}", ${host}
  open: async ({ file, connect, listen, log, count, port }) => {
    ${open}
    return { ${members} };
  },
});
`;
}

const DISK = "sectorBytes: 512, readOnly: false, write: () => {}, flush: () => {},";

/** One back end that tries all of these, which are of one kind. A disk tries by sector, the others while they are opened. */
export function surveyText(kind: HostileKind, rows: readonly HostileBackend[]): string {
  if (kind === "block") {
    const reads = rows.map(({ does }) => does).join(",\n");
    const read = "read: (offset, into) => reads[offset / 512](offset, into)";
    return text(kind, `const reads = [${reads}];`, `bytes: ${512 * rows.length}, ${DISK} ${read}`);
  }
  const attempts = rows.map(({ does }, number) =>
    `{
    const tell = (value) => log("info", "${number}: it got " + value);
    try { ${does} } catch (error) { tell(error.message); }
  }`
  );
  return text(kind, attempts.join("\n"), "write: () => {}, send: () => {}", rows[0]!.rights);
}

/** A back end of its own. */
function alone(kind: HostileKind, tries: string, open: string, members: string, ends: HostileBackend["ends"]) {
  return {
    kind,
    tries,
    rights: false,
    asked: members !== "",
    text: text(kind, open, members),
    ends,
    by: "own check" as Mechanism,
  };
}

const opening = (tries: string, does: string, ends: RegExp, by: Mechanism = "own check"): HostileBackend => ({
  ...alone("character", tries, does, "", ends),
  by,
});
const writing = (tries: string, does: string, ends: RegExp): HostileBackend =>
  alone("character", tries, "", `write: async (bytes) => { ${does} }`, ends);
/** A disk that is nothing special but for these members, which is refused. */
const unfit = (tries: string, members: string, ends: RegExp): HostileBackend => ({
  ...alone("block", tries, "", `bytes: 2048, ${DISK} read: () => {}, ${members}`, ends),
  asked: false,
});
/** A disk that is nothing special but for these members. */
const disk = (tries: string, members: string, ends: HostileBackend["ends"], open = ""): HostileBackend =>
  alone("block", tries, open, `bytes: 2048, ${DISK} read: () => {}, ${members}`, ends);

const surveyed = (kind: HostileKind, tries: string, does: string, ends: HostileBackend["ends"], rights = false) => ({
  kind,
  tries,
  rights,
  asked: false,
  does,
  ends,
  by: "own check" as Mechanism,
});
const owned = (tries: string, does: string, ends: RegExp): HostileBackend =>
  surveyed("character", tries, does, ends, true);
const frame = (tries: string, does: string, ends: RegExp): HostileBackend =>
  surveyed("network", tries, `await port.${does};`, ends);
const reading = (tries: string, does: string, ends: 1 | 2): HostileBackend => surveyed("block", tries, does, ends);

const inProcess = (row: HostileBackend): HostileBackend => ({ ...row, only: "process" });

const late = /did not answer a request within/;
// Where much is on its way at once, the limit of a request may be met first.
const flood = /it called its port without end|did not answer a request within/;
const logs = /logged without end|did not answer a request within/;
// As without end to its machine, but its thread does not burn a core for the rest of the test.
const AGAIN = "for (let n = 0; n < 5e4; n++)";

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
  ),
  opening(
    "connect to what it did not declare",
    'await connect("upstream");',
    /was stopped while it was starting: .*declares? none/,
  ),
  opening("open nothing", "return 1;", /expected open\(\) to return a character back end, found a number/),
  opening(
    "throw in another's name",
    'throw new Error("\\x1b[2J\\nback end \\"good\\": done");',
    /back end "rogue[^"]+" \(acme\/rogue\) was stopped while it was starting: .*\\u\{1b\}\[2J/,
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
  {
    ...owned("change its handle for others", 'file("own").read = () => 0;', /it got .*(Cannot|read only|frozen)/),
    by: "SES",
  },
  { ...writing("hang in a request", "for (;;);", late), only: "worker" },
  inProcess(writing("never settle a request", "await new Promise(() => {});", late)),
  writing("log without end", `${AGAIN} log("info", "again");`, logs),
  inProcess(writing("log a record as long as a disk", 'log("x".repeat(1 << 24), "x".repeat(1 << 24));', /^x{4000}$/)),
  inProcess(writing("count without end", 'for (let n = 0;; n++) count("n" + n);', late)),
  writing("tell without end that bytes arrived", `${AGAIN} port.receive(new Uint8Array(1));`, flood),
  inProcess(
    writing(
      "tell it without end, and wait each time",
      "for (;;) await port.receive(new Uint8Array(1)).catch(() => {});",
      late,
    ),
  ),
  inProcess({
    ...writing(
      "allocate without end",
      "for (const held = [];;) held.push(new Uint8Array(1 << 24).fill(1));",
      /its compartment has ended/,
    ),
    by: "process",
  }),
  owned(
    "give more bytes than a port takes",
    "await port.receive(new Uint8Array(1 << 26));",
    /receive takes 0 to 1048576/,
  ),
  owned("give what is no bytes", "await port.receive({ length: 1 << 26 });", /it got receive takes bytes/),
  unfit("be a disk of -512 bytes", "bytes: -512", /bytes: expected whole sectors of 512 bytes, found -512/),
  unfit("be a disk of NaN bytes", "bytes: NaN", /bytes: expected whole sectors of 512 bytes, found (NaN|null)/),
  unfit(
    "be a disk without an end",
    "bytes: Infinity",
    /bytes: expected whole sectors of 512 bytes, found (Infinity|null)/,
  ),
  unfit(
    "be larger than any disk",
    "bytes: 2 ** 60",
    /bytes: expected whole sectors of 512 bytes, found 1152921504606847000/,
  ),
  unfit("be a disk of half a sector", "bytes: 256", /bytes: expected whole sectors of 512 bytes, found 256/),
  unfit("be a disk whose size is a text", "bytes: '2048'", /bytes: expected whole sectors of 512 bytes, found 2048/),
  unfit("have sectors that there are not", "sectorBytes: 3", /sectorBytes: expected 512 or 4096, found 3/),
  unfit("be a disk that may or may not be written", "readOnly: {}", /readOnly: expected true or false/),
  unfit("throw in what it says of itself", "get bytes() { throw new Error('caught'); }", /starting: .*caught/),
  disk("change its size when it is asked", "get bytes() { return this.n = (this.n ?? 1024) * 2; }", 1),
  disk("have no way to read", "read: undefined", 2),
  disk("never answer", "read: () => new Promise(() => {})", late),
  disk(
    "answer when it is asked for more",
    "read: () => new Promise((done) => { last?.(); last = done; })",
    late,
    "let last;",
  ),
  disk("answer more than a message holds", "read: async () => 'x'.repeat(1 << 24)", /broke the rules of its rings/),
  reading("return another length than it read", "() => -1", 1),
  reading("return another array than the one that it was to fill", "() => new Uint8Array(1 << 20)", 1),
  reading("take away the array that it is to fill", "(_offset, into) => { into.buffer.transfer(); }", 2),
  reading("fill more than the array that it is to fill", "(_offset, into) => { into.set(new Uint8Array(513)); }", 2),
  reading(
    "change what it read when it has answered",
    "(_offset, into) => { Promise.resolve().then(() => into.fill(7)); }",
    1,
  ),
  reading("answer twice", "() => ({ then: (done) => { done(); done(); } })", 1),
  reading("answer and refuse", "() => ({ then: (done, refuse) => { done(); refuse(new Error('no')); } })", 1),
  reading("refuse and answer", "() => ({ then: (done, refuse) => { refuse(new Error('no')); done(); } })", 2),
  reading("answer by a trap", "() => ({ get then() { throw new Error('caught'); } })", 2),
  reading("answer by what is no plain data", "async () => () => 1", 2),
  reading("answer by data in a circle", "() => { const round = []; round.push(round); return round; }", 2),
  reading("refuse by a trap", "() => { throw { get message() { throw new Error('caught'); } }; }", 2),
  reading("refuse by nothing", "() => { throw undefined; }", 2),
  reading(
    "refuse in another's name",
    "() => { throw new BulkheadError({ code: 'x', subject: 'x', sentence: 'disk good failed' }); }",
    2,
  ),
  frame("give a frame of no size", "receive(new Uint8Array(0))", /receive takes 14 to 65549 bytes, not 0/),
  frame("give a frame that is too short", "receive(new Uint8Array(13))", /receive takes 14 to 65549 bytes, not 13/),
  frame(
    "give a frame that is too long",
    "receive(new Uint8Array(65550))",
    /receive takes 14 to 65549 bytes, not 65550/,
  ),
  frame("give a frame of 64 MB", "receive(new Uint8Array(1 << 26))", /receive takes 14 to 65549 bytes, not 67108864/),
  frame("give a frame that is a text", "receive('x'.repeat(64))", /it got receive takes bytes/),
  frame("give a frame that looks like one", "receive({ byteLength: 64, length: 64 })", /it got receive takes bytes/),
  frame("give two frames at once", "receive(new Uint8Array(64), new Uint8Array(64))", /receive takes nothing else/),
  frame("put the cable half in", "link(0.5)", /it got link takes boolean/),
  frame("put a trap in", "link({ valueOf() { throw 1; } })", /it got link takes boolean/),
  alone(
    "network",
    "give frames without end",
    `Promise.resolve().then(() => { ${AGAIN} port.receive(new Uint8Array(64)); });`,
    "",
    flood,
  ),
  alone(
    "network",
    "put the cable in and out without end",
    `Promise.resolve().then(() => { ${AGAIN} port.link(n % 2 === 0); });`,
    "",
    flood,
  ),
];
