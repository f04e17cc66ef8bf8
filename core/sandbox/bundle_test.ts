import { assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { bundlePlugin, bundleText } from "./bundle.ts";

const ORIGIN = "file:///plugins/it.ts";

async function refusal(source: string): Promise<string> {
  return (await assertRejects(() => bundlePlugin(source, ORIGIN), BulkheadError)).message;
}

const BACKEND = (more = "") => `
  import { backend, type FileHandle } from "@bulkhead/bulkhead";
  ${more}
  export default backend({ id: "acme/it", api: 1, version: 3, provides: "block", open: () => ({} as never) });
`;

Deno.test("a plugin becomes a text without types and imports, with what it declares and a hash of both", async () => {
  const bundle = await bundlePlugin(BACKEND("enum Kind { One }\nexport const kind: Kind = Kind.One;"), ORIGIN);
  assertEquals([bundle.kind, bundle.id, bundle.version, bundle.origin], ["backend", "acme/it", 3, ORIGIN]);
  assertEquals(bundle.manifest, {
    kind: "backend",
    id: "acme/it",
    api: 1,
    version: 3,
    provides: "block",
    config: {},
    host: {},
  });
  assertEquals(bundle.hash.length, 64);
  assertEquals(
    (await bundlePlugin(BACKEND("enum Kind { One }\nexport const kind: Kind = Kind.One;"), ORIGIN)).hash,
    bundle.hash,
  );
  assertNotEquals((await bundlePlugin(BACKEND("export const kind = 0;"), ORIGIN)).hash, bundle.hash);
});

Deno.test("whatever imports anything but the contract is refused, with its line and name", async () => {
  const cases: [string, string][] = [
    [`import fs from "node:fs";`, '"node:fs"'],
    [`import secret from "/etc/passwd" with { type: "text" };`, '"/etc/passwd"'],
    [`import data from "data:application/json,{}" with { type: "json" };`, '"data:application/json,{}"'],
    [`import x from "npm:left-pad";`, '"npm:left-pad"'],
    [`import "./other.ts";`, '"./other.ts"'],
    [`export * from "./other.ts";`, '"./other.ts"'],
    [`export { x } from "node:os";`, '"node:os"'],
    [`const later = () => import("node:fs");`, 'import("node:fs")'],
    [`const name = "node:fs"; const later = () => import(name);`, "import() of a computed name"],
    [`const here = import.meta.url;`, "import.meta"],
    [`await Promise.resolve();`, "await"],
    [`import { nothing } from "@bulkhead/bulkhead";`, '"nothing"'],
  ];
  for (const [line, found] of cases) {
    const message = await refusal(BACKEND(line));
    assertStringIncludes(message, "line 3", line);
    assertStringIncludes(message, found, line);
  }
  // What is only a type is gone before anybody looks.
  await bundleText(BACKEND(`import type { x } from "node:fs";`), ORIGIN);
});

Deno.test("comments and operators that look like something else change nothing", async () => {
  await bundlePlugin(BACKEND("/* import('x') --> */ let n = 3; while (n-->0);"), ORIGIN);
  await bundlePlugin(BACKEND("// <!-- import(\nlet n = 3; while (n-->0);"), ORIGIN);
});

Deno.test("a plugin sees the contract and nothing of the host while it is looked at", async () => {
  for (
    const reach of [
      "Deno.cwd()",
      "process.env",
      "fetch('http://127.0.0.1')",
      "new Worker('data:,')",
      "performance.now()",
      "Date.now()",
      "Math.random()",
    ]
  ) {
    assertStringIncludes(
      await refusal(BACKEND(`const it = ${reach};`)),
      "was stopped while its text was evaluated",
      reach,
    );
  }
  assertStringIncludes(await refusal(BACKEND("Array.prototype.push = () => 0;")), "was stopped");
  assertStringIncludes(
    await refusal(BACKEND("Object.getPrototypeOf(Uint8Array).prototype.subarray = () => 0;")),
    "was stopped",
  );
  assertStringIncludes(await refusal(BACKEND("(() => {}).constructor('return Deno')();")), "was stopped");
});

Deno.test("a file that is no plugin is refused with what it lacks", async () => {
  assertStringIncludes(
    await refusal("export const x = 1;"),
    "a default export made by device({...}) or backend({...})",
  );
  assertStringIncludes(await refusal("export default 5;"), "one of type number");
  assertStringIncludes(await refusal("export default function () {}"), "a function or a class");
  assertStringIncludes(await refusal("const = ;"), "expected TypeScript");
});
