/**
 * Reads what a machine starts from, and has it prepared by the boot protocol that knows it.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { BootSource } from "../core/machine/definition.ts";
import { release } from "../core/sandbox/reclaim.ts";
import type { Guest } from "../core/machine/machine.ts";
import type { GuestFile, GuestStart } from "../plugins/guest_start.ts";
import { verifyInitrd } from "../plugins/linux_boot/initrd.ts";
import { linuxStart } from "../plugins/linux_boot/linux_boot.ts";
import { type FolderEntry, type FolderReader, overlayArchive } from "../plugins/linux_boot/overlay.ts";
import { romStart } from "../plugins/rom.ts";

/**
 * Reads a guest's files and lays it out in memory.
 *
 * @param memory Bytes of guest memory.
 * @throws {BulkheadError} A file that cannot be read (`unreadable-file`), or that is not what it should be.
 */
export async function readGuest(source: BootSource, memory: number): Promise<Guest> {
  const files = absolute(source);
  return { ...await readStart(source, memory), again: () => readGuest(files, memory) };
}

/** The same files from wherever this process will stand. */
function absolute(source: BootSource): BootSource {
  const from = <F extends string | URL>(file: F) =>
    typeof file === "string" && !/^([/\\]|[A-Za-z]:)/.test(file) ? `${Deno.cwd()}/${file}` : file;
  if ("rom" in source) return { ...source, rom: from(source.rom) };
  if ("multiboot" in source) {
    return { ...source, multiboot: from(source.multiboot), modules: source.modules?.map(from) };
  }
  const { kernel, initrd, overlay } = source;
  return { ...source, kernel: from(kernel), initrd: initrd?.map(from), overlay: overlay && from(overlay) };
}

async function readStart(source: BootSource, memory: number): Promise<GuestStart> {
  if ("rom" in source) return romStart(await readGuestFile(source.rom, "ROM"));
  if ("multiboot" in source) {
    const kernel = await readGuestFile(source.multiboot, "multiboot kernel");
    const modules = [];
    for (const file of source.modules ?? []) modules.push({ file: await readGuestFile(file, "module") });
    // It brings modules that no other guest needs.
    const { multibootStart } = await import("../plugins/multiboot.ts");
    return multibootStart({ kernel, modules, memory, commandLine: source.append });
  }
  const kernel = await readGuestFile(source.kernel, "kernel");
  const initrds: GuestFile[] = [];
  for (const file of source.initrd ?? []) initrds.push(await readGuestFile(file, "initrd"));
  if (source.overlay !== undefined) initrds.push(await readOverlay(source.overlay));
  const start = linuxStart({ kernel, initrds, memory, commandLine: source.append });
  for (const initrd of initrds) await verifyInitrd(initrd);
  return start;
}

/** Frees the memory of a guest that has been given to its machine. */
export function releaseGuest({ pieces, roms }: Pick<Guest, "pieces" | "roms">): void {
  for (const { bytes } of [...pieces, ...roms]) release(bytes);
}

/** Reads a whole file. `what` is what it is to the user: `kernel`. @throws {BulkheadError} `unreadable-file`. */
export async function readGuestFile(file: string | URL, what: string): Promise<GuestFile> {
  const name = fileName(file);
  try {
    const status = await Deno.stat(file);
    if (status.isDirectory) throw new Error("a folder");
    return { name, bytes: await Deno.readFile(file) };
  } catch (error) {
    throw unreadable(`${what} "${name}"`, "a file that can be read", error);
  }
}

async function readOverlay(folder: string | URL): Promise<GuestFile> {
  const name = fileName(folder);
  try {
    if (!(await Deno.stat(folder)).isDirectory) throw new Error("a file");
  } catch (error) {
    throw unreadable(`overlay "${name}"`, "a folder that can be read", error);
  }
  const root = await Deno.realPath(folder);
  return await overlayArchive(folderReader(root), name);
}

/** Reads a folder of the host for an overlay. */
function folderReader(root: string): FolderReader {
  return {
    list: async (path) => {
      const entries: FolderEntry[] = [];
      for await (const { name } of Deno.readDir(`${root}/${path}`)) {
        const status = await Deno.lstat(`${root}/${path}/${name}`);
        entries.push({ name, ...kindOf(status), mode: status.mode });
      }
      return entries;
    },
    read: (path) => Deno.readFile(`${root}/${path}`),
    readLink: (path) => Deno.readLink(`${root}/${path}`),
  };
}

function kindOf(status: Deno.FileInfo): Pick<FolderEntry, "kind" | "device"> {
  if (status.isFile) return { kind: "file" };
  if (status.isDirectory) return { kind: "directory" };
  if (status.isSymlink) return { kind: "symlink" };
  if (status.isFifo) return { kind: "fifo" };
  const kind = status.isCharDevice ? "character" : status.isBlockDevice ? "block" : undefined;
  return kind === undefined ? { kind: "other" } : { kind, device: deviceNumbers(status.rdev ?? 0) };
}

/** Linux's device numbers in `st_rdev` (glibc's gnu_dev_major and gnu_dev_minor). */
function deviceNumbers(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & ~0xff) };
}

function fileName(file: string | URL): string {
  return file instanceof URL && file.protocol === "file:" ? decodeURIComponent(file.pathname) : String(file);
}

function unreadable(subject: string, expected: string, error: unknown): BulkheadError {
  return new BulkheadError({ code: "unreadable-file", subject, expected, found: reason(error) }, { cause: error });
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "nothing of that name";
  if (error instanceof Deno.errors.PermissionDenied) return "one that this user may not read";
  if (error instanceof Deno.errors.NotCapable) return "one that Deno may not read; allow it with --allow-read";
  if (error instanceof Deno.errors.NotADirectory) return "a file where its path needs a folder";
  return error instanceof Error ? error.message : String(error);
}
