/**
 * `bulkhead plugin run`: a plugin in a small Linux machine.
 *
 * @module
 */
import type { MachineDefinition } from "../../core/machine/definition.ts";
import type { Bundle } from "../../core/sandbox/bundle.ts";
import { type Placement, PLACEMENTS } from "../../core/sandbox/placement.ts";
import { tryPlugin } from "../../core/sandbox/trial/trial.ts";
import { BulkheadError } from "../../core/bus/error.ts";
import { pull } from "../../plugins/debian/debian.ts";
import { consentOptions } from "../consent.ts";
import { interruptible } from "../debian_host.ts";
import { type Arguments, choice, usage } from "../options.ts";
import { runSession } from "../session.ts";
import { parseDuration } from "../values.ts";
import { bundleFile } from "./plugin_file.ts";
import { guestPrograms, placing, probeScript } from "./small_linux.ts";

/** Guest memory, which is what its kernel and BusyBox need. */
const MEMORY = "64M";

/** Milliseconds that a run takes at most where nobody watches. */
const UNATTENDED = 120_000;

/** Runs it. @returns The exit code. */
export async function runPlugin(file: string, args: Arguments): Promise<number> {
  const { bundle, source } = await bundleFile(file);
  const terminal = Deno.stdin.isTerminal();
  const machine = await withDevice(bundle, source.origin, args, terminal);
  const { kernel, busybox } = await guest();
  const root = await Deno.makeTempDir({ prefix: "bulkhead-" });
  try {
    await Deno.mkdir(`${root}/bin`);
    for (const folder of ["proc", "dev", "sys"]) await Deno.mkdir(`${root}/${folder}`);
    await Deno.copyFile(busybox, `${root}/bin/busybox`);
    for (const { path, content } of machine.programs) {
      await Deno.writeFile(
        `${root}/${path}`,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
      await Deno.chmod(`${root}/${path}`, 0o755);
    }
    await Deno.chmod(`${root}/bin/busybox`, 0o755);
    const definition: MachineDefinition = {
      ...machine.definition,
      boot: { kernel, overlay: root, append: "console=ttyS0 quiet loglevel=1 rdinit=/init" },
      memory: MEMORY,
      reset: "stop",
      ...(args.has("lock") ? { lock: args.get("lock")! } : {}),
      ...(args.has("audit") ? { audit: args.get("audit")! } : {}),
    };
    return await runSession({
      definition,
      serial: { kind: "stdio" },
      ...timeout(args, terminal),
      consent: consentOptions(args, undefined),
      debug: args.has("debug"),
      greeting: `Starting Linux with ${bundle.id} in it. Ctrl-A X leaves, Ctrl-A H helps.`,
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function withDevice(bundle: Bundle, module: string, args: Arguments, shell: boolean) {
  const { manifest } = bundle;
  if (manifest.kind !== "device") {
    throw new BulkheadError({
      code: "bad-plugin",
      subject: "plugin run",
      expected: "a device",
      found: `a back end, ${manifest.id}`,
      remedy: `give it to a machine: bulkhead run --backend NAME=${module} --bind NAME.RIGHT=VALUE`,
    });
  }
  const { wiring, failures } = await tryPlugin(bundle, { kind: "wiring", placement: "confined", seed: 1 });
  if (wiring === undefined) {
    throw new BulkheadError({ code: "bad-plugin", subject: manifest.id, sentence: failures.join("; ") });
  }
  const placed = placing(manifest);
  const placement = args.get("placement");
  const device = {
    name: "device",
    module,
    config: configOf(args),
    ...placed,
    ...(placement === undefined ? {} : { placement: choice(placement, "--placement", PLACEMENTS) satisfies Placement }),
  };
  return {
    definition: { devices: [device] },
    programs: guestPrograms(probeScript(manifest, wiring, placed), shell),
  };
}

/** KEY=VALUE, with numbers and truth values where they read as such. */
function configOf(args: Arguments): Record<string, number | string | boolean> {
  return Object.fromEntries(
    args.all("config").map((text) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (key === undefined) throw usage("--config", "KEY=VALUE", `"${text}"`);
      if (value === "true" || value === "false") return [key, value === "true"];
      return [key, /^-?[0-9]+(\.[0-9]+)?$/.test(value!) ? Number(value) : value!];
    }),
  );
}

function timeout(args: Arguments, terminal: boolean): { timeout?: number } {
  if (args.has("timeout")) return { timeout: parseDuration(args.get("timeout")!, "--timeout") };
  return terminal ? {} : { timeout: UNATTENDED };
}

/** Debian's kernel and BusyBox, from the cache or by apt. */
async function guest(): Promise<{ kernel: string; busybox: string }> {
  return await interruptible(async (host) => {
    const { files: linux } = await pull("debian-12-netboot-i386", host);
    const { files: user } = await pull("busybox-static-i386", host);
    return { kernel: linux.kernel!, busybox: user.program! };
  });
}
