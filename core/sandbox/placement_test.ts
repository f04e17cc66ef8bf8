import { assertEquals, assertThrows } from "@std/assert";
import { type Placeable, placementOf } from "./placement.ts";

Deno.test("a stranger's plugin is by default where it can be ended without its machine", () => {
  for (const kind of ["device", "backend"] as const) {
    for (const rights of [false, true]) {
      assertEquals(placementOf({ name: "it", kind, own: false, rights }, null), "process");
    }
  }
});

Deno.test("an owner's word counts, but what has rights is not put where there are none", () => {
  const backend: Placeable = { name: "it", kind: "backend", own: false, rights: true };
  assertEquals(placementOf(backend, "worker"), "worker");
  assertEquals(placementOf({ ...backend, rights: false }, "confined"), "confined");
  assertThrows(() => placementOf(backend, "confined"), Error, "worker or process");
  assertEquals(placementOf({ ...backend, own: true }, null), "worker");
  assertEquals(placementOf({ ...backend, own: true, kind: "device" }, null), "inline");
});
