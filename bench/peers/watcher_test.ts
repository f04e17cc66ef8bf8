import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { linesOf, type WatchedCommand, type WatchEvent } from "./events.ts";

/** Watches a Deno that runs a script. */
async function watch(script: string, limit: number): Promise<WatchEvent[]> {
  const command: WatchedCommand = {
    program: Deno.execPath(),
    args: ["eval", "--no-lock", script],
    env: { HOME: Deno.env.get("HOME") ?? "/", PATH: Deno.env.get("PATH") ?? "" },
    limit,
  };
  const watcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", fromFileUrl(new URL("./watcher.ts", import.meta.url)), JSON.stringify(command)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const events: WatchEvent[] = [];
  for await (const line of linesOf(watcher.stdout)) events.push(JSON.parse(line));
  await watcher.status;
  return events;
}

Deno.test(
  { name: "markers carry the CPU time that a thread has used", ignore: Deno.build.os !== "linux" },
  async () => {
    const events = await watch(
      `console.log("hello");
    console.log("junk@@a begin");
    for (const end = performance.now() + 200; performance.now() < end;);
    console.log("@@a end\\r\\n@@done");
    setTimeout(() => {}, 60_000);`,
      60,
    );
    const markers = events.filter((event) => event.kind === "marker");
    assertEquals(markers.map(({ text }) => text), ["@@a begin", "@@a end", "@@done"]);
    const [begin, end] = markers.map(({ threads }) => Math.max(...Object.values(threads)));
    assert(end! > begin!);
    assert(markers[0]!.at < markers[1]!.at);
    assertEquals(events.filter((event) => event.kind === "text").map(({ text }) => text), ["hello"]);
    // Once all is done the system is looked at a last time, and ended.
    assert(events.some((event) => event.kind === "memory" && event.bytes > 1e6));
    assertEquals(events.at(-1)!.kind, "end");
  },
);

Deno.test({ name: "a system that is not done in time is ended", ignore: Deno.build.os !== "linux" }, async () => {
  const events = await watch(`console.log("@@ready"); setTimeout(() => {}, 60_000);`, 1);
  assert(events.some(({ kind }) => kind === "limit"));
  assertEquals(events.at(-1)!.kind, "end");
});
