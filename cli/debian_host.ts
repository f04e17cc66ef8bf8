/**
 * What the Debian plugin uses of this host.
 *
 * @module
 */
import { cacheFolder, type DebianHost } from "../plugins/debian/host.ts";

/** This host, with programs run by name and the user's cache folder. Progress is shown where somebody watches. */
export function debianHost(signal?: AbortSignal): DebianHost {
  const watched = Deno.stderr.isTerminal();
  const environment = { XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME"), HOME: Deno.env.get("HOME") };
  const progress = (text: string) => void Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  return {
    cache: cacheFolder({
      ...(environment.XDG_CACHE_HOME === undefined ? {} : { XDG_CACHE_HOME: environment.XDG_CACHE_HOME }),
      ...(environment.HOME === undefined ? {} : { HOME: environment.HOME }),
    }),
    run: async (program, args, { cwd, signal }) => {
      const child = new Deno.Command(program, {
        args: [...args],
        cwd,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        ...(signal === undefined ? {} : { signal }),
      });
      const { code, stdout, stderr } = await child.output();
      return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
    },
    ...(signal === undefined ? {} : { signal }),
    ...(watched ? { progress } : {}),
  };
}

/** Pulls with the signals of an interrupting user connected, and leaves a clean line behind. */
export async function interruptible<T>(work: (host: DebianHost) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, abort);
  try {
    return await work(debianHost(controller.signal));
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, abort);
    if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[K"));
  }
}
