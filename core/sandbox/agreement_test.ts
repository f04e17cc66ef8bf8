import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import type { HostRights } from "../bus/host_rights.ts";
import { agree, type Consent } from "./agreement.ts";
import type { BoundPlugin } from "./bound_plugin.ts";
import type { Lock } from "./lock.ts";
import { columns } from "./printable.ts";

const RIGHTS: HostRights = {
  reel: { kind: "file", access: "read-write", why: "it is the tape" },
  upstream: { kind: "connect", why: "tapes that are not at hand are fetched from there" },
};
const BOUND = { reel: "/home/me/reel.img", upstream: "tapes.example:443" };

interface Change {
  readonly content?: string;
  readonly rights?: HostRights;
  readonly bindings?: Readonly<Record<string, string>>;
  readonly placement?: BoundPlugin["placement"];
  readonly own?: boolean;
  readonly origin?: string;
  readonly version?: number;
}

function tape(change: Change = {}): BoundPlugin {
  const { content = "a", rights = RIGHTS, bindings = BOUND, placement = "process", version = 1 } = change;
  return {
    name: "tape",
    origin: change.origin ?? "https://acme.example/tape.ts",
    own: change.own ?? false,
    text: "",
    manifest: { kind: "backend", id: "acme/tape", api: 1, version, provides: "block", config: {}, host: rights },
    content: content.repeat(64),
    placement,
    rights,
    grant: { version: 1, plugin: "acme/tape", content: content.repeat(64), bindings },
  };
}

/** Whoever is asked, and what is shown. */
class Owner implements Consent {
  readonly shown: string[] = [];
  readonly asked: string[] = [];
  readonly all: boolean;
  readonly contents: readonly string[];
  readonly ask?: (table: string) => boolean;

  constructor(given: { all?: boolean; contents?: string[]; answer?: boolean } = {}) {
    this.all = given.all ?? false;
    this.contents = given.contents ?? [];
    const { answer } = given;
    if (answer !== undefined) this.ask = (table) => (this.asked.push(table), answer);
  }

  show = (table: string) => void this.shown.push(table);
}

async function after(...plugins: BoundPlugin[]): Promise<Lock> {
  return (await agree(plugins, {}, new Owner({ all: true }))).record({});
}

Deno.test("what was agreed to once is not asked for again", async () => {
  const owner = new Owner({ answer: true });
  const { record, binding } = await agree([tape()], {}, owner);
  assertEquals([owner.asked.length, binding], [1, true]);
  const lock = record({});
  const again = new Owner();
  const { news, binding: more } = await agree([tape()], lock, again);
  assertEquals([news, more, again.shown], [false, false, []]);
  assertEquals((await agree([tape()], lock, again)).record(lock), lock);
});

Deno.test("the table has everything in 80 columns, and nothing breaks out of its place", async () => {
  const long = {
    reel: `/home/me/${"very-".repeat(40)}long/\x1b[31mred\u202e.img`,
    upstream: `${"sub.".repeat(20)}example:443`,
  };
  const owner = new Owner({ answer: true });
  await agree([tape(), tape({ bindings: long, content: "c" })], {}, owner);
  const table = owner.asked[0]!;
  for (const line of table.split("\n")) assert(columns(line) <= 80, line);
  for (
    const part of [
      "acme/tape, version 1",
      "https://acme.example/tape.ts",
      "a".repeat(64),
      "read and write file",
      "connect to",
    ]
  ) {
    assertStringIncludes(table, part);
  }
  assertStringIncludes(table, "/home/me/reel.img");
  assertStringIncludes(table, "it is the tape");
  assertStringIncludes(table, "in a process of its own");
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(table), false);
});

Deno.test("without a terminal and an agreement nothing starts", async () => {
  const owner = new Owner();
  const error = await assertRejects(() => agree([tape()], {}, owner), BulkheadError, "no terminal to ask at");
  assertEquals(error.code, "not-agreed");
  assertStringIncludes(error.message, "--agree");
  assertEquals(owner.shown.length, 1);
});

Deno.test("a no is a no", async () => {
  await assertRejects(() => agree([tape()], {}, new Owner({ answer: false })), BulkheadError, "did not agree");
});

Deno.test("another bound value, a wider request and a weaker placement are shown as what they are", async () => {
  const narrow: HostRights = { ...RIGHTS, reel: { kind: "file", access: "read", why: "it is the tape" } };
  const cases: readonly (readonly [BoundPlugin, BoundPlugin, string])[] = [
    [
      tape(),
      tape({ bindings: { ...BOUND, reel: "/etc/passwd" } }),
      '"reel": was to read and write file /home/me/reel.img',
    ],
    [tape({ rights: narrow }), tape(), '"reel": was to read file /home/me/reel.img, is to read and write file'],
    [tape(), tape({ placement: "worker" }), "placement: was in a process of its own, is in a thread"],
  ];
  for (const [before, now, line] of cases) {
    const lock = await after(before), owner = new Owner();
    await assertRejects(() => agree([now], lock, owner), BulkheadError, "asks for something else than was agreed to");
    assertStringIncludes(owner.shown.join("").replace(/\n\s+/g, " "), line);
    // Agreed to as well, each is covered from then on.
    const both = (await agree([now], lock, new Owner({ all: true }))).record(lock);
    for (const plugin of [before, now]) await agree([plugin], both, new Owner());
  }
});

Deno.test("less than was agreed to, or a placement that holds more, needs no new agreement", async () => {
  const narrow: HostRights = { ...RIGHTS, reel: { kind: "file", access: "read", why: "it is the tape" } };
  await agree([tape({ rights: narrow })], await after(tape()), new Owner());
  await agree([tape()], await after(tape({ placement: "worker" })), new Owner());
});

Deno.test("a changed content is stopped even where everything is agreed to, and goes on by its hash", async () => {
  const lock = await after(tape());
  const more: HostRights = { ...RIGHTS, secrets: { kind: "file", access: "read", why: "why not" } };
  const changed = tape({ content: "b", version: 2, rights: more, bindings: { ...BOUND, secrets: "/home/me/.ssh/id" } });
  const owner = new Owner({ all: true });
  const error = await assertRejects(() => agree([changed], lock, owner), BulkheadError, "has changed since");
  assertStringIncludes(error.message, `--agree-content ${"b".repeat(64)}`);
  for (const line of ["content: was aaaa", "version: was 1, is 2", '"secrets": new, to read file /home/me/.ssh/id']) {
    assertStringIncludes(owner.shown[0]!, line);
  }
  const { record } = await agree([changed], lock, new Owner({ contents: ["b".repeat(64)] }));
  // The new content has taken the old one's place: that would be a change again.
  await assertRejects(() => agree([tape()], record(lock), new Owner({ all: true })), BulkheadError, "has changed");
});

Deno.test("the same id from elsewhere does not inherit an agreement", async () => {
  const owner = new Owner({ all: true });
  const other = tape({ content: "b", origin: "https://evil.example/tape.ts" });
  await assertRejects(async () => await agree([other], await after(tape()), owner), BulkheadError, "has changed");
  assertStringIncludes(owner.shown[0]!, "origin: was https://acme.example/tape.ts");
});

Deno.test("who asks for nothing and is confined is recorded and not asked about, and our own are neither", async () => {
  const none = { rights: {}, bindings: {}, placement: "confined" } as const;
  const { record, news, binding } = await agree([tape(none), tape({ own: true, content: "f" })], {}, new Owner());
  assertEquals([news, binding], [true, false]);
  const lock = record({});
  assertEquals(Object.keys(lock), ["a".repeat(64)]);
  assertEquals(lock["a".repeat(64)]!.agreed, []);
  const { altered } = await agree([tape({ ...none, content: "b" })], lock, new Owner());
  assertEquals(altered.map(({ content }) => content), ["b".repeat(64)]);
});

Deno.test("a stranger's plugin that nothing holds is asked about even if it asks for nothing", async () => {
  const owner = new Owner({ answer: true });
  await agree([tape({ rights: {}, bindings: {}, placement: "inline" })], {}, owner);
  assertStringIncludes(owner.asked[0]!, "run unconfined");
});
