/**
 * Looks at and signals processes that are not our children. Tests hold no right to that; a Deno that they start does.
 *
 * @module
 */

/** Runs a script with every right, and gives what it prints, as JSON. */
async function evaluate(script: string): Promise<unknown> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), { args: ["eval", "--no-lock", script] })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Process ids of the children of a process. */
export async function childrenOf(pid: number): Promise<number[]> {
  const script = `
    const children = [];
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\\d+$/.test(name)) continue;
      try {
        const fields = Deno.readTextFileSync("/proc/" + name + "/stat").split(") ")[1].split(" ");
        if (fields[1] === "${pid}" && fields[0] !== "Z") children.push(Number(name));
      } catch { /* it has gone */ }
    }
    console.log(JSON.stringify(children));`;
  return await evaluate(script) as number[];
}

/** Sends a process a signal; kills it if none is named. */
export async function kill(pid: number, signal: Deno.Signal = "SIGKILL"): Promise<void> {
  await evaluate(`Deno.kill(${pid}, "${signal}"); console.log(true);`);
}

/** Whether all the processes go, within a few seconds. */
export async function gone(pids: readonly number[]): Promise<boolean> {
  const script = `
    const alive = (pid) => {
      try { return Deno.readTextFileSync("/proc/" + pid + "/stat").split(") ")[1][0] !== "Z"; } catch { return false; }
    };
    let left = ${JSON.stringify(pids)};
    for (let attempt = 0; attempt < 100 && left.length > 0; attempt++) {
      left = left.filter(alive);
      if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    console.log(JSON.stringify(left.length === 0));`;
  return await evaluate(script) as boolean;
}
