import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { BulkheadError } from "../../core/bus/error.ts";
import { vectors } from "../../cli/vectors.ts";
import { vectorFiles } from "../../cli/vectors/files.ts";
import { totals } from "../../cli/vectors/report.ts";
import { type FileResult, VectorRunner } from "../../cli/vectors/run_file.ts";

const FOLDER = fromFileUrl(new URL(".", import.meta.url)).replace(/[\\/]$/, "");

/** MOV AL,5 at 0100:0000, then HLT, in the form of a recorded vector. */
const MOV = {
  op: "B0",
  idx: 0,
  name: "mov al,5",
  bytes: "b005f4",
  init: {
    regs: {
      ax: 0,
      bx: 0,
      cx: 0,
      dx: 0,
      cs: 0x100,
      ss: 0,
      ds: 0,
      es: 0,
      sp: 0x800,
      bp: 0,
      si: 0,
      di: 0,
      ip: 0,
      flags: 2,
    },
    ram: [[0x1000, "b005f4"]],
  },
  final: { regs: { ax: 5, ip: 3 }, ram: [] },
  fmask: 0xffff,
};

/** INC EAX in user mode. */
const INC = {
  n: "inc r",
  c: "40",
  g: ["ffffffff", "0", "0", "0", "20002800", "0", "0", "0"],
  f: "202",
  m: [],
  ip: "20000101",
  G: { 0: "0" },
  F: "256",
  M: [],
};

async function runText(text: string, name = "one.jsonl"): Promise<FileResult> {
  return await withFile(name, new TextEncoder().encode(text), (path) => new VectorRunner().run(path));
}

async function withFile<T>(name: string, content: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "bulkhead-vectors-" });
  try {
    await Deno.writeFile(`${folder}/${name}`, content);
    return await use(`${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const [how, translate] of [["interpreted", undefined], ["translated at once", { after: 0 }]] as const) {
  Deno.test(`every vector of the selection, ${how}, passes or falls under a rule`, async (t) => {
    const runner = new VectorRunner(translate);
    for (const file of await vectorFiles([FOLDER])) {
      await t.step(file.slice(FOLDER.length + 1), async () => {
        const { failures, excepted } = await runner.run(file);
        assertEquals(failures.slice(0, 5), []);
        // A model of the recorded processor runs these.
        if (file.endsWith("sst286.jsonl.gz")) assertEquals(excepted.size, 0);
      });
    }
  });
}

Deno.test("a real-mode vector passes in plain and in compressed text", async () => {
  const plain = JSON.stringify(MOV) + "\n";
  assertEquals(totals([await runText(plain)]), { passed: 1, failed: 0, excepted: 0 });
  const zipped = await new Response(new Blob([plain]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
  const result = await withFile("one.jsonl.gz", zipped, (path) => new VectorRunner().run(path));
  assertEquals(totals([result]), { passed: 1, failed: 0, excepted: 0 });
});

Deno.test("a wrong register, flag, memory byte or address fails and is named", async () => {
  const wrong = [
    [{ ...MOV, final: { regs: { ax: 6, ip: 3 }, ram: [] } }, "ax: expected 0006, found 0005"],
    [{ ...MOV, final: { regs: { ax: 5, ip: 3, flags: 3 }, ram: [] } }, "flags: expected 0003, found 0002"],
    [{ ...MOV, final: { regs: { ax: 5, ip: 3 }, ram: [[0x500, "01"]] } }, "byte at 00500: expected 01, found 00"],
    [{ ...INC, G: { 0: "1" } }, "eax: expected 00000001, found 00000000"],
    [{ ...INC, F: "246" }, "eflags: expected 0044, found 0054"],
    [{ ...INC, M: [["20002400", "01"]] }, "byte at 20002400: expected 01, found 00"],
    [{ ...INC, e: [13, 0], ip: "20000100" }, "vector: expected 0D, found 03"],
  ] as const;
  for (const [vector, difference] of wrong) {
    const { failures } = await runText(JSON.stringify(vector));
    assertEquals(failures.length, 1);
    assertEquals(
      failures[0]!.differences.filter((text) => text === difference).length,
      1,
      failures[0]!.differences.join(),
    );
  }
});

Deno.test("a write that no vector names is found", async () => {
  // MOV [0500h],AL
  const store = {
    ...MOV,
    bytes: "a20005f4",
    init: { ...MOV.init, ram: [[0x1000, "a20005f4"]] },
    final: { regs: { ip: 4 }, ram: [] },
  };
  const zero = JSON.stringify(store);
  assertEquals((await runText(zero)).failures.length, 0);
  const stray = JSON.stringify({ ...store, init: { ...store.init, regs: { ...MOV.init.regs, ax: 7 } } });
  const { passed, failures } = await runText([zero, stray].join("\n"));
  assertEquals([passed, failures.map(({ number }) => number)], [1, [2]]);
  assertEquals(failures[0]!.differences, ["byte at 00500: changed, though no run names it"]);
});

Deno.test("a 64-bit vector is excepted by name", async () => {
  const long = { ...INC, g: [...INC.g, ...INC.g] };
  assertEquals([...(await runText(JSON.stringify(long))).excepted.keys()], ["not built: 64-bit mode"]);
});

Deno.test("bad input ends in a sentence", async () => {
  const bad: [string, Uint8Array, string][] = [
    ["empty.jsonl", new Uint8Array(), "an empty file"],
    ["text.jsonl", new TextEncoder().encode("hello\n"), 'line 1: expected a JSON object, found "hello"'],
    ["list.jsonl", new TextEncoder().encode("[1]\n"), "line 1"],
    ["other.jsonl", new TextEncoder().encode('{"a":1}\n'), "vector 1"],
    ["mixed.jsonl", new TextEncoder().encode(`${JSON.stringify(MOV)}\n${JSON.stringify(INC)}\n`), "vector 2"],
    ["cut.jsonl.gz", Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), "a whole gzip file"],
  ];
  for (const [name, content, part] of bad) {
    const error = await assertRejects(
      () => withFile(name, content, (path) => new VectorRunner().run(path)),
      BulkheadError,
    );
    assert(error.message.includes(part), error.message);
  }
  await assertRejects(() => vectors([]), BulkheadError, "a folder or file");
  await assertRejects(() => vectors(["/no/such/folder"]), BulkheadError, "nothing of that name");
  const folder = await Deno.makeTempDir({ prefix: "bulkhead-vectors-" });
  await assertRejects(() => vectors([folder]), BulkheadError, "no").finally(() => Deno.remove(folder));
});
