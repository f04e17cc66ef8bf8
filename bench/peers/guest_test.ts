import { assert, assertEquals } from "@std/assert";
import { compile, findCompiler } from "./guest.ts";
import { WORKLOADS } from "./workloads.ts";

const compiler = await findCompiler().catch(() => undefined);
const native = compiler?.[0] === "gcc" && Deno.build.os === "linux" && Deno.build.arch === "x86_64";

Deno.test({
  name: "the guest program computes on this processor what every system must compute",
  ignore: !native,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "bulkhead-bench-test-" });
    try {
      await compile(compiler![0], folder);
      // Those that are quick and need neither BusyBox nor a machine of their own.
      const names = ["alu", "u64", "qsort", "vm", "sse2int", "mandel_x87", "nbody_x87", "nbody_sse2", "smc", "gen"];
      const { stdout } = await new Deno.Command(`${folder}/init`, { args: names }).output();
      const ends = new TextDecoder().decode(stdout).matchAll(/^@@(\w+) end (\w{8}) \d+\.\d{3}$/gm);
      const results = Object.fromEntries([...ends].map(([, name, result]) => [name, result]));
      assertEquals(results, Object.fromEntries(names.map((name) => [name, WORKLOADS[name]!])));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the guest's table of workloads is the benchmark's", async () => {
  const table = await Deno.readTextFile(new URL("../guest/init.c", import.meta.url));
  const names = [...table.matchAll(/^ {4}\{"(\w+)", /gm)].map(([, name]) => name);
  assertEquals(names, Object.keys(WORKLOADS));
  assert(names.length === 28);
});
