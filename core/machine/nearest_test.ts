import { assertEquals } from "@std/assert";
import { nearestName } from "./nearest.ts";

const known = ["kernel", "initrd", "append", "memory", "timeout", "serial"];

Deno.test("a slip finds the name that was meant", () => {
  assertEquals(nearestName("kernal", known), "kernel");
  assertEquals(nearestName("intird", known), "initrd");
  assertEquals(nearestName("mem", known), "memory");
  assertEquals(nearestName("time-out", known), "timeout");
});

Deno.test("something else finds nothing", () => {
  assertEquals(nearestName("frobnicate", known), undefined);
  assertEquals(nearestName("x", known), undefined);
});
