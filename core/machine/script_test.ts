import { assertEquals } from "@std/assert";
import type { ResolvedStep } from "./definition.ts";
import { SCRIPT_WINDOW, type ScriptMatch, SerialScript } from "./script.ts";

/** A script whose deeds are recorded with the number of bytes that the guest had written. */
function record(steps: readonly (RegExp | string)[], proceed = true) {
  const deeds: string[] = [];
  const matches: ScriptMatch[] = [];
  let written = 0;
  const script = new SerialScript({
    type: (bytes) => void deeds.push(`${written} type ${new TextDecoder().decode(bytes)}`),
    matched: (id, match) => {
      deeds.push(`${written} matched ${id}`);
      matches.push(match);
      return proceed;
    },
  });
  steps.forEach((step, id) => script.add(id, resolved(step)));
  const write = (text: string) => {
    for (const byte of new TextEncoder().encode(text)) {
      written++;
      script.byte(byte);
    }
  };
  return { script, deeds, matches, write };
}

const resolved = (step: RegExp | string): ResolvedStep =>
  typeof step === "string"
    ? { kind: "send", bytes: [...new TextEncoder().encode(step)] }
    : { kind: "expect", source: step.source, flags: step.flags };

Deno.test("a step acts at the byte that completes its pattern", () => {
  const { deeds, write } = record([/login: /, "root\n", /# /, "uname\n"]);
  write("Debian\nlogin: root\n# and more # ");
  assertEquals(deeds, ["14 matched 0", "14 type root\n", "21 matched 2", "21 type uname\n"]);
});

Deno.test("a pattern sees only text after the previous match", () => {
  const { deeds, write } = record([/i686/, /i686/]);
  write("i686 ");
  assertEquals(deeds, ["4 matched 0"]);
  write("i68");
  assertEquals(deeds.length, 1);
  write("6");
  assertEquals(deeds, ["4 matched 0", "9 matched 1"]);
});

Deno.test("a step that comes late still sees what the guest wrote since the last match", () => {
  const { script, deeds, write } = record([]);
  write("booting... # ");
  script.add(7, resolved(/# /));
  script.add(8, resolved("x"));
  assertEquals(deeds, ["13 matched 7", "13 type x"]);
  script.add(9, resolved(/# /));
  assertEquals(deeds.length, 2);
  assertEquals(script.pending, true);
});

Deno.test("groups, names and the text before are reported", () => {
  const { matches, write } = record([/Linux version (?<major>\d)\.(\d+)(x)?/]);
  write("[0] Linux version 6.1\n");
  assertEquals(matches, [{
    groups: ["Linux version 6.1", "6", "1", null],
    named: { major: "6" },
    index: 4,
    text: "[0] Linux version 6.1",
  }]);
});

Deno.test("plain patterns and others agree, also where a pattern overlaps itself", () => {
  for (const literal of ["aab", "abab", "aaa", "# ", "a"]) {
    for (const text of ["aaab", "abaabab", "aaaaaaa", "x# # ", "bbb", "ababab aab"]) {
      const plain = record([new RegExp(literal), new RegExp(literal)]);
      const general = record([new RegExp(`(?:${literal})`), new RegExp(`(?:${literal})`)]);
      plain.write(text);
      general.write(text);
      assertEquals(plain.deeds, general.deeds, `${literal} in ${text}`);
      assertEquals(plain.matches, general.matches);
    }
  }
});

Deno.test("an escaped character is not taken literally with its backslash", () => {
  const { deeds, write } = record([/\$ /, /a\.b/]);
  write("a.b $ axb a.b");
  assertEquals(deeds, ["6 matched 0", "13 matched 1"]);
});

Deno.test("characters of several bytes are seen whole", () => {
  const { deeds, write } = record([/ü€/, /ok/]);
  write("x ü€ ok");
  assertEquals(deeds, ["7 matched 0", "10 matched 1"]);
});

Deno.test("bytes that are no UTF-8 do not stop a script", () => {
  const { script, deeds, write } = record([/ok/]);
  for (const byte of [0xff, 0xc3, 0x28, 0x80]) script.byte(byte);
  write("ok");
  assertEquals(deeds, ["2 matched 0"]);
});

Deno.test("a match may ask the script to wait", () => {
  const { script, deeds, write } = record([/a/, "x", /b/], false);
  write("ab");
  assertEquals(deeds, ["1 matched 0"]);
  script.proceed();
  assertEquals(deeds, ["1 matched 0", "2 type x", "2 matched 2"]);
});

Deno.test("a step that is taken back lets the next one act", () => {
  const { script, deeds, write } = record([/never/, /b/]);
  write("ab");
  script.remove(0);
  assertEquals(deeds, ["2 matched 1"]);
});

Deno.test("text beyond the window is forgotten", () => {
  const { script, deeds, write } = record([]);
  write("needle");
  write("x".repeat(3 * SCRIPT_WINDOW));
  script.add(0, resolved(/needle/));
  assertEquals(deeds, []);
});
