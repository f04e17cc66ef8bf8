/**
 * The file of `--stats`.
 *
 * @module
 */
import type { ExitReport } from "../core/machine/report.ts";
import type { PluginAccesses } from "../core/sandbox/audit.ts";
import type { MachineStatistics } from "../core/machine/statistics.ts";

/** Writes the counters, with how the run ended. `pid` is the machine process, whose thread the host may know better. */
export async function writeStatistics(
  path: string,
  statistics: MachineStatistics & { readonly plugins: Readonly<Record<string, PluginAccesses>> },
  { reason, cpu, unmet, post }: ExitReport,
  code: number,
  pid: number,
): Promise<void> {
  const seconds = schedstatSeconds(pid);
  const best = seconds === undefined ? {} : { vcpuCpuSeconds: seconds, vcpuCpuSecondsSource: "schedstat" };
  const exit = { code, reason, cpu, unmet, post };
  await Deno.writeTextFile(path, JSON.stringify({ ...statistics, ...best, exit }, null, 2) + "\n");
}

/**
 * CPU seconds of the machine process's only Worker, from Linux's schedstat: nanoseconds, where the thread itself counts in steps of 10 ms.
 * Deno lets only a process with every right look there; without them the thread's own count stands.
 */
function schedstatSeconds(pid: number): number | undefined {
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const thread = `/proc/${pid}/task/${name}`;
      if (!/^(worker|vcpu)/.test(Deno.readTextFileSync(`${thread}/comm`))) continue;
      return Number(Deno.readTextFileSync(`${thread}/schedstat`).split(" ")[0]) / 1e9;
    }
  } catch {
    // Another system, or fewer rights.
  }
  return undefined;
}
