import { assertEquals } from "@std/assert";
import { deadFlags } from "./flag_liveness.ts";
import { type PageOptions, regionOf } from "./test_support.ts";

/** Offsets of the instructions of the first block that need not set their flags. */
function dead(source: string, options?: PageOptions): number[] {
  const block = regionOf(source, options)!.blocks[0]!;
  return deadFlags(block).flatMap((dead, number) => dead ? [number] : []);
}

Deno.test("flags that the next operation overwrites are dead", () => {
  assertEquals(dead("add eax, 1\nsub ecx, edx\nret"), [0]);
  assertEquals(dead("add eax, 1\nmov ebx, eax\nlea esi, [eax + ecx]\nxor edx, edx\nret"), [0, 1, 2]);
  assertEquals(dead("add eax, 1\nadd eax, 2\nadd eax, 3\nret"), [0, 1]);
});

Deno.test("what somebody may still see is alive", () => {
  const alive = [
    "add eax, 1\nret",
    // Reads CF.
    "add eax, 1\nadc ecx, 0\nret",
    "add eax, 1\nsbb ecx, ecx\nret",
    "add eax, 1\nsetc cl\nret",
    "add eax, 1\ncmovz ecx, edx\nret",
    "add eax, 1\npushf\nret",
    // Keeps CF.
    "add eax, 1\ninc ecx\nret",
    // May keep all of them.
    "add eax, 1\nshl ecx, cl\nret",
  ];
  for (const source of alive) assertEquals(dead(source), [], source);
});

Deno.test("what may leave the region in between, or is called, sees the flags", () => {
  assertEquals(dead("add eax, 1\nmov ecx, [ebx]\nsub edx, edx\nret"), [1]);
  assertEquals(dead("add eax, 1\nadd ecx, [ebx]\nret"), []);
  assertEquals(dead("add eax, 1\nmov ecx, edx\nsub edx, edx\nret", { slow: [3] }), [1]);
});
