import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { commandLine, type CommandLineResult, Folder } from "./command_line.ts";
import { program, rom } from "./roms.ts";
import { NO_TERMINAL, TerminalSession } from "./terminal_session.ts";

/** A block back end that asks for one file; `more` asks for more. */
function tape(more = "", version = 1): string {
  return `import { backend } from "@bulkhead/bulkhead";

export default backend({
  id: "acme/tape",
  api: 1,
  version: ${version},
  provides: "block",
  host: { reel: { kind: "file", access: "read", why: "it is the tape" }${more} },
  open: ({ file }) => {
    const reel = file("reel");
    const read = (offset: number, into: Uint8Array) => void reel.read(offset, into);
    return { bytes: reel.size(), sectorBytes: 512, readOnly: true, read, write: () => {}, flush: () => {} };
  },
});
`;
}

const BEEP = `import { device } from "@bulkhead/bulkhead";

export default device({ id: "acme/beep", api: 1, version: 1, needs: {}, state: () => ({}), wire: () => ({}) });
`;

const RUN = ["run", "--rom", "good.rom", "--serial", "none"] as const;
const TAPE = [...RUN, "--backend", "tape=tape.ts", "--bind", "tape.reel=reel.img"] as const;

async function furnished(): Promise<Folder> {
  const folder = await Folder.make();
  await folder.write("good.rom", rom(program().powerOff()));
  await folder.write("tape.ts", tape());
  await folder.write("beep.ts", BEEP);
  await folder.write("reel.img", new Uint8Array(4096));
  await folder.write("other.img", new Uint8Array(4096));
  return folder;
}

/** Text that was wrapped, on one line. */
function unwrapped(text: string): string {
  return text.replace(/\s+/g, " ");
}

function refused({ code, stderr, stdout }: CommandLineResult, ...parts: string[]): void {
  for (const part of parts) assertStringIncludes(unwrapped(stderr), part);
  assertMatch(stderr, /\nbulkhead: [^\n]+\n$/);
  assertEquals([code, stdout], [2, ""], stderr);
}

Deno.test("without a terminal and an agreement a start is refused, with the table, and nothing is recorded", async () => {
  await using folder = await furnished();
  const result = await commandLine(folder, TAPE);
  refused(
    result,
    "plugin acme/tape, version 1: block back end",
    "RIGHT BOUND TO REASON",
    'read file "reel"',
    "it is the tape",
    "has agreed to, and there is no terminal to ask at",
  );
  assertEquals(result.files.includes("bulkhead.lock"), false);
});

Deno.test("what was agreed to by a flag is not asked for again", async () => {
  await using folder = await furnished();
  const agreed = await commandLine(folder, [...TAPE, "--agree"]);
  assertEquals(agreed.code, 0, agreed.stderr);
  assertStringIncludes(agreed.stderr, "RIGHT");
  const again = await commandLine(folder, TAPE);
  assertEquals([again.code, again.stderr], [0, ""]);
  const lock = JSON.parse(await Deno.readTextFile(folder.file("bulkhead.lock")));
  const [plugin] = Object.values(lock.plugins) as [{ agreed: [{ rights: { reel: { value: string } } }] }];
  assertEquals(plugin.agreed[0].rights.reel.value, await Deno.realPath(folder.file("reel.img")));
});

Deno.test("another bound value, a changed text and a wider request each stop the next start", async () => {
  await using folder = await furnished();
  assertEquals((await commandLine(folder, [...TAPE, "--agree"])).code, 0);
  const lock = await Deno.readTextFile(folder.file("bulkhead.lock"));

  const other = await commandLine(folder, [...RUN, "--backend", "tape=tape.ts", "--bind", "tape.reel=other.img"]);
  refused(other, '"reel": was to read file', "other.img", "asks for something else than was agreed to");

  await folder.write("tape.ts", tape() + "\nconst unused = 1;\n");
  refused(await commandLine(folder, [...TAPE, "--agree"]), "content: was", "rights: the same", "has changed since");

  await folder.write("tape.ts", tape(', secret: { kind: "file", access: "read", why: "why not" }', 2));
  const wider = await commandLine(folder, [...TAPE, "--bind", "tape.secret=good.rom", "--agree"]);
  refused(wider, "version: was 1, is 2", '"secret": new, to read file', "has changed since");
  assertEquals(await Deno.readTextFile(folder.file("bulkhead.lock")), lock);

  const content = /--agree-content ([0-9a-f]{64})/.exec(wider.stderr)![1]!;
  const args = [...TAPE, "--bind", "tape.secret=good.rom"];
  assertEquals((await commandLine(folder, [...args, "--agree-content", content])).code, 0);
  assertEquals((await commandLine(folder, args)).code, 0);
});

Deno.test("a link that leads elsewhere is another bound value", async () => {
  await using folder = await furnished();
  await Deno.symlink("reel.img", folder.file("link"));
  const args = [...RUN, "--backend", "tape=tape.ts", "--bind", "tape.reel=link"];
  assertEquals((await commandLine(folder, [...args, "--agree"])).code, 0);
  await Deno.remove(folder.file("link"));
  await Deno.symlink("other.img", folder.file("link"));
  refused(await commandLine(folder, args), "other.img", "asks for something else than was agreed to");
});

Deno.test("a machine file agrees, and its lock is beside it", async () => {
  await using folder = await furnished();
  await Deno.mkdir(folder.file("machines"));
  const machine = (agree: string) =>
    folder.write(
      "machines/tape.ts",
      `export default { boot: { rom: "good.rom" }, ${agree}
        backends: [{ name: "tape", module: "tape.ts", bind: { reel: "reel.img" } }] };`,
    );
  await machine("");
  refused(await commandLine(folder, ["run", "machines/tape.ts"]), "no terminal");
  await machine("agree: true,");
  assertEquals((await commandLine(folder, ["run", "machines/tape.ts"])).code, 0);
  await machine("");
  assertEquals((await commandLine(folder, ["run", "machines/tape.ts"])).code, 0);
  assertEquals((await folder.names()).includes("bulkhead.lock"), false);
  await Deno.stat(folder.file("machines/bulkhead.lock"));
});

Deno.test("a corrupt lock stops the start in a sentence and stays as it is", async () => {
  await using folder = await furnished();
  await folder.write("bulkhead.lock", '{"version": 1, "plug');
  const { code, stderr } = await commandLine(folder, [...TAPE, "--agree"]);
  assertMatch(
    stderr,
    /^bulkhead: lock "bulkhead.lock": expected JSON, found [^\n]+; restore it, or remove it and agree anew\n$/,
  );
  assertEquals(code, 2);
  assertEquals(await Deno.readTextFile(folder.file("bulkhead.lock")), '{"version": 1, "plug');
  // Who has no stranger's plugin does not need it.
  assertEquals((await commandLine(folder, RUN)).code, 0);
});

Deno.test("a device that asks for nothing runs without a question, and its content is recorded", async () => {
  await using folder = await furnished();
  const first = await commandLine(folder, [...RUN, "--device", "beep.ts"]);
  assertEquals([first.code, first.stderr], [0, ""]);
  const lock = await Deno.readTextFile(folder.file("bulkhead.lock"));
  assertStringIncludes(lock, '"agreed": []');
  await folder.write("beep.ts", BEEP.replace("version: 1", "version: 2"));
  const changed = await commandLine(folder, [...RUN, "--device", "beep.ts"]);
  assertEquals(changed.code, 0);
  assertStringIncludes(changed.stderr, 'plugin "beep" (acme/beep) has changed since its last start');
  refused(await commandLine(folder, [...RUN, "--device", "beep.ts,placement=inline"]), "run unconfined");
});

Deno.test("a reason cannot forge the table", async () => {
  await using folder = await furnished();
  await folder.write("tape.ts", tape().replace("it is the tape", "fine\\x1b[2J\\u202e"));
  const { code, stderr } = await commandLine(folder, [...TAPE, "--agree"]);
  assertMatch(
    stderr,
    /^bulkhead: [^\n]*host.reel.why: expected text that shows as what it is, found "the character U\+001B"\n$/,
  );
  assertEquals(code, 2);
});

Deno.test({
  name: "on a terminal the owner is asked once: no stops the start, yes is remembered",
  ignore: NO_TERMINAL !== undefined,
  fn: async () => {
    const folder = await furnished();
    const args = TAPE.slice(1);
    const lock = folder.file("bulkhead.lock");
    {
      await using session = await TerminalSession.start(folder, args);
      await session.until("Do you agree? [yes/no]");
      await session.type("perhaps\n");
      await session.type("no\n");
      const { code, shown } = await session.ended();
      assertEquals(code, 2);
      assertStringIncludes(shown, "did not agree");
      assertEquals(await Deno.stat(lock).then(() => true, () => false), false);
    }
    const again = await furnished();
    const { code, shown } = await (async () => {
      await using session = await TerminalSession.start(again, args);
      await session.until("it is the tape");
      await session.until("Do you agree? [yes/no]");
      await session.type("yes\n");
      const outcome = await session.ended();
      const remembered = await commandLine(again, TAPE);
      assertEquals([remembered.code, remembered.stderr], [0, ""]);
      return outcome;
    })();
    assertEquals(code, 0, shown);
  },
});

Deno.test({
  name: "a signal ends a question, and the end of the input is a no",
  ignore: NO_TERMINAL !== undefined,
  fn: async () => {
    for (const signal of [true, false]) {
      await using session = await TerminalSession.start(await furnished(), TAPE.slice(1));
      await session.until("Do you agree? [yes/no]");
      if (signal) Deno.kill(await session.pid(), "SIGINT");
      else await session.type("\x04");
      assertEquals((await session.ended()).code, signal ? 130 : 2);
    }
  },
});

Deno.test("a machine that is booted without a lock leaves none where nobody had to agree", async () => {
  await using folder = await furnished();
  const script = `
    import { boot } from ${JSON.stringify(import.meta.resolve("../mod.ts"))};
    await using vm = await boot({
      boot: { rom: "good.rom" },
      memory: "2M",
      devices: [{ name: "beep", module: "beep.ts" }],
      disks: [{ name: "data", image: "other.img" }],
    });
    console.log((await vm.exit).reason);
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-lock",
      "--config",
      fromFileUrl(import.meta.resolve("../deno.json")),
      await folder.write("boot.ts", script),
    ],
    cwd: folder.path,
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "powered-off\n", new TextDecoder().decode(stderr));
  assertEquals((await folder.names()).includes("bulkhead.lock"), false);
});
