import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { commandLine, Folder } from "./command_line.ts";
import { BUSYBOX, guestTest, NETBOOT } from "./debian_guests.ts";

const CONSOLE = "console=ttyS0 rdinit=/bin/sh";

guestTest("Debian's kernel boots to a shell, answers and resets", [NETBOOT], async (netboot) => {
  await using folder = await Folder.make();
  const { code, stdout, stderr } = await commandLine(folder, [
    ...["run", "--kernel", netboot!.kernel!, "--initrd", netboot!.initrd!, "--append", CONSOLE],
    ...["--memory", "256M", "--serial", "stdio", "--no-reboot", "--stats", "stats.json", "--timeout", "300s"],
    ...["--expect", "# ", "--send", "uname -m\\n", "--expect", "i686", "--send", "reboot -f\\n"],
  ]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "Linux version 6.1");
  assertStringIncludes(stdout, "BusyBox");
  const stats = JSON.parse(await Deno.readTextFile(folder.file("stats.json")));
  assertEquals(stats.retired > 1e9, true);
});

guestTest(
  "Debian's kernel does the same interpreted and translated, to the instruction",
  [NETBOOT],
  async (netboot) => {
    await using folder = await Folder.make();
    const run = async (...engine: string[]) => {
      const { code, stdout, stderr } = await commandLine(folder, [
        ...["run", "--kernel", netboot!.kernel!, "--append", "console=ttyS0 earlyprintk=serial", "--memory", "64M"],
        ...["--clock", "deterministic", "--stop-at", "400000000", "--timeout", "300s", ...engine],
      ]);
      assertEquals(code, 0, stderr);
      return { stdout, stderr };
    };
    const expected = await run("--engine", "interpreter");
    assertStringIncludes(expected.stderr, "bulkhead: 400000000 instructions retired, state hash ");
    assertEquals(await run("--engine", "translator"), expected);
  },
);

const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev
/bin/busybox mount -t proc proc /proc
echo "cpu: $(/bin/busybox grep -c ^processor /proc/cpuinfo)"
/bin/busybox seq 1 1000 | /bin/busybox awk '{ sum += $1 } END { print "sum " sum }' | /bin/busybox tr a-z A-Z
echo "hash $(/bin/busybox sha256sum /bin/busybox | /bin/busybox cut -c 1-64)"
/bin/busybox reboot -f
`;

guestTest("an overlay of a static BusyBox runs pipelines and resets", [NETBOOT, BUSYBOX], async (netboot, busybox) => {
  await using folder = await Folder.make();
  await Deno.mkdir(folder.file("root/bin"), { recursive: true });
  await Deno.copyFile(busybox!.program!, folder.file("root/bin/busybox"));
  await Deno.chmod(folder.file("root/bin/busybox"), 0o755);
  await folder.write("root/init", INIT);
  await Deno.chmod(folder.file("root/init"), 0o755);
  const { code, stdout, stderr } = await commandLine(folder, [
    ...["run", "--kernel", netboot!.kernel!, "--overlay", "root", "--append", "console=ttyS0 quiet"],
    ...["--memory", "128M", "--no-reboot", "--clock", "deterministic", "--timeout", "300s"],
  ]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "cpu: 1");
  assertStringIncludes(stdout, "SUM 500500");
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(busybox!.program!));
  assertStringIncludes(stdout, `hash ${new Uint8Array(digest).toHex()}`);
});

guestTest("the example boots Linux and asserts on what it says", [NETBOOT], async (netboot) => {
  const example = fromFileUrl(new URL("../examples/boot_linux.ts", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-run", example, netboot!.kernel!, netboot!.initrd!],
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertMatch(new TextDecoder().decode(stdout), /^42 on i686\n$/);
});
