import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { MANIFEST_LIMITS, readManifest } from "./manifest.ts";
import { columns, printable, unprintable, wrapped } from "./printable.ts";

const tape = {
  kind: "backend",
  id: "acme/tape",
  api: 1,
  version: 1,
  provides: "block",
  config: {},
  host: { reel: { kind: "file", access: "read", why: "it is the tape" } },
};
const beep = { kind: "device", id: "acme/beep", api: 1, version: 1, config: {}, needs: {}, latches: {}, migrates: [] };
const because = (why: unknown) => ({ ...tape, host: { reel: { ...tape.host.reel, why } } });

Deno.test("a manifest is taken as it is told, as a copy", () => {
  assertEquals<unknown>(readManifest("plugin", tape), tape);
  assertEquals<unknown>(readManifest("plugin", beep), beep);
  assertEquals(readManifest("plugin", tape) === tape as unknown, false);
});

Deno.test("a reason that would not show as what it is does not come before the owner", () => {
  const forged: readonly (readonly [string, string])[] = [
    ["fine\n  read file  /etc/passwd", "U+000A"],
    ["fine\rread", "U+000D"],
    ["\x1b[2J\x1b[Hnothing is asked for", "U+001B"],
    ["\u009b2J", "U+009B"],
    ["gpj.\u202eexe", "U+202E"],
    ["left \u2066isolate", "U+2066"],
    ["zero\u200bwidth", "U+200B"],
    ["line\u2028separator", "U+2028"],
    ["wide\u3000space", "U+3000"],
    ["no\u00a0break", "U+00A0"],
    ["tag\u{e0041}", "U+E0041"],
    ["half \ud800", "U+D800"],
    ["heaped a\u0300\u0301\u0302\u0303", "more than two marks"],
    ["so   far away", "single spaces"],
    [" fine", "single spaces"],
    ["x".repeat(MANIFEST_LIMITS.reason + 1), "at most 200 characters"],
    ["", "a reason, as a sentence"],
  ];
  for (const [why, sentence] of forged) {
    const error = assertThrows(() => readManifest("plugin", because(why)), BulkheadError, sentence);
    assertEquals(unprintable(error.message), undefined, why);
  }
});

Deno.test("nonsense in a manifest is named with its field", () => {
  const deep = JSON.parse("[".repeat(20) + "]".repeat(20));
  const cases: readonly (readonly [unknown, string])[] = [
    [undefined, "the manifest: expected plain data"],
    [[], "the manifest: expected an object"],
    [{ ...tape, kind: "virus" }, 'kind: expected "device" or "backend", found "virus"'],
    [{ ...tape, id: "Acme" }, "id: expected author and name"],
    [{ ...tape, id: `a/${"b".repeat(99)}` }, "id: expected author and name"],
    [{ ...tape, api: 2 }, "api: expected 1"],
    [{ ...tape, version: 1.5 }, "version: expected a whole number"],
    [{ ...tape, version: NaN }, "version: expected a finite number"],
    [{ ...tape, provides: "toString" }, "provides: expected a kind of back end"],
    [{ ...tape, hots: {} }, "expected the fields of a backend"],
    [{ ...tape, config: deep }, "levels"],
    [{ ...tape, config: { all: new Array(5000).fill(0) } }, "values in all"],
    [{ ...tape, config: { f: () => {} } }, "config.f: expected plain data, found"],
    [{ ...tape, host: [] }, "host: expected an object"],
    [{ ...tape, host: { "a b": tape.host.reel } }, "host: expected placeholders"],
    [{ ...tape, host: { "\x1b": tape.host.reel } }, "a name in host: expected text that shows"],
    [{ ...tape, host: { reel: { ...tape.host.reel, kind: "run" } } }, "host.reel.kind"],
    [{ ...tape, host: { reel: { ...tape.host.reel, access: "all" } } }, "host.reel.access"],
    [{ ...tape, host: { reel: { ...tape.host.reel, path: "/" } } }, "host.reel: expected the fields"],
    [{ ...tape, host: { up: { kind: "connect", access: "read", why: "x" } } }, "host.up: expected the fields"],
    [
      { ...tape, host: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`r${i}`, tape.host.reel])) },
      "16 rights",
    ],
    [because(5), "host.reel.why: expected a reason"],
    [JSON.parse('{"__proto__": {}}'), "names that are no part of the language"],
    [{ ...beep, host: tape.host }, "host: expected no rights on the host"],
    [{ ...beep, latches: { a: "b" } }, "latches.a: expected a number"],
    [{ ...beep, migrates: [0.5] }, "migrates: expected a list of versions"],
  ];
  for (const [manifest, sentence] of cases) {
    assertThrows(() => readManifest("plugin", manifest), BulkheadError, sentence);
  }
});

Deno.test("what does not show is shown as an escape, and wide letters take two columns", () => {
  assertEquals(printable("a\x1b[2J\u202eb"), "a\\u{1b}[2J\\u{202e}b");
  assertEquals(printable("/home/köln/日本.img"), "/home/köln/日本.img");
  assertEquals(columns("日本.img"), 8);
  assertEquals(wrapped("one two three", 7), ["one two", "three"]);
  assertEquals(wrapped("/a/very/long/path", 6), ["/a/ver", "y/long", "/path"]);
  assertEquals(wrapped("", 6), [""]);
});
