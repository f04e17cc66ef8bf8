import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { BACKEND_KINDS } from "../cli/plugin/new.ts";
import { commandLine, Folder } from "./command_line.ts";

const HEARTBEAT = fromFileUrl(new URL("../examples/heartbeat.ts", import.meta.url));

interface Check {
  readonly passed: boolean;
  readonly score: number;
  readonly criteria: readonly { name: string; points: number; worth: number; found: string; raise?: string }[];
}

async function check(folder: Folder, file: string): Promise<Check & { code: number }> {
  const { code, stdout, stderr } = await commandLine(folder, ["plugin", "check", file, "--json"]);
  assert(stdout.startsWith("{"), stderr);
  return { code, ...JSON.parse(stdout) };
}

const lost = ({ criteria }: Check) => criteria.filter(({ points, worth }) => points < worth).map(({ name }) => name);

const DEVICE = (more: string, wiring = "") => `
/** A device that is tried. */
import { device } from "@bulkhead/bulkhead";
${more}
export default device({
  id: "acme/tried",
  api: 1,
  version: 1,
  needs: { ports: { io: { base: 0x510, size: 4 } } },
  state: () => ({ last: 0, list: [1, 2, 3] }),
  wire: ({ state }) => ({
    regions: { io: [{ name: "R", at: 0, width: 4, kind: "sync", read: () => state.last, write: (value: number) => { ${wiring} } }] },
  }),
});
`;

/** Plugins that are checked at once: a check has a process or two at work. */
const AT_ONCE = 2;

/** Makes a plugin of a kind, a device by default, and checks it. */
async function makeAndCheck(kind: string | undefined): Promise<void> {
  await using folder = await Folder.make();
  const options = kind === undefined ? [] : ["--backend", kind];
  const { code, stdout, stderr } = await commandLine(folder, ["plugin", "new", "mine", "--author", "me", ...options]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "deno task test");
  assertStringIncludes(await Deno.readTextFile(folder.file("mine/mine.ts")), 'id: "me/mine"');
  const checked = await check(folder, "mine/mine.ts");
  assertEquals([checked.code, checked.passed, lost(checked), checked.score], [0, true, [], 100], kind);
}

Deno.test("a new plugin of each kind has full marks, and its test runs", async () => {
  const kinds = [undefined, ...BACKEND_KINDS].values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const kind of kinds) await makeAndCheck(kind);
  }));
});

Deno.test("a new plugin overwrites nothing", async () => {
  await using folder = await Folder.make();
  await Deno.mkdir(folder.file("mine"));
  await folder.write("mine/notes", "");
  const { code, stderr } = await commandLine(folder, ["plugin", "new", "mine"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'folder "mine": expected nothing of that name, or an empty folder, found "notes" in it');
  const named = await commandLine(folder, ["plugin", "new", "My Device"]);
  assertStringIncludes(named.stderr, "a name of lower-case letters, digits and hyphens");
  assertEquals([...await folder.names()], ["mine"]);
});

Deno.test("a check finds what no single run would show, and says what would raise the score", async () => {
  await using folder = await Folder.make();
  await folder.write("hidden.ts", DEVICE("let hidden = 0;", "hidden += value; state.last = hidden >>> 0;"));
  const hidden = await check(folder, "hidden.ts");
  assertEquals([hidden.code, hidden.passed], [2, false]);
  const inline = hidden.criteria.find(({ name }) => name === "conformance, inline")!;
  assertMatch(inline.found, /equal inputs to have equal results|the same after a save and a restore/);
  assertStringIncludes(inline.raise!, "keep all that changes in state");

  await folder.write(
    "throws.ts",
    DEVICE("", "if (value === 0xffffffff) throw new Error('too much'); state.last = value;"),
  );
  const throws = await check(folder, "throws.ts");
  assertEquals(throws.passed, false);
  assertStringIncludes(throws.criteria.find(({ name }) => name === "abused registers")!.found, "too much");

  await folder.write("frail.ts", DEVICE("", "state.last = new Uint8Array(state.list[0]! * 4).length + value % 7;"));
  const frail = await check(folder, "frail.ts");
  assertEquals([frail.passed, lost(frail)], [true, ["forged snapshots", "its own test"]]);
});

Deno.test("a check names types and imports that are not right, with their lines", async () => {
  await using folder = await Folder.make();
  await folder.write("imports.ts", `import "node:fs";\n${DEVICE("", "state.lost = value;")}`);
  const { code, criteria, score } = await check(folder, "imports.ts");
  assertEquals([code, score], [2, 0]);
  assertStringIncludes(criteria[0]!.found, "Property 'lost' does not exist");
  assertStringIncludes(criteria[1]!.found, "line 1: expected no import but the contract's");
});

Deno.test("a device that hangs is stopped, and the check goes on", async () => {
  await using folder = await Folder.make();
  await folder.write("hangs.ts", DEVICE("", "while (value === 1);"));
  const hangs = await check(folder, "hangs.ts");
  assertEquals(hangs.passed, false);
  assertMatch(hangs.criteria.find(({ name }) => name === "conformance, worker")!.found, /did not answer|not answer/);
});

Deno.test("a plugin's documentation has its registers, configuration and claims", async () => {
  await using folder = await Folder.make();
  const { code, stdout, stderr } = await commandLine(folder, ["plugin", "docs", HEARTBEAT]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /\| 0h +\| PERIOD +\| 32 +\| latch +\| read, write +\| 3E8h +\|/);
  assertMatch(stdout, /\| Ch +\| STATUS .*a one clears bits 1h; drives line beat/);
  assertMatch(stdout, /\| DMA +\| count +\| write, at most 4 bytes at a time/);
  assertMatch(stdout, /\| `shortest` +\| 100 +\| 10 to 1000000/);
});

Deno.test("what belongs to no verb, or to another, is refused", async () => {
  await using folder = await Folder.make();
  const verb = await commandLine(folder, ["plugin", "chek", "x.ts"]);
  assertStringIncludes(verb.stderr, 'did you mean "check"?');
  const option = await commandLine(folder, ["plugin", "docs", "x.ts", "--author", "me"]);
  assertStringIncludes(option.stderr, "expected a known option");
  const file = await commandLine(folder, ["plugin", "docs", "x.ts"]);
  assertStringIncludes(file.stderr, 'plugin "x.ts": expected a file that can be read, found no such file');
});
