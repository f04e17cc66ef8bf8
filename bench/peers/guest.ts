/**
 * Builds the benchmark guest: its program from `bench/guest`, by the host's C compiler, and the initial RAM disk that holds it and BusyBox.
 *
 * @module
 */
import { BulkheadError } from "../../mod.ts";
import { debianHost } from "../../cli/debian_host.ts";
import { pull } from "../../plugins/debian/debian.ts";
import { writeCpio } from "../../plugins/linux_boot/cpio.ts";
import { characterDevice, executable } from "../cpio_entries.ts";

/** What a system boots. */
export interface BenchmarkGuest {
  readonly kernel: string;
  readonly initrd: string;
  /** What compiled it. */
  readonly compiler: string;
}

/** Compilers that can make 32-bit code. The program is freestanding, so neither needs a 32-bit C library. */
const COMPILERS = ["gcc", "i686-linux-gnu-gcc"] as const;

const FLAGS = [
  "-m32",
  // Standard C, in which x87 code does not depend on what the compiler spills.
  "-std=c11",
  "-O2",
  "-march=i686",
  "-ffreestanding",
  "-fno-pie",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-fno-math-errno",
  "-ffp-contract=off",
  "-fno-strict-aliasing",
  "-fcf-protection=none",
  "-Wall",
  "-Wextra",
  "-Werror",
];

/** Source files, each with its own flags. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  "runtime.c": [],
  "init.c": [],
  "integer.c": [],
  "memory.c": ["-msse2"],
  "float_x87.c": ["-mfpmath=387"],
  "float_sse2.c": ["-msse2", "-mfpmath=sse"],
  "system.c": [],
  "code.c": [],
  "programs.c": [],
};
const HEADERS = ["guest.h", "float_kernels.h"];

const LINK_FLAGS = ["-m32", "-static", "-nostdlib", "-no-pie", "-Wl,--build-id=none"];

const source = (name: string) => new URL(`../guest/${name}`, import.meta.url);

/**
 * The guest, from the user's cache folder if it was built before.
 *
 * @throws {BulkheadError} `no-compiler`, `guest-program`, and what pulling an image throws.
 */
export async function buildGuest(): Promise<BenchmarkGuest> {
  const host = debianHost();
  const kernel = (await pull("debian-12-netboot-i386", host)).files.kernel!;
  const busybox = (await pull("busybox-static-i386", host)).files.program!;
  const [compiler, version] = await findCompiler();
  const folder = `${host.cache}/bench/${await fingerprint(version, busybox)}`;
  const guest: BenchmarkGuest = { kernel, initrd: `${folder}/initrd`, compiler: version };
  if (await exists(guest.initrd)) return guest;

  await Deno.mkdir(`${host.cache}/bench`, { recursive: true });
  const work = await Deno.makeTempDir({ dir: `${host.cache}/bench`, prefix: "work-" });
  try {
    await compile(compiler, work);
    await Deno.writeFile(`${work}/initrd`, await initialRamDisk(`${work}/init`, busybox));
    await Deno.mkdir(folder, { recursive: true });
    for (const name of ["init", "initrd"]) await Deno.rename(`${work}/${name}`, `${folder}/${name}`);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return guest;
}

/** The first compiler that the host has, and what it says it is. */
export async function findCompiler(): Promise<readonly [compiler: string, version: string]> {
  for (const compiler of COMPILERS) {
    const version = await run(compiler, ["--version"]);
    if (version?.success) return [compiler, version.text.split("\n")[0]!];
  }
  throw new BulkheadError({
    code: "no-compiler",
    subject: "the benchmark's guest program",
    expected: `a C compiler for the i686, one of ${COMPILERS.join(", ")}`,
    found: "none in PATH",
    remedy: "install one, on Debian with `apt-get install gcc`",
  });
}

/** Compiles the program into a folder, as `init`; or another one, of these sources with their own flags. */
export async function compile(
  compiler: string,
  folder: string,
  sources: Readonly<Record<string, readonly string[]>> = SOURCES,
): Promise<void> {
  const objects: string[] = [];
  for (const [name, flags] of Object.entries(sources)) {
    const object = `${folder}/${name}.o`;
    await build(compiler, [...FLAGS, ...flags, "-c", source(name).pathname, "-o", object]);
    objects.push(object);
  }
  await build(compiler, [...LINK_FLAGS, "-o", `${folder}/init`, ...objects]);
}

async function build(compiler: string, args: readonly string[]): Promise<void> {
  const result = await run(compiler, args);
  if (result?.success) return;
  throw new BulkheadError({
    code: "guest-program",
    subject: "the benchmark's guest program",
    expected: `${compiler} to compile it for the i686`,
    found: result?.text.split("\n").find((line) => line.includes("error")) ?? "that it failed",
    remedy: "use a GCC that makes 32-bit x86 code, such as Debian's gcc on amd64, or gcc-i686-linux-gnu",
  });
}

/** Runs a program; undefined where the host has none of this name. */
async function run(program: string, args: readonly string[]) {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
    const decoder = new TextDecoder();
    return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

async function initialRamDisk(program: string, busybox: string): Promise<Uint8Array> {
  // Numbers: Documentation/admin-guide/devices.txt.
  return writeCpio([
    executable("init", await Deno.readFile(program)),
    executable("bin/busybox", await Deno.readFile(busybox)),
    characterDevice("dev/console", 5, 1),
    characterDevice("dev/ttyS0", 4, 64),
    characterDevice("dev/null", 1, 3),
  ]);
}

/** Changes with whatever goes into the guest. */
async function fingerprint(compiler: string, busybox: string): Promise<string> {
  const parts = [compiler, JSON.stringify([FLAGS, SOURCES, LINK_FLAGS])];
  for (const name of [...Object.keys(SOURCES), ...HEADERS]) parts.push(await Deno.readTextFile(source(name)));
  const bytes = new Uint8Array([
    ...new TextEncoder().encode(parts.join("\0")),
    ...await digest(await Deno.readFile(busybox)),
  ]);
  return (await digest(bytes)).slice(0, 8).toHex();
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
