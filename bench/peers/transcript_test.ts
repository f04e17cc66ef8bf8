import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { linesOf, type WatchEvent } from "./events.ts";
import { readTranscript } from "./transcript.ts";
import { WORKLOADS } from "./workloads.ts";

const MS = 1e6;

function marker(at: number, text: string, threads: Record<string, number>): WatchEvent {
  return { kind: "marker", at, text: `@@${text}`, threads, total: at };
}

function end(at: number, code = 0, errors = ""): WatchEvent {
  return { kind: "end", at, code, errors };
}

Deno.test("a workload's CPU time is that of the thread that worked most between its markers", () => {
  const run = readTranscript([
    marker(5000, "ready", { "1/1": 100 * MS, "1/2": 4500 * MS }),
    marker(5100, "alu begin", { "1/1": 200 * MS, "1/2": 4600 * MS }),
    // A thread that did not exist before counts from zero.
    marker(5720, `alu end ${WORKLOADS.alu} 600.000`, { "1/1": 250 * MS, "1/2": 5100 * MS, "1/3": 30 * MS }),
    { kind: "memory", at: 5800, bytes: 1000 },
    marker(5900, "done", {}),
    end(5950),
  ], ["alu"]);
  assertEquals(run.boot, { wall: 5000, cpu: 4500 });
  const { cpu, allCpu, wall, guest } = run.workloads.alu!;
  assertAlmostEquals(cpu, 500, 1e-6);
  assertAlmostEquals(allCpu, 580, 1e-6);
  assertEquals([wall, guest], [600, 600]);
  assertEquals([run.wall, run.totalCpu, run.memory.length], [5950, 5900, 1]);
  assertEquals([run.warnings, run.failure], [[], undefined]);
});

Deno.test("of several executions the median counts", () => {
  const events: WatchEvent[] = [];
  let [at, cpu] = [0, 0];
  for (const took of [100, 900, 120]) {
    events.push(marker(at, "fib begin", { "1/1": cpu * MS }));
    at += took + 20;
    cpu += took;
    events.push(marker(at, `fib end ${WORKLOADS.fib} ${took}.000`, { "1/1": cpu * MS }));
  }
  const run = readTranscript([...events, marker(at, "done", {}), end(at)], ["fib"]);
  assertAlmostEquals(run.workloads.fib!.cpu, 120, 1e-6);
});

Deno.test("a wrong result spoils the run, also where it is told after the time", () => {
  const run = readTranscript([
    marker(0, "alu begin", {}),
    marker(120, "alu end 00000000 100.000", {}),
    marker(130, "gzip1 begin", {}),
    marker(250, "gzip1 end - 100.000", {}),
    marker(300, "gzip1 result 12345678", {}),
    marker(310, "done", {}),
    end(320),
  ], ["alu", "gzip1"]);
  assertStringIncludes(run.failure!, `alu computed 00000000, expected ${WORKLOADS.alu}`);
  assertStringIncludes(run.failure!, "gzip1 computed 12345678");
});

Deno.test("clocks that disagree are a warning, a late stamp is not", () => {
  const run = (guest: string) =>
    readTranscript([marker(0, "alu begin", {}), marker(1020, `alu end ${WORKLOADS.alu} ${guest}`, {})], ["alu"]);
  assertEquals(run("990.000").warnings, []);
  assertStringIncludes(run("900.000").warnings[0]!, "900 ms by the guest's clock and 1000 ms by the host's");
});

Deno.test("a run that ends early says why", () => {
  const crash = readTranscript([marker(0, "ready", {}), end(10, 3, "some lines\nRuntimeError: unreachable\n")], [
    "alu",
  ]);
  assertEquals(crash.failure, "it ended with exit code 3: RuntimeError: unreachable");
  const panic = readTranscript([{ kind: "text", at: 1, text: "Kernel panic" }, end(10, 1)], ["alu"]);
  assertEquals(panic.failure, "it ended with exit code 1: Kernel panic");
  const slow = readTranscript([{ kind: "limit", at: 1 }, end(10, 143)], ["alu"]);
  assertEquals(slow.failure, "it was not done in time");
  const failed = readTranscript([marker(0, "failed mmap", {}), end(10)], ["alu"]);
  assertEquals(failed.failure, "the guest reported: failed mmap");
  const skipped = readTranscript([marker(0, "done", {}), end(10)], ["alu"]);
  assertEquals(skipped.failure, "the guest did not run alu");
});

Deno.test("lines come whole, without the serial line's carriage returns", async () => {
  const chunks = ["@@al", "u begin\r\nsecond\r", "\n\nlast\nnot ended"].map((text) => new TextEncoder().encode(text));
  const lines: string[] = [];
  for await (const line of linesOf(ReadableStream.from(chunks))) lines.push(line);
  assertEquals(lines, ["@@alu begin", "second", "", "last"]);
  assert(!lines.includes("not ended"));
});
