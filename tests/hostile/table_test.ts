import { assert, assertEquals } from "@std/assert";
import { ATTEMPTS } from "./attempts.ts";
import { BACKENDS } from "./backends.ts";
import { DEVICES } from "./devices.ts";
import { ESCAPES } from "./escapes.ts";
import { FILES } from "./files.ts";
import { IMAGES } from "./images.ts";
import { hostilePlugins } from "./table.ts";

Deno.test("the table of hostile plugins is that of their tests", async () => {
  assertEquals(await Deno.readTextFile(new URL("../../docs/hostile-plugins.md", import.meta.url)), hostilePlugins());
});

Deno.test("no hostile plugin is told twice, and there are more than forty", () => {
  for (
    const rows of [ATTEMPTS, BACKENDS, DEVICES, ESCAPES, FILES, IMAGES] as readonly (readonly { tries: string }[])[]
  ) {
    assertEquals(rows.length, new Set(rows.map(({ tries }) => tries)).size);
  }
  assert(ATTEMPTS.length + BACKENDS.length + DEVICES.length + FILES.length > 40);
});
