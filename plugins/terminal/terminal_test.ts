import { assertEquals } from "@std/assert";
import { Terminal, type TerminalHost } from "./terminal.ts";

/** A host whose input is `input` and whose output takes `take` bytes at a time. */
function host(input: (string | Error)[], isTerminal: boolean, take = 1000) {
  const pieces = [...input];
  const seen = { output: "", raw: [] as boolean[], typed: "", commands: [] as string[], unload: () => {} };
  const fake: TerminalHost = {
    isTerminal,
    setRaw: (raw) => void seen.raw.push(raw),
    read: (into) => {
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      if (piece instanceof Error) return Promise.reject(piece);
      return Promise.resolve(new TextEncoder().encodeInto(piece, into).written);
    },
    write: (bytes) => {
      seen.output += new TextDecoder().decode(bytes.subarray(0, take));
      return Promise.resolve(Math.min(take, bytes.length));
    },
    onUnload: (listener) => void (seen.unload = listener),
  };
  const listener = {
    type: (bytes: Uint8Array) => {
      seen.typed += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
    command: (command: string) => void seen.commands.push(command),
  };
  return { terminal: new Terminal(fake), seen, listener, fake };
}

Deno.test("a terminal is raw while it is open, and is put back once", async () => {
  const { terminal, seen, listener } = host(["ls\r\x03", "\x01x"], true);
  await terminal.open(listener);
  assertEquals(seen.typed, "ls\r\x03");
  assertEquals(seen.commands, ["exit"]);
  assertEquals(seen.raw, [true]);
  terminal.restore();
  terminal[Symbol.dispose]();
  seen.unload();
  assertEquals(seen.raw, [true, false]);
});

Deno.test("a terminal is put back when the process ends without a word", async () => {
  const { terminal, seen, listener } = host([], true);
  await terminal.open(listener);
  seen.unload();
  assertEquals(seen.raw, [true, false]);
});

Deno.test("a pipe is left alone, and may carry any byte", async () => {
  const { terminal, seen, listener } = host(["a\x01x\x01\x01"], false);
  await terminal.open(listener);
  terminal.restore();
  assertEquals(seen.typed, "a\x01x\x01\x01");
  assertEquals(seen.commands, []);
  assertEquals(seen.raw, []);
});

Deno.test("an input that breaks has ended; one that would block is tried again", async () => {
  const { terminal, seen, listener } = host(["a", new Deno.errors.WouldBlock(), "b", new Error("gone")], false);
  await terminal.open(listener);
  assertEquals(seen.typed, "ab");
});

Deno.test("all output is written, however little is taken at a time", async () => {
  const { terminal, seen } = host([], false, 3);
  assertEquals(await terminal.write(new TextEncoder().encode("hello, world")), true);
  assertEquals(seen.output, "hello, world");
});

Deno.test("output that nobody reads any more is reported", async () => {
  const { fake } = host([], false);
  const terminal = new Terminal({ ...fake, write: () => Promise.reject(new Deno.errors.BrokenPipe()) });
  assertEquals(await terminal.write(Uint8Array.of(1)), false);
});
