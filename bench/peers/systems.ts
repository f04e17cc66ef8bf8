/**
 * The systems that are compared, and how each is started with the benchmark guest.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { BulkheadError } from "../../mod.ts";
import type { BenchmarkGuest } from "./guest.ts";

/** The systems, in the order of the table's columns. */
export const SYSTEMS = ["bulkhead", "v86", "qemu"] as const;

/** A system's name. */
export type SystemName = typeof SYSTEMS[number];

/** What people call them. */
export const TITLES: Readonly<Record<SystemName, string>> = { bulkhead: "Bulkhead", v86: "v86", qemu: "QEMU" };

/** A program with its arguments, and what it needs of the environment besides the user's folders. */
export interface SystemCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const MEGABYTES = 256;

/** Where Debian's package `seabios` has its files. */
const SEABIOS = "/usr/share/seabios";

const QEMU = "qemu-system-i386";

const script = (path: string) => fromFileUrl(new URL(path, import.meta.url));

/** What Bulkhead's own tasks set, for its memory's sake; see `deno.json`. */
const MALLOC = { MALLOC_TRIM_THRESHOLD_: "131072", MALLOC_MMAP_THRESHOLD_: "131072" };

/** The command that boots the guest with this kernel command line and its first serial port on standard output. */
export function commandOf(system: SystemName, guest: BenchmarkGuest, append: string, engine?: string): SystemCommand {
  const { kernel, initrd } = guest;
  switch (system) {
    case "bulkhead": {
      const rights = ["--allow-read", "--allow-write", "--allow-env=HOME,XDG_CACHE_HOME,LOCALAPPDATA,NO_COLOR,TERM"];
      const machine = ["--kernel", kernel, "--initrd", initrd, "--append", append, "--memory", `${MEGABYTES}M`];
      return {
        program: Deno.execPath(),
        args: [
          ...["run", "--no-prompt", ...rights, `--allow-run=${Deno.execPath().replaceAll(",", ",,")}`],
          ...[script("../../cli/main.ts"), "run", ...machine, "--no-reboot"],
          ...(engine === undefined ? [] : ["--engine", engine]),
        ],
        env: MALLOC,
      };
    }
    case "v86": {
      const files = [`${SEABIOS}/bios.bin`, `${SEABIOS}/vgabios-stdvga.bin`, kernel, initrd];
      return {
        program: Deno.execPath(),
        args: [
          ...["run", "--no-prompt", "--allow-read", "--allow-env", script("./v86_machine.ts")],
          ...[...files, `${MEGABYTES}`, append],
        ],
        env: {},
      };
    }
    case "qemu":
      return {
        program: QEMU,
        args: [
          ...["-accel", "tcg,thread=single", "-m", `${MEGABYTES}`, "-kernel", kernel, "-initrd", initrd],
          ...["-append", append, "-serial", "stdio", "-monitor", "none", "-display", "none", "-no-reboot"],
        ],
        env: {},
      };
  }
}

/** Gets a system ready, and tells what it is, with its version. @throws {BulkheadError} `no-system` where the host lacks something of it. */
export async function describe(system: SystemName): Promise<string> {
  switch (system) {
    case "bulkhead":
      await cacheModules("Bulkhead", "../../cli/main.ts", "run `deno task check`");
      return "Bulkhead of this tree";
    case "v86": {
      for (const file of ["bios.bin", "vgabios-stdvga.bin"]) {
        if (!await isFile(`${SEABIOS}/${file}`)) {
          throw missing("v86", `SeaBIOS at ${SEABIOS}/${file}`, "install Debian's package seabios");
        }
      }
      await cacheModules("v86", "./v86_machine.ts", "see that npm's registry can be reached");
      return "v86 0.5.462";
    }
    case "qemu":
      try {
        const { stdout } = await new Deno.Command(QEMU, { args: ["--version"] }).output();
        return `QEMU ${
          /version (\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? "of unknown version"
        } TCG, one thread`;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable)) throw error;
        throw missing("QEMU", `${QEMU} in PATH`, "install Debian's package qemu-system-x86");
      }
  }
}

/** Fetches and transpiles what a script imports, so that no run waits for that. */
async function cacheModules(system: string, path: string, remedy: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), { args: ["cache", "--quiet", script(path)] }).output();
  if (!success) throw missing(system, "modules that load", remedy);
}

function missing(system: string, expected: string, remedy: string): BulkheadError {
  return new BulkheadError({ code: "no-system", subject: system, expected, found: "that it is not there", remedy });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
