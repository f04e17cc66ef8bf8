import { assert, assertMatch } from "@std/assert";
import { Folder } from "./command_line.ts";
import { NETBOOT } from "./debian_guests.ts";
import { DebuggedRun, NO_GDB, realGdb } from "./debugged_run.ts";
import { symbolFile } from "./elf_kernel.ts";
import { GdbClient } from "./gdb_client.ts";

/** What keeps the test from running here, or undefined. */
const missing = NO_GDB ?? ("missing" in NETBOOT ? NETBOOT.missing : undefined);

/** Tells where functions of the kernel are, and stays. */
const INIT = `#!/bin/sh
mount -t proc proc /proc
grep -E ' (start_kernel|do_timer)$' /proc/kallsyms
echo SYMBOLS END
while :; do sleep 1; done
`;

/** The kernel's own part of the address space. */
const KERNEL = { address: 0xc100_0000, size: 0x200_0000 } as const;

/** The address that the function adds the ticks to: ADD [moffs], EAX (01 05 and the address) among its first instructions. */
async function jiffies(port: number, doTimer: number): Promise<number> {
  using gdb = await GdbClient.connect(port);
  const code = Uint8Array.fromHex(await gdb.ask(`m${doTimer.toString(16)},20`));
  await gdb.ask("D");
  const at = code.findIndex((byte, index) => byte === 0x01 && code[index + 1] === 0x05);
  assert(at >= 0, `no addition in ${code.toHex()}`);
  return new DataView(code.buffer).getUint32(at + 2, true);
}

Deno.test({
  name: `the real gdb debugs a booting Linux by symbols${missing === undefined ? "" : ` (not here: ${missing})`}`,
  ignore: missing !== undefined,
  fn: async () => {
    const { kernel, initrd } = (NETBOOT as { files: Record<string, string> }).files;
    const folder = await Folder.make();
    await Deno.mkdir(folder.file("overlay"));
    await Deno.writeTextFile(folder.file("overlay/init.sh"), INIT, { mode: 0o755 });
    await using run = await DebuggedRun.start(folder, [
      "--gdb-no-wait",
      ...["--kernel", kernel!, "--initrd", initrd!, "--overlay", "overlay", "--timeout", "400s"],
      ...["--append", "console=ttyS0 rdinit=/init.sh nokaslr quiet"],
    ]);
    const text = await run.outputUntil("SYMBOLS END");
    const symbols = new Map(
      [...text.matchAll(/([0-9a-f]{8}) [tT] (\w+)/g)].map(([, address, name]) => [name!, parseInt(address!, 16)]),
    );
    symbols.set("data_jiffies", await jiffies(run.port, symbols.get("do_timer")!));
    await folder.write("symbols", symbolFile(KERNEL.address, KERNEL.size, symbols));
    const shown = await realGdb(folder, [
      "file symbols",
      `target remote 127.0.0.1:${run.port}`,
      "watch *(int *) &data_jiffies",
      "continue",
      "continue",
      "delete",
      "monitor reset",
      "maintenance flush register-cache",
      "break start_kernel",
      "continue",
      "stepi",
      "stepi",
      "info registers eip cr3",
      "print (*(int *) &data_jiffies) != 0",
      "delete",
      "shell (sleep 1; kill -INT $PPID) &",
      "continue",
      "kill",
    ]);
    assertMatch(shown, /Hardware watchpoint 1: [^]*Old value = (-?\d+)\nNew value = -?\d+\n[^]*in do_timer \(\)/);
    assertMatch(shown, /Breakpoint 2, 0x[0-9a-f]+ in start_kernel \(\)/);
    assertMatch(shown, /eip +0x[0-9a-f]+ +0x[0-9a-f]+ /);
    assertMatch(shown, /cr3 +0x[1-9a-f][0-9a-f]+/);
    assertMatch(shown, /\$1 = 1/);
    assertMatch(shown, /Program received signal SIGINT/);
  },
});
