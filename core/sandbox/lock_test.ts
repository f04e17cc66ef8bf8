import { assertEquals, assertRejects } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { type LockedPlugin, lockText, readLock, updateLock } from "./lock.ts";

const hash = (digit: string) => digit.repeat(64);
const plugin = (id: string): LockedPlugin => ({
  id,
  version: 1,
  origin: "file:///tape.ts",
  agreed: [{ placement: "process", rights: { up: { kind: "connect", why: "to fetch", value: "a:1" } } }],
});

async function inFolder(test: (path: string, names: () => Promise<string[]>) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bulkhead-test-" });
  try {
    await test(`${folder}/bulkhead.lock`, () => Array.fromAsync(Deno.readDir(folder), ({ name }) => name));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a lock is read as it was written, and nothing is left beside it", () =>
  inFolder(async (path, names) => {
    assertEquals(await readLock(path), {});
    await updateLock(path, (lock) => ({ ...lock, [hash("b")]: plugin("acme/b") }));
    await updateLock(path, (lock) => ({ [hash("a")]: plugin("acme/a"), ...lock }));
    assertEquals(await readLock(path), { [hash("b")]: plugin("acme/b"), [hash("a")]: plugin("acme/a") });
    assertEquals(await names(), ["bulkhead.lock"]);
  }));

Deno.test("equal locks have equal texts, whatever the order", () => {
  const a = { [hash("a")]: plugin("acme/a"), [hash("b")]: plugin("acme/b") };
  assertEquals(lockText(a), lockText(Object.fromEntries(Object.entries(a).reverse())));
});

Deno.test("starts at once all find their agreements in the lock", () =>
  inFolder(async (path, names) => {
    const digits = [..."0123456789abcdef"];
    await Promise.all(
      digits.map((digit) => updateLock(path, (lock) => ({ ...lock, [hash(digit)]: plugin("acme/x") }))),
    );
    assertEquals(Object.keys(await readLock(path)), digits.map(hash));
    assertEquals(await names(), ["bulkhead.lock"]);
  }));

Deno.test("a lock that is none is named, and stays as it is", () =>
  inFolder(async (path) => {
    const good = lockText({ [hash("a")]: plugin("acme/a") });
    const bad: readonly (readonly [string | Uint8Array, string])[] = [
      ["{", "expected JSON"],
      [good.slice(0, -10), "expected JSON"],
      [Uint8Array.of(0xff, 0xfe), "expected text"],
      ["null", "expected version 1"],
      ["[]", "expected version 1"],
      ['{"version": 2, "plugins": {}}', "expected version 1, which this release reads, found 2"],
      ['{"version": 1}', "expected plugins"],
      ['{"version": 1, "plugins": {"x": {}}}', "expected contents' hashes"],
      [`{"version": 1, "plugins": {"${hash("a")}": {}}}`, "expected an agreement"],
      [good.replace('"process"', '"attic"'), "expected an agreement"],
      [good.replace('"connect"', '"run"'), "expected an agreement"],
      [good.replace('"a:1"', "5"), "expected an agreement"],
    ];
    for (const [content, sentence] of bad) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(path, bytes);
      await assertRejects(() => readLock(path), BulkheadError, sentence);
      await assertRejects(() => updateLock(path, () => ({})), BulkheadError, sentence);
      assertEquals(await Deno.readFile(path), bytes);
    }
  }));

Deno.test("a lock that cannot be written is named", () =>
  inFolder(async (path) => {
    await assertRejects(() => updateLock(`${path}/x`, (lock) => lock), BulkheadError, "a folder that does not exist");
    await Deno.mkdir(path);
    await assertRejects(() => updateLock(path, (lock) => lock), BulkheadError, "a folder");
  }));
