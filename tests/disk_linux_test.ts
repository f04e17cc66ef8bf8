import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { commitOverlay, overlayPath, overlayReport } from "../host/disk_overlay.ts";
import { boot, BulkheadError, restore } from "../mod.ts";
import { commandLine, Folder } from "./command_line.ts";
import { BUSYBOX, guestTest, LINUX_VIRTIO, NETBOOT } from "./debian_guests.ts";
import { assertClean, diskMachine, makeFileSystem, NO_EXT2_TOOLS, readFiles, repeated } from "./disk_guest.ts";
import { killOften } from "./disk_kills.ts";

const GUESTS = [LINUX_VIRTIO, BUSYBOX, NO_EXT2_TOOLS === undefined ? { files: {} } : { missing: NO_EXT2_TOOLS }];

/** Writes a file of 3 MB. */
const WRITE = `yes hello | head -c 3000000 > /mnt/hello; sync; umount /mnt; echo UNMOU''NTED\n`;

guestTest(
  "Debian mounts an ext2 image, writes, syncs and unmounts: the host finds it clean and the data equal",
  GUESTS,
  async (linux, busybox) => {
    await using folder = await Folder.make();
    const image = folder.file("disk.img");
    await makeFileSystem("ext2", image, 16);
    const definition = await diskMachine(folder, linux!, busybox!, [{ name: "data", image }]);
    {
      await using vm = await boot(definition);
      await vm.serial.expect(/# $/);
      const used = await assertRejects(() => boot(definition), BulkheadError);
      assertMatch(used.message, /a file that nobody else uses/);
      await vm.serial.send(`mount -t ext2 /dev/vda /mnt && cat /sys/block/vda/serial; ${WRITE}`);
      await vm.serial.expect(/data[^]*UNMOUNTED/);
    }
    await assertClean(image);
    const files = await readFiles(image, folder.file("files"));
    assertEquals(files.get("hello"), repeated("hello", 3_000_000));
  },
);

guestTest("an undoable disk's image stays as it is until its overlay is kept", GUESTS, async (linux, busybox) => {
  await using folder = await Folder.make();
  const image = folder.file("disk.img");
  await makeFileSystem("ext2", image, 16);
  const before = await Deno.readFile(image);
  const definition = await diskMachine(folder, linux!, busybox!, [
    { name: "data", image, mode: "undoable" },
  ]);
  {
    await using vm = await boot(definition);
    await vm.serial.expect(/# $/);
    await vm.serial.send(`mount -t ext2 /dev/vda /mnt; ${WRITE}`);
    await vm.serial.expect(/UNMOUNTED/);
  }
  assertEquals(await Deno.readFile(image), before);
  assert((await overlayReport(overlayPath(image))).changed >= 3_000_000);
  await commitOverlay(image, overlayPath(image));
  await assertClean(image);
  assertEquals((await readFiles(image, folder.file("files"))).get("hello"), repeated("hello", 3_000_000));
});

guestTest(
  "a snapshot goes on with the disk as it was, and refuses it once it was written",
  GUESTS,
  async (linux, busybox) => {
    await using folder = await Folder.make();
    const image = folder.file("disk.img");
    await makeFileSystem("ext2", image, 16);
    const definition = await diskMachine(folder, linux!, busybox!, [{ name: "data", image }]);
    let snapshot: Uint8Array<ArrayBuffer>;
    {
      await using vm = await boot(definition);
      await vm.serial.expect(/# $/);
      await vm.serial.send(`mount -t ext2 /dev/vda /mnt; yes half | head -c 500000 > /mnt/half; sync; echo SYN''CED\n`);
      await vm.serial.expect(/SYNCED/);
      await vm.pause();
      snapshot = await vm.snapshot();
    }
    {
      await using vm = await restore(snapshot, { definition });
      await vm.serial.send(WRITE);
      await vm.serial.expect(/UNMOUNTED/);
    }
    await assertClean(image);
    const files = await readFiles(image, folder.file("files"));
    assertEquals(files.get("half"), repeated("half", 500_000));
    assertEquals(files.get("hello"), repeated("hello", 3_000_000));
    const refused = await assertRejects(() => restore(snapshot, { definition }), BulkheadError);
    assertMatch(refused.message, /disk "data", generation of its contents: expected .* the disk was written after/);
  },
);

guestTest("start has a given disk at /dev/vda", [...GUESTS, NETBOOT], async () => {
  await using folder = await Folder.make();
  const image = folder.file("disk.img");
  await makeFileSystem("ext2", image, 16);
  const script = [
    "--expect",
    "# ",
    "--send",
    "mount /dev/vda /mnt && echo hello > /mnt/hello && umount /mnt; echo E''ND\\n",
  ];
  const args = ["start", "--disk", "disk.img", ...script, "--expect", "END", "--timeout", "5m"];
  const { code, stdout, stderr } = await commandLine(folder, args);
  assertEquals(code, 0, stdout + stderr);
  await assertClean(image);
  assertEquals((await readFiles(image, folder.file("files"))).get("hello"), repeated("hello", 6));
});

for (const mode of ["persistent", "undoable"] as const) {
  guestTest(
    `a machine that is killed in the middle of writing leaves a whole ${mode} disk`,
    GUESTS,
    async (linux, busybox) => {
      const { kills } = await killOften(3, 17, mode, linux!, busybox!);
      assertEquals(kills, 3);
    },
  );
}
