import { assertEquals, assertMatch } from "@std/assert";
import { NO_RIGHTS, processFlags, workerPermissions } from "../../core/sandbox/rights.ts";
import { Folder } from "../command_line.ts";
import { ESCAPES } from "./escapes.ts";

/** A script that tries everything and prints what came of it, a JSON text for each. */
function script(values: Readonly<Record<string, string | number>>): string {
  const named = Object.entries(values).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`);
  const attempts = ESCAPES.map(({ does }) => `async () => ${does},`);
  return `${named.join("\n")}
const found = [];
for (const attempt of [${attempts.join("\n")}]) {
  try { found.push(String(await attempt())); } catch (error) { found.push(error.name + ": " + error.message); }
}
`;
}

/** What a process without rights gets. */
async function inProcess(flags: readonly string[], text: string): Promise<string[]> {
  const args = [
    "run",
    "--quiet",
    "--no-config",
    "--no-npm",
    ...flags,
    "data:application/javascript," + encodeURIComponent(text),
  ];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
  const words = new TextDecoder().decode(stdout);
  if (words === "") throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(words.trim().split("\n").at(-1)!);
}

const print = "console.log(JSON.stringify(found)); Deno.exit(0);";

for (const placement of ["worker", "process"] as const) {
  Deno.test(`what had escaped from its compartment in placement ${placement} would meet the second wall`, async (test) => {
    await using folder = await Folder.make();
    const secret = await folder.write("secret", "secret");
    await Deno.symlink(secret, folder.file("link"));
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const text = script({ FILE: secret, LINK: folder.file("link"), PORT: (listener.addr as Deno.NetAddr).port });
    const worker = `
      const worker = new Worker("data:application/javascript," + ${
      JSON.stringify(encodeURIComponent(text + "postMessage(found);"))
    }, {
        type: "module", deno: { permissions: ${JSON.stringify(workerPermissions(NO_RIGHTS))} },
      });
      const found = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
      ${print}`;
    // A machine's process may read our own sources, and the Worker in it may not.
    const flags = processFlags(NO_RIGHTS);
    const found = await inProcess(flags, placement === "worker" ? worker : text + print);
    assertEquals(found.length, ESCAPES.length);
    for (const [index, { tries, ends }] of ESCAPES.entries()) {
      await test.step(tries, () => assertMatch(found[index]!, ends instanceof RegExp ? ends : ends[placement]));
    }
    assertEquals(await Deno.readTextFile(secret), "secret");
  });
}
