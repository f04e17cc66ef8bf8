import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commandLine, Folder } from "./command_line.ts";
import { BUSYBOX, GNU_MACH, guestTest, LINUX_PAE, MEMTEST } from "./debian_guests.ts";

/** Deterministic: a guest that waits for time to pass does not wait for the host's. */
const RUN = ["--clock", "deterministic", "--timeout", "300s"];

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /proc
mount -t proc proc /proc
export PS1='shell$ '
exec /bin/sh
`;

/**
 * What takes this kernel long and proves nothing here is left out: its tests of its own ciphers, the search for ISA cards, and reading
 * the keys that sign modules.
 */
const APPEND = "console=ttyS0 noisapnp cryptomgr.notests initcall_blacklist=load_system_certificate_list";

guestTest("Linux with PAE and NX on boots to a BusyBox shell", [LINUX_PAE, BUSYBOX], async (linux, busybox) => {
  await using folder = await Folder.make();
  await Deno.mkdir(folder.file("root/bin"), { recursive: true });
  await Deno.copyFile(busybox!.program!, folder.file("root/bin/busybox"));
  await Deno.chmod(folder.file("root/bin/busybox"), 0o755);
  await Deno.writeTextFile(folder.file("root/init"), INIT, { mode: 0o755 });
  const { code, stdout, stderr } = await commandLine(folder, [
    ...["run", "--kernel", linux!.kernel!, "--overlay", "root", "--append", APPEND, "--memory", "128M", ...RUN],
    ...["--expect", "shell\\$ ", "--send", "uname -r; grep -owE 'pae|nx' /proc/cpuinfo\\n"],
    ...["--expect", "-686-pae\\r\\npae\\r\\nnx\\r\\n"],
  ]);
  assertEquals(code, 0, stderr + stdout.slice(-2000));
  // The kernel says so once EFER.NXE is set and its page tables have the bit.
  assertStringIncludes(stdout, "NX (Execute Disable) protection: active");
  assertStringIncludes(stdout, "no W+X pages found");
});

guestTest("GNU Mach starts by the Multiboot protocol and talks on the serial line", [GNU_MACH], async (mach) => {
  await using folder = await Folder.make();
  const { code, stdout, stderr } = await commandLine(folder, [
    ...["run", "--multiboot", mach!.multiboot!, "--append", "console=com0", "--memory", "64M", ...RUN],
    // Without the Hurd's servers there is nothing that it could start: it has come as far as it can.
    ...["--expect", "bootstrap_create: No bootstrap code loaded"],
  ]);
  assertEquals(code, 0, stderr + stdout.slice(-2000));
  assertMatch(stdout, /^GNU Mach 1\.8/);
  assertStringIncludes(stdout, "biosmem: 000000000000100000:000000000004000000, available");
});

guestTest("memtest86+ finds no error in its first tests of 16 MB", [MEMTEST], async (memtest) => {
  await using folder = await Folder.make();
  const { code, stdout, stderr } = await commandLine(folder, [
    ...["run", "--kernel", memtest!.kernel!, "--append", "console=ttyS0,115200", "--memory", "16M", ...RUN],
    // It runs its tests in their order, and shows now and then which one it is at: 0 to 3 are done when a later one is.
    ...["--expect", "#[4-9]  \\[[^]*Errors: *\\d+ "],
  ]);
  assertEquals(code, 0, stderr + stdout.slice(-2000));
  assertMatch(stdout, /Memtest86\+ v/);
  assertMatch(stdout, /Memory {2}: +16MB/);
  assertEquals([...new Set([...stdout.matchAll(/Errors: *(\d+)/g)].map(([, count]) => count))], ["0"]);
});
