/**
 * How fast a disk is: Bulkhead's virtio disk, whose back end is an image file in a Worker of its own, against v86's IDE disk with DMA on a
 * buffer in memory. The same kernel and program under both; every word that is read is checked.
 *
 *     deno task bench disk [--rounds 3] [--megabytes 64] [--mode persistent] [--json]
 *
 * What is compared is the host's time between two lines on the serial port. Ratios are taken within a round, which starts each system once.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import { debianHost } from "../cli/debian_host.ts";
import { BulkheadError } from "../mod.ts";
import { pull } from "../plugins/debian/debian.ts";
import { writeCpio } from "../plugins/linux_boot/cpio.ts";
import { compile, findCompiler } from "./peers/guest.ts";
import { characterDevice, executable } from "./cpio_entries.ts";

const PARTS = ["seqread", "randread", "seqwrite", "randwrite"] as const;

/** Bytes that each part moves, of a disk of so many. */
const MOVED: Readonly<Record<typeof PARTS[number], (bytes: number) => number>> = {
  seqread: (bytes) => bytes,
  randread: () => 4000 * 4096,
  seqwrite: (bytes) => bytes / 2,
  randwrite: () => 2000 * 4096,
};

/** Megabytes a second, by part. */
type Speeds = Readonly<Record<typeof PARTS[number], number>>;

const SEABIOS = "/usr/share/seabios";
const BLOCK = 4096;

/** Milliseconds for one system: boot and all parts. */
const LIMIT = 300_000;

const INIT = (megabytes: number) =>
  `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /sbin
/bin/busybox --install -s /bin
/bin/busybox ln -s /bin/busybox /sbin/modprobe
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
modprobe virtio_pci; modprobe virtio_blk; modprobe ata_piix; modprobe sd_mod
while [ ! -b /dev/vda ] && [ ! -b /dev/sda ]; do sleep 0.1; done
[ -b /dev/vda ] && exec /disk /dev/vda ${megabytes}
exec /disk /dev/sda ${megabytes}
`;

/** `deno task bench disk`. */
export async function disk(args: readonly string[]): Promise<void> {
  const options = parseArgs([...args], {
    string: ["rounds", "megabytes", "mode"],
    boolean: ["json"],
    default: { rounds: "3", megabytes: "64", mode: "persistent" },
  });
  const megabytes = Number(options.megabytes), rounds = Number(options.rounds);
  const work = await Deno.makeTempDir({ prefix: "bulkhead-disk-" });
  try {
    const { kernel, initrd } = await guest(work, megabytes);
    const image = `${work}/disk.img`;
    const all: { bulkhead: Speeds; v86: Speeds }[] = [];
    for (let round = 0; round < rounds; round++) {
      const measured: Partial<Record<"bulkhead" | "v86", Speeds>> = {};
      for (const system of round % 2 === 0 ? ["bulkhead", "v86"] as const : ["v86", "bulkhead"] as const) {
        await Deno.writeFile(image, pattern(megabytes));
        const command = system === "v86" ? v86(kernel, initrd, image) : bulkhead(kernel, initrd, image, options.mode);
        measured[system] = await measure(system, command, megabytes);
        await Deno.remove(`${image}.overlay`).catch(() => {});
      }
      all.push(measured as { bulkhead: Speeds; v86: Speeds });
      if (!options.json) report(`round ${round + 1}`, all.slice(-1));
    }
    if (options.json) console.log(JSON.stringify(all, null, 2));
    else report(`geometric mean of ${rounds} rounds`, all);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

function report(title: string, all: readonly { bulkhead: Speeds; v86: Speeds }[]): void {
  const mean = (of: (round: { bulkhead: Speeds; v86: Speeds }) => number) =>
    Math.exp(all.reduce((sum, round) => sum + Math.log(of(round)), 0) / all.length);
  console.log(`${title}${" ".repeat(Math.max(1, 34 - title.length))}Bulkhead   v86 MB/s   ratio`);
  for (const part of PARTS) {
    const ours = mean(({ bulkhead }) => bulkhead[part]), theirs = mean(({ v86 }) => v86[part]);
    const cells = [ours.toFixed(1).padStart(8), theirs.toFixed(1).padStart(10), (ours / theirs).toFixed(2).padStart(7)];
    console.log(`  ${part.padEnd(30)}${cells.join(" ")}`);
  }
}

/** Builds the guest: a kernel, its modules, BusyBox to load them and the program that measures. */
async function guest(work: string, megabytes: number): Promise<{ kernel: string; initrd: string }> {
  const host = debianHost();
  const linux = (await pull("linux-686-ide", host)).files, busybox = (await pull("busybox-static-i386", host)).files;
  const [compiler] = await findCompiler();
  await compile(compiler, work, { "runtime.c": [], "disk.c": [] });
  const ours = writeCpio([
    executable("init", new TextEncoder().encode(INIT(megabytes))),
    executable("disk", await Deno.readFile(`${work}/init`)),
    executable("bin/busybox", await Deno.readFile(busybox.program!)),
    characterDevice("dev/console", 5, 1),
    characterDevice("dev/null", 1, 3),
  ]);
  const modules = await Deno.readFile(linux.initrd!), initrd = `${work}/initrd`;
  const padding = (4 - modules.length % 4) % 4;
  const whole = new Uint8Array(modules.length + padding + ours.length);
  whole.set(modules);
  whole.set(ours, modules.length + padding);
  await Deno.writeFile(initrd, whole);
  return { kernel: linux.kernel!, initrd };
}

/** What the program expects on the device. */
function pattern(megabytes: number): Uint8Array {
  const words = new Uint32Array(megabytes * 2 ** 18);
  for (let at = 0; at < words.length; at++) {
    words[at] = Math.imul(Math.floor(at / (BLOCK / 4)), 0x9e3779b1) ^ (at % (BLOCK / 4));
  }
  return new Uint8Array(words.buffer);
}

const APPEND = "console=ttyS0 quiet mitigations=off";

function bulkhead(kernel: string, initrd: string, image: string, mode: string): string[] {
  const rights = ["--allow-read", "--allow-write", "--allow-env=HOME,XDG_CACHE_HOME,LOCALAPPDATA,NO_COLOR,TERM"];
  const main = fromFileUrl(new URL("../cli/main.ts", import.meta.url));
  return [
    ...["run", "--no-prompt", ...rights, `--allow-run=${Deno.execPath()}`, main, "run", "--kernel", kernel],
    ...["--initrd", initrd, "--append", APPEND, "--memory", "128M", "--disk", `${image},mode=${mode}`],
  ];
}

function v86(kernel: string, initrd: string, image: string): string[] {
  const script = fromFileUrl(new URL("peers/v86_machine.ts", import.meta.url));
  const files = [`${SEABIOS}/bios.bin`, `${SEABIOS}/vgabios-stdvga.bin`, kernel, initrd];
  return ["run", "--no-prompt", "--allow-read", "--allow-env", script, ...files, "128", APPEND, image];
}

/** Runs a system to the end of the program; its speed by part. */
async function measure(system: string, args: readonly string[], megabytes: number): Promise<Speeds> {
  const child = new Deno.Command(Deno.execPath(), { args: [...args], stdin: "null", stdout: "piped", stderr: "piped" })
    .spawn();
  const errors = new Response(child.stderr).text();
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
  const began = new Map<string, number>(), speeds: Record<string, number> = {};
  let text = "", whole = false;
  try {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const at = performance.now();
      text += decoder.decode(chunk, { stream: true });
      for (const [, name, what] of text.matchAll(/@@(\w+)(?: (begin|end))?\r?\n/g)) {
        if (name === "done") whole = true;
        if (what === "begin" && !began.has(name!)) began.set(name!, at);
        if (what !== "end" || speeds[name!] !== undefined) continue;
        speeds[name!] = MOVED[name as typeof PARTS[number]](megabytes * 2 ** 20) / 1e3 / (at - began.get(name!)!);
      }
      if (whole || text.includes("@@failed")) break;
    }
  } finally {
    clearTimeout(timer);
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  }
  if (whole && text.includes("@@checked")) return speeds as unknown as Speeds;
  throw new BulkheadError({
    code: "bench-disk",
    subject: system,
    expected: "all parts, and every word as it was written",
    found: text.split("\n").slice(-5).join(" ").trim() || (await errors).trim() || "nothing",
  });
}
