import { assertEquals, assertRejects } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import type { HostRight } from "../bus/host_rights.ts";
import { bindRights, readOnlyRights } from "./bindings.ts";

const why = "it needs it";
const file = (access: "read" | "read-write" | "write"): HostRight => ({ kind: "file", access, why });
const connect: HostRight = { kind: "connect", why };
const listen: HostRight = { kind: "listen", why };

async function bind(right: HostRight, value: string, options: { reserved?: string[]; make?: boolean } = {}) {
  const { make = false, reserved = [] } = options;
  const bound = await bindRights({ name: "tape", rights: { it: right }, bind: { it: value }, make }, reserved);
  return bound.it;
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "bulkhead-test-" }));
  try {
    await Deno.writeTextFile(`${folder}/file`, "x");
    await Deno.mkdir(`${folder}/sub`);
    await Deno.symlink(`${folder}/file`, `${folder}/link`);
    await Deno.symlink(`${folder}/gone`, `${folder}/dangling`);
    await Deno.symlink(`${folder}/sub`, `${folder}/sublink`);
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("files are bound by their real path", () =>
  inFolder(async (folder) => {
    assertEquals(await bind(file("read"), `${folder}/link`), `${folder}/file`);
    assertEquals(await bind(file("read-write"), `${folder}/sub/../file`), `${folder}/file`);
    assertEquals(await bind(file("write"), `${folder}/sublink/new`), `${folder}/sub/new`);
    assertEquals(await bind(file("read-write"), `${folder}/new`, { make: true }), `${folder}/new`);
  }));

Deno.test("what is no file that may be given is refused in a sentence", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a,b`, "x");
    const cases: readonly (readonly [HostRight, string, string])[] = [
      [file("read"), folder, "a folder"],
      [file("write"), `${folder}/sub`, "a folder"],
      [file("read"), `${folder}/gone`, "does not exist"],
      [file("read-write"), `${folder}/gone`, "does not exist"],
      [file("read-write"), `${folder}/dangling`, "does not exist"],
      [file("write"), `${folder}/dangling`, "a link to nothing"],
      [file("write"), `${folder}/gone/new`, "in a folder that does not exist"],
      [file("write"), `${folder}/new/`, "the name of a folder"],
      [file("read"), "/dev/null", "no regular file"],
      [file("read"), `${folder}/a,b`, "a comma"],
      [file("read"), `${folder}/a\0b`, "zero characters"],
      [connect, `unix:${folder}/file`, "no socket"],
      [connect, `unix:${folder}/gone`, "does not exist"],
      [listen, `unix:${folder}/file`, "no socket"],
      [connect, "unix:", "cannot be looked at"],
    ];
    for (const [right, value, sentence] of cases) {
      await assertRejects(() => bind(right, value), BulkheadError, sentence);
    }
    await assertRejects(
      () => bind(file("write"), `${folder}/link`, { reserved: [`${folder}/file`] }),
      BulkheadError,
      "held to",
    );
  }));

Deno.test("a peer is bound by one exact address", async () => {
  assertEquals(await bind(connect, "Example.ORG:443"), "example.org:443");
  assertEquals(await bind(connect, "[::1]:80"), "[::1]:80");
  assertEquals(await bind(listen, "127.0.0.1:0"), "127.0.0.1:0");
  const values = [
    "127.0.0.1",
    "localhost",
    "",
    ":80",
    "*:80",
    "*.example.org:80",
    "example.org:0",
    "example.org:65536",
    "example.org:080",
    "127.0.0.0/8:80",
    "a,b:80",
    "a b:80",
    "http://example.org:80",
    "example.org:80/x",
    "127.0.0.1:9229",
    "localhost:9229",
    "[::1]:9229",
    "example.org:80\n",
  ];
  for (const value of values) await assertRejects(() => bind(connect, value), BulkheadError, 'right "it"', value);
  await assertRejects(() => bind(listen, "127.0.0.1:9229"), BulkheadError, "the port of the inspector");
});

Deno.test("what is asked for and what is bound must be the same", async () => {
  await assertRejects(
    () => bindRights({ name: "tape", rights: { it: connect }, bind: {} }, []),
    BulkheadError,
    "name one with --bind tape.it=HOST:PORT",
  );
  await assertRejects(
    () => bindRights({ name: "tape", rights: { it: connect }, bind: { it: "a:1", more: "b" } }, []),
    BulkheadError,
    'what it asks for: it, found "more"',
  );
  await assertRejects(
    () => bindRights({ name: "tape", rights: {}, bind: { it: "a:1" } }, []),
    BulkheadError,
    "asks for no right on the host",
  );
});

Deno.test("a disk that is not to be changed is given for reading", () => {
  assertEquals(readOnlyRights({ a: file("read-write"), b: connect }), { a: file("read"), b: connect });
});
