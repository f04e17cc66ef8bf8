/**
 * What Linux tells of a process and all that it started: CPU time by thread, and memory (proc(5)). Reading other processes' files takes
 * every right of Deno, which is why this runs in a process of its own.
 *
 * @module
 */

/** CPU time in nanoseconds by thread, named `process/thread`. */
export type ThreadTimes = Record<string, number>;

/** Ids of the process and its living descendants. */
export function processTree(root: number): number[] {
  const found = [root];
  for (let at = 0; at < found.length; at++) {
    const process = found[at]!;
    for (const thread of threadsOf(process)) {
      const children = read(`/proc/${process}/task/${thread}/children`) ?? "";
      found.push(...children.split(" ").filter((id) => id.trim() !== "").map(Number));
    }
  }
  return found;
}

/** How long each thread has run, exact for those that do not run right now. */
export function threadTimes(processes: readonly number[]): ThreadTimes {
  const times: ThreadTimes = {};
  for (const process of processes) {
    for (const thread of threadsOf(process)) {
      const schedule = read(`/proc/${process}/task/${thread}/schedstat`);
      if (schedule !== undefined) times[`${process}/${thread}`] = Number(schedule.split(" ")[0]);
    }
  }
  return times;
}

/** User and system time of all threads, ended ones included, in milliseconds. */
export function totalTime(processes: readonly number[]): number {
  const TICK = 10;
  return processes.reduce((sum, process) => {
    // The second field is a name in parentheses, which may hold anything; utime and stime are the 14th and 15th.
    const fields = (read(`/proc/${process}/stat`) ?? "").split(") ").at(-1)!.split(" ");
    return sum + (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK;
  }, 0);
}

/** Proportional set size of all the processes, in bytes. */
export function memory(processes: readonly number[]): number {
  return processes.reduce((sum, process) => {
    const size = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${process}/smaps_rollup`) ?? "")?.[1];
    return sum + Number(size ?? 0) * 1024;
  }, 0);
}

function threadsOf(process: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${process}/task`)].map(({ name }) => name);
  } catch {
    return []; // It has ended.
  }
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // It has ended.
  }
}
