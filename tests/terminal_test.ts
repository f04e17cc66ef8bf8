import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Folder } from "./command_line.ts";
import { childrenOf, gone, kill } from "./processes.ts";
import { program, rom } from "./roms.ts";
import { NO_TERMINAL, type TerminalOutcome, TerminalSession } from "./terminal_session.ts";

/** Declares a test that needs a terminal: ignored, with the reason in its name, where there can be none. */
function terminalTest(name: string, run: () => Promise<void>): void {
  const title = NO_TERMINAL === undefined ? name : `${name} (not here: ${NO_TERMINAL})`;
  Deno.test({ name: title, ignore: NO_TERMINAL !== undefined, fn: run });
}

/** A session whose guest has printed "> " and echoes each character; the terminal is raw. */
async function session(more: readonly string[] = [], files: Readonly<Record<string, string>> = {}) {
  const folder = await Folder.make();
  for (const [name, text] of Object.entries(files)) await folder.write(name, text);
  const code = program().openSerial();
  const again = code.here;
  await folder.write("rom", rom(code.print("> ").readSerial().writeSerial().jumpTo(again)));
  const session = await TerminalSession.start(folder, ["--rom", "rom", "--memory", "2M", ...more]);
  await session.until("> ");
  await session.untilRaw();
  return session;
}

const LAST_WORDS = `
  import { backend } from "@bulkhead/bulkhead";
  export default backend({
    id: "acme/last-words", api: 1, version: 1, provides: "character",
    host: { file: { kind: "file", access: "write", why: "its last words" } },
    open: ({ file }) => {
      const output = file("file");
      return { write: () => {}, close: () => output.write(0, new TextEncoder().encode("closed")) };
    },
  });
`;

function assertRestored({ before, after }: TerminalOutcome): void {
  assertStringIncludes(before, "intr = ^G");
  assertEquals(after, before);
}

terminalTest("Ctrl-C goes to the guest, Ctrl-A X leaves, and the terminal is as it was", async () => {
  await using run = await session();
  await run.type("a\x03b");
  await run.until("> a> \x03> b> ");
  await run.type("\x01x");
  const outcome = await run.ended();
  assertEquals(outcome.code, 0);
  assertRestored(outcome);
});

for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
  terminalTest(`${signal} ends the run, and the terminal is as it was`, async () => {
    await using run = await session();
    await kill(await run.pid(), signal);
    const outcome = await run.ended();
    assertEquals(outcome.code, 128 + number);
    assertStringIncludes(outcome.shown, `bulkhead: ended by ${signal}`);
    assertRestored(outcome);
  });
}

terminalTest("a machine process that dies leaves the terminal as it was", async () => {
  await using run = await session();
  for (const child of await childrenOf(await run.pid())) await kill(child);
  const outcome = await run.ended();
  assertEquals(outcome.code, 8);
  assertRestored(outcome);
});

terminalTest("an owner that crashes leaves the terminal as it was", async () => {
  const folder = await Folder.make();
  const terminal = fromFileUrl(new URL("../plugins/terminal/terminal.ts", import.meta.url));
  const file = await folder.write(
    "crash.ts",
    `import { standardTerminal } from ${JSON.stringify(`file://${terminal}`)};
    standardTerminal().open({
      type: () => { setTimeout(() => { throw new Error("a crash"); }); return Promise.resolve(); },
      command: () => {},
    });
    console.log("ready");`,
  );
  await using run = await TerminalSession.program(folder, file, []);
  await run.until("ready");
  await run.untilRaw();
  await run.type("x");
  const outcome = await run.ended();
  assertEquals(outcome.code, 1);
  assertStringIncludes(outcome.shown, "a crash");
  assertRestored(outcome);
});

terminalTest("when the terminal goes away, so do the command line and its machine", async () => {
  await using run = await session();
  const pid = await run.pid();
  const processes = [pid, ...await childrenOf(pid)];
  await kill(run.terminalPid);
  assert(await gone(processes));
});

terminalTest("Ctrl-A X lets a back end close", async () => {
  for (const placement of ["worker", "process"]) {
    const back = ["--backend", `words=words.ts,placement=${placement}`, "--bind", "words.file=words", "--agree"];
    await using run = await session(back, { "words.ts": LAST_WORDS, words: "" });
    await run.type("\x01x");
    assertEquals((await run.ended()).code, 0);
    assertEquals(await Deno.readTextFile(run.file("words")), "closed");
  }
});
