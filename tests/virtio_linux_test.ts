import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ResolvedDefinition, ScriptStep } from "../core/machine/definition.ts";
import { Machine } from "../core/machine/machine.ts";
import { resolveDefinition } from "../core/machine/resolve.ts";
import { PARTS } from "../host/boot.ts";
import { readGuest } from "../host/guest.ts";
import { busyboxInit, loadModules } from "./busybox_init.ts";
import { Folder } from "./command_line.ts";
import { BUSYBOX, guestTest, LINUX_VIRTIO } from "./debian_guests.ts";

const IDENTITIES = `cd /sys/bus/pci/devices; for f in *; do echo $f $(cat $f/vendor $f/device $f/class $f/irq); done`;

const DISK = `cat /sys/block/vda/size /sys/block/vda/serial /sys/block/vda/queue/write_cache
mke2fs /dev/vda > /dev/null
mount -t ext4 /dev/vda /mnt
seq 1 100000 > /mnt/numbers; sync; umount /mnt; echo 3 > /proc/sys/vm/drop_caches
mount -t ext4 /dev/vda /mnt; md5sum < /mnt/numbers; seq 1 100000 | md5sum; umount /mnt
dd if=/dev/urandom of=/random bs=1M count=2; dd if=/random of=/dev/vda bs=64k; echo 3 > /proc/sys/vm/drop_caches
dd if=/dev/vda bs=4k count=512 | cmp - /random && echo "same data"`;

const CONSOLE = `stty raw -echo -F /dev/hvc0
head -c 6 /dev/hvc0 > /answer & echo hello > /dev/hvc0; wait; cat /answer`;

const ENTROPY = `cat /sys/class/misc/hw_random/rng_current
dd if=/dev/hwrng bs=64 count=1 2> /dev/null | wc -c; dd if=/dev/hwrng bs=8 count=1 2> /dev/null | hexdump -C | head -1`;

/** Runs commands in Debian's kernel on a PC with virtio devices; gives what each of them printed, and how the run ended. */
async function run(folder: Folder, guest: Awaited<ReturnType<typeof files>>, ...commands: string[]) {
  const script: ScriptStep[] = [{ expect: "# $" }];
  for (const command of commands) {
    script.push({ send: `( ${command.replaceAll("\n", "; ")} ) 2>&1; echo E''ND\n` });
    script.push({ expect: "END\r\n" });
  }
  const source = { ...guest, overlay: folder.file("root"), append: "console=ttyS0 quiet" };
  const board = new URL("virtio_board.ts", import.meta.url);
  const definition: ResolvedDefinition = resolveDefinition(
    { boot: source, memory: "128M", clock: { mode: "deterministic" }, script },
    { ...PARTS, board },
    board,
  );
  let output = "";
  const decoder = new TextDecoder();
  const listener = { output: (bytes: Uint8Array) => void (output += decoder.decode(bytes, { stream: true })) };
  await using machine = await Machine.start(definition, await readGuest(source, definition.memory), listener);
  await machine.resume();
  const exit = await machine.exit;
  const { bus } = await machine.statistics();
  const [, ...printed] = output.split(/(?:^|\n)[^\n]*# /);
  return { exit, bus, printed: printed.map((text) => text.replaceAll("\r", "").replace(/END\n?$/, "")) };
}

async function files(
  folder: Folder,
  kernel: Readonly<Record<string, string>>,
  busybox: Readonly<Record<string, string>>,
) {
  await Deno.mkdir(folder.file("root/bin"), { recursive: true });
  await Deno.copyFile(busybox.program!, folder.file("root/bin/busybox"));
  await folder.write("root/init", busyboxInit());
  for (const program of ["init", "bin/busybox"]) await Deno.chmod(folder.file(`root/${program}`), 0o755);
  return { kernel: kernel.kernel!, initrd: [kernel.initrd!] };
}

guestTest(
  "Debian's drivers find virtio devices on the PCI bus and use the disk, the console and the entropy",
  [LINUX_VIRTIO, BUSYBOX],
  async (kernel, busybox) => {
    await using folder = await Folder.make();
    const guest = await files(folder, kernel!, busybox!);
    const commands = [IDENTITIES, loadModules("pci", "virtio"), DISK, CONSOLE, ENTROPY, "cat /proc/interrupts"];
    const { exit, bus, printed } = await run(folder, guest, ...commands);
    assertEquals(exit.reason, "script");
    const [pci, , disk, console, entropy, interrupts] = printed as [string, string, string, string, string, string];
    assertEquals(pci.trim().split("\n"), [
      "0000:00:00.0 0x8086 0x1237 0x060000 0",
      "0000:00:01.0 0x8086 0x7000 0x060100 0",
      "0000:00:02.0 0x1af4 0x1042 0x018000 9",
      "0000:00:03.0 0x1af4 0x1043 0x078000 11",
      "0000:00:04.0 0x1af4 0x1044 0x00ff00 9",
    ]);
    assertStringIncludes(disk, "32768\ndisk in memory");
    assertStringIncludes(disk, "write back");
    const sums = [...disk.matchAll(/^([0-9a-f]{32}) +-$/gm)].map(([, sum]) => sum);
    assertEquals(sums.length, 2);
    assertEquals(sums[0], sums[1]);
    assertStringIncludes(disk, "same data");
    assertStringIncludes(console, "HELLO\n");
    assertMatch(entropy, /^virtio_rng\.\d\n64\n00000000( {1,2}[0-9a-f]{2}){8}/m);
    // The disk and the entropy device share a request, which is level-triggered.
    assertMatch(interrupts, /^ +9: +\d+ +XT-PIC +virtio\d, virtio\d$/m);
    assertMatch(interrupts, /^ +11: +\d+ +XT-PIC +virtio\d$/m);
    assertEquals(Object.values(bus.devices).every(({ counts }) => counts["needs-reset"] === undefined), true);
    assertEquals((bus.devices.disk!.counts.flush ?? 0) > 0, true);
  },
);
