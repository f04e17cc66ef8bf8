import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { summarize, table } from "./report.ts";
import type { Run } from "./transcript.ts";

function run(cpu: Record<string, number>, failure?: string): Run {
  const workloads = Object.fromEntries(
    Object.entries(cpu).map(([name, cpu]) => [name, { cpu, allCpu: cpu, wall: cpu, guest: cpu }]),
  );
  return {
    boot: { wall: 2000, cpu: 1000 },
    workloads,
    totalCpu: 5000,
    wall: 6000,
    memory: [{ at: 0, bytes: 1e6 }, { at: 1, bytes: 3e6 }, { at: 2, bytes: 2e6 }],
    warnings: [],
    ...(failure === undefined ? {} : { failure }),
  };
}

Deno.test("ratios are taken within a round, and say how many times as fast the first system is", () => {
  const rounds = [
    { bulkhead: run({ alu: 100, fib: 100 }), v86: run({ alu: 200, fib: 800 }) },
    // A round in which everything took three times as long.
    { v86: run({ alu: 600, fib: 2400 }), bulkhead: run({ alu: 300, fib: 300 }) },
  ];
  const summary = summarize(rounds, ["bulkhead", "v86"], ["alu", "fib"]);
  const [alu, fib] = summary.workloads;
  assertEquals(alu!.values, { bulkhead: 200, v86: 400 });
  assertAlmostEquals(alu!.ratios.v86!.mean, 2, 1e-9);
  assertAlmostEquals(alu!.ratios.v86!.interval![1], 2, 1e-9);
  assertAlmostEquals(fib!.ratios.v86!.mean, 8, 1e-9);
  assertAlmostEquals(summary.geometricMean.ratios.v86!.mean, 4, 1e-9);
  assertEquals(summary.whole.at(-1)!.values, { bulkhead: 3, v86: 3 });
});

Deno.test("what a system did not reach is left out, and so is a mean over other workloads", () => {
  const rounds = [{ bulkhead: run({ alu: 100, fib: 100 }), qemu: run({ alu: 50 }, "it ended") }];
  const summary = summarize(rounds, ["bulkhead", "qemu"], ["alu", "fib"]);
  assertAlmostEquals(summary.workloads[0]!.ratios.qemu!.mean, 0.5, 1e-9);
  assertEquals(summary.workloads[1]!.ratios, {});
  assertEquals(summary.geometricMean.ratios, {});
  assertEquals(summary.whole[0]!.values, { bulkhead: 6000 });
});

Deno.test("the table has a line for each workload, and a dash for what is not known", () => {
  const summary = summarize([{ bulkhead: run({ alu: 100 }), v86: run({ alu: 250 }) }], ["bulkhead", "v86"], [
    "alu",
    "fib",
  ]);
  const lines = table(summary, ["bulkhead", "v86"]).split("\n");
  assertStringIncludes(lines[0]!, "v86 / Bulkhead");
  const words = (name: string) => lines.find((line) => line.startsWith(name))!.split(/\s+/);
  assertEquals(words("alu"), ["alu", "100", "250", "2.50", "-"]);
  assertEquals(words("fib"), ["fib", "-", "-", "-", "-"]);
});
