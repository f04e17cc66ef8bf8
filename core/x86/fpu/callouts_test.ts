import { assertEquals } from "@std/assert";
import { x87 } from "../table/x87.ts";
import { FPU_CALLOUTS } from "./callouts.ts";

Deno.test("every FPU instruction of the table has a callout, and no other", () => {
  const named = new Set(x87.map((row) => row.semantics ?? row.mnemonic));
  assertEquals([...named].sort(), Object.keys(FPU_CALLOUTS).sort());
});
