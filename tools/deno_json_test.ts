import { assert, assertEquals } from "@std/assert";
import { flagValue, programs } from "./programs.ts";

const { default: config } = await import("../deno.json", { with: { type: "json" } });
const { tasks } = config;

Deno.test("every task that runs the command line gives it the same rights", () => {
  const command = tasks.bulkhead.command;
  assertEquals(tasks.start.command, `${command} start`);
  assertEquals(tasks.vectors.command, `${command} vectors`);
});

Deno.test("no task has every right", () => {
  for (const { command } of Object.values(tasks)) assert(!/ (-A|--allow-all)\b/.test(command), command);
});

Deno.test("the command line may start this Deno by its path, and nothing by a bare name", () => {
  assert(programs().includes(Deno.execPath()));
  for (const program of programs()) assert(/[\\/]/.test(program), program);
});

Deno.test("a comma in a path does not end it in a permission flag", () => {
  assertEquals(flagValue(["/a,b/deno", "/c"]), "/a,,b/deno,/c");
});
