import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { bundlePlugin } from "./bundle.ts";
import { placedConformance } from "./placed_conformance.ts";
import { PLACEMENTS } from "./placement.ts";

const bundled = async (path: string) => {
  const url = new URL(path, import.meta.url);
  return await bundlePlugin(await Deno.readTextFile(url), url.href);
};

Deno.test("a device conforms in every placement", async () => {
  for (const path of ["../../examples/heartbeat.ts", "../../tests/placements/probe.ts"]) {
    const bundle = await bundled(path);
    for (const placement of PLACEMENTS) {
      const report = await placedConformance(bundle, placement, { accesses: 300 });
      assertEquals(report.accesses, 300, placement);
    }
  }
});

Deno.test("a device that hides state in a variable is found out in every placement", async () => {
  const bundle = await bundlePlugin(
    `import { device } from "@bulkhead/bulkhead";
    export default device({
      id: "acme/hider", api: 1, version: 1, needs: { ports: { io: { base: 0x510, size: 1 } } }, state: () => ({}),
      wire() {
        let hidden = 0;
        return { regions: { io: [{ name: "IT", at: 0, width: 1, kind: "sync", read: () => hidden++ & 255 }] } };
      },
    });`,
    "file:///hider.ts",
  );
  for (const placement of PLACEMENTS) {
    const error = await assertRejects(() => placedConformance(bundle, placement, { accesses: 400 }), BulkheadError);
    assertStringIncludes(error.message, "keep everything that changes in state", placement);
  }
});
