import { toFileUrl } from "@std/path";
import { assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../../mod.ts";
import { agreedPlugins } from "../../host/consent.ts";
import type { ResolvedDefinition } from "../../core/machine/definition.ts";
import { usePluginLimits } from "../../core/sandbox/plugin_limits.ts";
import { Folder } from "../command_line.ts";
import { FILES } from "./files.ts";

/** Files that are looked at at once. */
const AT_ONCE = 3;

Deno.test("a hostile file is refused before it runs anywhere, and named with what it tried", async (test) => {
  using _limits = usePluginLimits({ describe: 1500, heapMegabytes: 64 });
  await using folder = await Folder.make();
  const refused = new Map<string, Promise<BulkheadError>>();
  const waiting = FILES.entries();
  const next = async () => {
    for (const [index, { tries, text }] of waiting) {
      const module = await folder.write(`rogue${index}.ts`, text);
      const refusal = assertRejects(() => agreement(`rogue${index}`, module, text, folder), BulkheadError);
      refusal.catch(() => {});
      refused.set(tries, refusal);
      await refusal.catch(() => {});
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  for (const [index, { tries, ends }] of FILES.entries()) {
    await test.step(tries, async () => {
      const { message } = await refused.get(tries)!;
      assertMatch(message, ends);
      assertStringIncludes(message, `rogue${index}`);
    });
  }
});

/** What a machine with the plugin would begin with. */
async function agreement(name: string, module: string, text: string, folder: Folder): Promise<void> {
  const plugin = { name, module: toFileUrl(module).href, config: {}, placement: null, optional: false };
  const isBackend = text.includes("export default backend(");
  const definition = {
    devices: isBackend ? [] : [{ ...plugin, place: {}, lines: {}, connect: {} }],
    backends: isBackend ? [{ ...plugin, bind: {}, readOnly: false, make: false }] : [],
  };
  await agreedPlugins(definition as unknown as ResolvedDefinition, { agree: true, lock: folder.file("lock") });
}
