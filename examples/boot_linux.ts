/**
 * Boots a Linux kernel, types a command and checks the answer.
 *
 *     deno run --allow-read --allow-run examples/boot_linux.ts KERNEL INITRD
 *
 * `bulkhead image pull debian-12-netboot-i386` fetches a kernel and an initial RAM disk, and prints where they are.
 */
import { boot } from "../mod.ts";

const [kernel, initrd] = Deno.args as [string, string];
await using vm = await boot({ boot: { kernel, initrd: [initrd], append: "console=ttyS0 quiet rdinit=/bin/sh" } });
await vm.serial.expect(/# /, { timeout: 300_000 });
await vm.serial.send("echo $((6 * 7)) on $(uname -m)\n");
const [answer] = await vm.serial.expect(/\d+ on i\d86/);
if (answer !== "42 on i686") throw new Error(`the guest answered ${answer}`);
console.log(answer);
