/**
 * A Debian guest with a disk, and the host's own tools to look at what it left there.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { DiskDefinition, MachineDefinition } from "../core/machine/definition.ts";
import { busyboxInit, loadModules } from "./busybox_init.ts";
import type { Folder } from "./command_line.ts";

/** What keeps such tests from running here, or undefined. */
export const NO_EXT2_TOOLS: string | undefined = await missingTools();

const INIT = busyboxInit(loadModules("pci", "virtio"), "modprobe ext4");

/** Files of Debian's kernel with virtio's modules, and of BusyBox. */
export type GuestFiles = Readonly<Record<string, string>>;

/** A machine with Debian's kernel, a shell and disks. */
export async function diskMachine(
  folder: Folder,
  linux: GuestFiles,
  busybox: GuestFiles,
  disks: readonly DiskDefinition[],
): Promise<MachineDefinition> {
  await Deno.mkdir(folder.file("root/bin"), { recursive: true });
  await Deno.copyFile(busybox.program!, folder.file("root/bin/busybox"));
  await folder.write("root/init", INIT);
  for (const program of ["init", "bin/busybox"]) await Deno.chmod(folder.file(`root/${program}`), 0o755);
  return {
    boot: {
      kernel: linux.kernel!,
      initrd: [linux.initrd!],
      overlay: folder.file("root"),
      append: "console=ttyS0 quiet",
    },
    memory: "96M",
    disks,
  };
}

/** Makes a file system of so many megabytes in an image. */
export async function makeFileSystem(type: "ext2" | "ext4", image: string, megabytes: number): Promise<void> {
  const lazy = type === "ext4" ? ["-E", "lazy_itable_init=0,lazy_journal_init=0"] : [];
  await tool("mke2fs", ["-q", "-t", type, ...lazy, image, `${megabytes}M`]);
}

/** Has the host's e2fsck look at an image, without a change: it must be clean. */
export async function assertClean(image: string): Promise<void> {
  await tool("e2fsck", ["-f", "-n", image]);
}

/** Has the host's e2fsck replay the journal; nothing else may be wrong. */
export async function replayJournal(image: string): Promise<void> {
  const { code, text } = await run("e2fsck", ["-p", image]);
  assertEquals(code <= 1, true, text);
}

/** Every file of an image's root folder, by name, read by the host's debugfs. */
export async function readFiles(image: string, into: string): Promise<Map<string, Uint8Array>> {
  await Deno.mkdir(into);
  await tool("debugfs", ["-R", `rdump / ${into}`, image]);
  const files = new Map<string, Uint8Array>();
  for await (const { name, isFile } of Deno.readDir(into)) {
    if (isFile) files.set(name, await Deno.readFile(`${into}/${name}`));
  }
  await Deno.remove(into, { recursive: true });
  return files;
}

/** What `yes TEXT | head -c LENGTH` prints. */
export function repeated(text: string, length: number): Uint8Array {
  const line = new TextEncoder().encode(`${text}\n`), bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += line.length) bytes.set(line.subarray(0, length - at), at);
  return bytes;
}

async function tool(name: string, args: readonly string[]): Promise<void> {
  const { code, text } = await run(name, args);
  assertEquals(code, 0, `${name} ${args.join(" ")}: ${text}`);
}

async function run(name: string, args: readonly string[]): Promise<{ code: number; text: string }> {
  const env = { PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin` };
  const { code, stdout, stderr } = await new Deno.Command(name, { args: [...args], env }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

async function missingTools(): Promise<string | undefined> {
  for (const name of ["mke2fs", "e2fsck", "debugfs"]) {
    try {
      await run(name, ["-V"]);
    } catch {
      return `${name} is not installed`;
    }
  }
}
