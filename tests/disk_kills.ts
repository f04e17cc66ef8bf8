/**
 * Kills machines in the middle of writing to their disks, and looks at what they leave behind.
 *
 *     deno run -A tests/disk_kills.ts [kills] [seed]
 *
 * A guest is saved once, ready to begin. Each time it is restored over a fresh copy of its image, writes files, tells of each that it has
 * synced, and is killed at a random moment. The file system must be whole once its journal is replayed, and hold every file that was told of.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { DiskMode, MachineDefinition } from "../core/machine/definition.ts";
import { random } from "../core/disk/test_store.ts";
import { commitOverlay, overlayPath, overlayReport } from "../host/disk_overlay.ts";
import { boot, restore } from "../mod.ts";
import { Folder } from "./command_line.ts";
import { BUSYBOX, LINUX_VIRTIO } from "./debian_guests.ts";
import {
  assertClean,
  diskMachine,
  type GuestFiles,
  makeFileSystem,
  readFiles,
  repeated,
  replayJournal,
} from "./disk_guest.ts";

/** Megabytes of the image. */
const SIZE = 24;

/** Milliseconds of writing at most. */
const LONGEST = 5000;

/** Files are of different sizes; both sides compute them. */
const LENGTH = { base: 700, step: 7919, most: 60_000 } as const;

const LOAD =
  `i=0; while :; do yes "line $i" | head -c $((${LENGTH.base} + i * ${LENGTH.step} % ${LENGTH.most})) > /mnt/f$i; ` +
  `sync; echo SYN''CED $i; i=$((i + 1)); done\n`;

/** What the kills came to. */
export interface KillReport {
  /** Machines that were killed. */
  readonly kills: number;
  /** Files that were synced in all of them, and found again. */
  readonly synced: number;
  /** Kills before the first file was synced. */
  readonly early: number;
}

/** Kills a machine so often, with a disk of one mode. */
export async function killOften(
  kills: number,
  seed: number,
  mode: DiskMode,
  linux: GuestFiles,
  busybox: GuestFiles,
  told: (text: string) => void = () => {},
): Promise<KillReport> {
  await using folder = await Folder.make();
  const first = folder.file("first.img"), image = folder.file("disk.img"), next = random(seed);
  await makeFileSystem("ext4", first, SIZE);
  const definition = await diskMachine(folder, linux, busybox, [{ name: "data", image, mode }]);
  await copy(first, image);
  const snapshot = await ready(definition);
  // An overlay that exists already is part of what the snapshot names.
  const kept = [image, ...mode === "undoable" ? [overlayPath(image)] : []];
  for (const file of kept) await copy(file, `${file}.kept`);
  let synced = 0, early = 0;
  for (let kill = 0; kill < kills; kill++) {
    for (const file of kept) await copy(`${file}.kept`, file);
    const count = await killedRun(snapshot, definition, next(LONGEST));
    if (mode === "undoable") {
      assertEquals(
        await Deno.readFile(image),
        await Deno.readFile(`${image}.kept`),
        "the image of an undoable disk changed",
      );
      await overlayReport(overlayPath(image));
      await commitOverlay(image, overlayPath(image));
    }
    await replayJournal(image);
    await assertClean(image);
    const files = await readFiles(image, folder.file("files"));
    for (let i = 0; i < count; i++) {
      const length = LENGTH.base + i * LENGTH.step % LENGTH.most;
      const found = files.get(`f${i}`);
      assert(found !== undefined, `file ${i} of ${count} synced ones is gone (kill ${kill})`);
      assertEquals(found, repeated(`line ${i}`, length), `file ${i} of ${count} synced ones differs (kill ${kill})`);
    }
    synced += count;
    if (count === 0) early++;
    told(`${mode} ${kill + 1}/${kills}: ${count} files`);
  }
  return { kills, synced, early };
}

/** A guest with its file system mounted, about to write. */
async function ready(definition: MachineDefinition): Promise<Uint8Array<ArrayBuffer>> {
  await using vm = await boot(definition);
  await vm.serial.expect(/# $/);
  await vm.serial.send("mount -t ext4 /dev/vda /mnt && sync && echo MOUN''TED\n");
  await vm.serial.expect(/MOUNTED/);
  await vm.serial.expect(/# $/);
  return await vm.snapshot();
}

/** Restores the guest, has it write, and kills its machine; returns how many files it had synced. */
async function killedRun(snapshot: Uint8Array, definition: MachineDefinition, delay: number): Promise<number> {
  const vm = await restore(snapshot, { definition });
  await vm.serial.send(LOAD);
  await new Promise((resolve) => setTimeout(resolve, delay));
  Deno.kill(vm.pid, "SIGKILL");
  await vm.exit;
  await vm[Symbol.asyncDispose]();
  return [...vm.serial.text().matchAll(/SYNCED (\d+)\r?\n/g)].length;
}

/** A copy with the time of its last change, by which an image is known. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to);
  const { atime, mtime } = await Deno.stat(from);
  await Deno.utime(to, atime ?? new Date(0), mtime!);
}

if (import.meta.main) {
  const [kills = "200", seed = "1"] = Deno.args;
  if ("missing" in LINUX_VIRTIO || "missing" in BUSYBOX) throw new Error("the guests are not here");
  for (const mode of ["persistent", "undoable"] as const) {
    const half = Math.ceil(Number(kills) / 2);
    console.log(mode, await killOften(half, Number(seed), mode, LINUX_VIRTIO.files, BUSYBOX.files, console.log));
  }
}
