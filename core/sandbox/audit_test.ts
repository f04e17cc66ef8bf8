import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import type { BoundPlugin } from "./bound_plugin.ts";
import { Audit } from "./audit.ts";
import type { AuditRecord } from "./audit_record.ts";
import type { HostUse } from "./host_uses.ts";

const tape: BoundPlugin = {
  name: "tape",
  origin: "file:///tape.ts",
  own: false,
  text: "",
  manifest: { kind: "backend", id: "acme/tape", api: 1, version: 1, provides: "block", config: {}, host: {} },
  content: "a".repeat(64),
  placement: "process",
  rights: { reel: { kind: "file", access: "read", why: "it is the tape" } },
  grant: { version: 1, plugin: "acme/tape", content: "a".repeat(64), bindings: { reel: "/reel.img" } },
};
const read: HostUse = { right: "reel", value: "/forged", action: "read", uses: 1, bytes: 512, outcome: "done" };

async function audited(test: (audit: Audit, clock: { now: number }, warned: string[]) => void): Promise<AuditRecord[]> {
  const folder = await Deno.makeTempDir({ prefix: "bulkhead-test-" });
  try {
    const path = `${folder}/audit`, warned: string[] = [], clock = { now: 0 };
    {
      using audit = new Audit([tape], { path, warn: (sentence) => warned.push(sentence), now: () => clock.now });
      test(audit, clock, warned);
    }
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an access is a line that says who, what, by which right and why", async () => {
  const [line, ...more] = await audited((audit) => audit.tell("tape", read));
  assertEquals(more, []);
  assertMatch(line!.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals({ ...line, time: "" }, {
    time: "",
    plugin: "acme/tape",
    name: "tape",
    content: "a".repeat(64),
    right: "reel",
    // What a compartment says of the value is not believed.
    value: "/reel.img",
    action: "read",
    outcome: "done",
    cause: "it is the tape",
    uses: 1,
    bytes: 512,
  });
});

Deno.test("equal accesses within a second are one more line with their counts", async () => {
  const lines = await audited((audit, clock) => {
    for (let n = 0; n < 1000; n++) audit.tell("tape", read);
    clock.now += 1000;
    audit.tell("tape", read);
  });
  assertEquals(lines.map(({ uses, bytes }) => [uses, bytes]), [[1, 512], [999, 999 * 512], [1, 512]]);
});

Deno.test("a plugin that floods the audit gets few lines, all its accesses are counted, and nothing grows", async () => {
  let counted = 0;
  const lines = await audited((audit, _clock, warned) => {
    for (let n = 0; n < 20_000; n++) {
      const hostile = {
        ...read,
        right: `r${n}`,
        action: `a${n}`,
        cause: "x".repeat(10_000),
        outcome: "denied",
      } as const;
      audit.tell("tape", hostile);
    }
    counted = audit.accesses().tape!.denied;
    assert(warned.length < 100);
  });
  assertEquals(counted, 20_000);
  assert(lines.length < 100);
  assertEquals(lines.reduce((sum, { uses }) => sum + uses, 0), 20_000);
  for (const line of lines) assert(JSON.stringify(line).length < 2000);
});

Deno.test("what a compartment tells is believed for nothing but its numbers", async () => {
  const lines = await audited((audit, _clock, warned) => {
    // deno-lint-ignore no-explicit-any
    const tell = (use: any) => audit.tell("tape", { ...read, ...use });
    tell({ outcome: "fine", right: "\x1b[2J", cause: 'no\n{"plugin":"other"}' });
    tell({ uses: NaN, bytes: -1, right: 5, action: {} });
    audit.tell("nobody", read);
    assertEquals(warned.length, 1);
    assertStringIncludes(warned[0]!, 'plugin "tape" (acme/tape) was denied "\\u{1b}[2J": read; no\\u{a}');
  });
  assertEquals(lines.map(({ outcome, uses, bytes }) => [outcome, uses, bytes]), [["denied", 1, 512], [
    "done",
    1,
    undefined,
  ]]);
});

Deno.test("denials are told without a file, and counted by plugin", () => {
  const warned: string[] = [];
  using audit = new Audit([tape], { warn: (sentence) => warned.push(sentence) });
  audit.tell("tape", { ...read, outcome: "denied", cause: "it may only read" });
  audit.tell("tape", read);
  assertEquals(warned, ['plugin "tape" (acme/tape) was denied "reel": read; it may only read']);
  assertEquals(audit.accesses(), {
    tape: {
      plugin: "acme/tape",
      content: "a".repeat(64),
      placement: "process",
      uses: { read: 1 },
      bytes: { read: 512 },
      denied: 1,
      failed: 0,
    },
  });
});

Deno.test("lines are added to a file, behind a line that a crash has cut off", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, '{"cut":');
    {
      using audit = new Audit([tape], { path, warn: () => {} });
      audit.tell("tape", read);
    }
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    assertEquals(lines.length, 2);
    assertEquals(JSON.parse(lines[1]!).action, "read");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("an audit file that cannot be written is named", () => {
  assertThrows(() => new Audit([], { path: "/", warn: () => {} }), BulkheadError, "found a folder");
  assertThrows(() => new Audit([], { path: "/gone/x", warn: () => {} }), BulkheadError, "a folder that does not exist");
});
