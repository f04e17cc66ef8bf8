import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { parseMemorySize } from "./memory_size.ts";

Deno.test("memory sizes are read with and without a unit", () => {
  assertEquals(parseMemorySize("256M", "--memory"), 256 * 1024 ** 2);
  assertEquals(parseMemorySize("2g", "--memory"), 2 * 1024 ** 3);
  assertEquals(parseMemorySize("3G", "--memory"), 3 * 1024 ** 3);
  assertEquals(parseMemorySize("65536 KiB", "--memory"), 64 * 1024 ** 2);
  assertEquals(parseMemorySize(4194304, "memory"), 4194304);
});

Deno.test("a size that no machine can have is refused with what is wrong with it", () => {
  const cases: Record<string, string> = {
    "0": '"0", which is 0 bytes: too little',
    "3": '"3", which is 3 bytes: too little',
    "1M": "too little",
    banana: '"banana", which is no size',
    "": "which is no size",
    "-5M": "which is no size",
    "1.5G": "which is no size",
    "99T": '"99T", which is too much',
    "3073M": "which is too much",
    "4194305": "which is no whole number of pages",
  };
  for (const [given, found] of Object.entries(cases)) {
    const error = assertThrows(() => parseMemorySize(given, "--memory"), BulkheadError, found);
    assertEquals(
      (error as BulkheadError).message.startsWith("--memory: expected a memory size of whole 4 KB pages"),
      true,
    );
  }
});
