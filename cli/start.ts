/**
 * `bulkhead start`: Debian 12's kernel to a shell, with nothing to prepare.
 *
 * @module
 */
import type { LinuxBoot } from "../core/machine/definition.ts";
import { pull } from "../plugins/debian/debian.ts";
import type { Command } from "./command.ts";
import { interruptible } from "./debian_host.ts";
import { EXIT_CODE_HELP } from "./exit_codes.ts";
import { MACHINE_OPTIONS, machineDefinition } from "./machine_options.ts";
import { optionHelp, type OptionTable, parseArguments } from "./options.ts";
import { PLUGIN_OPTIONS } from "./plugin_options.ts";
import { SESSION_OPTIONS, sessionOptions } from "./run.ts";
import { runSession } from "./session.ts";

const IMAGE = "debian-12-netboot-i386";

/** The kernel of a machine with disks: the installer has their modules elsewhere. */
const DISK_IMAGE = "linux-686";

/** Loads the modules of disks and of the file systems on them. */
const LOAD_MODULES = "depmod; modprobe -a virtio_pci virtio_blk ext4; ";

/**
 * The kernel's command line. BusyBox's init makes the serial line the shell's controlling terminal, so that Ctrl-C interrupts what runs
 * there.
 */
function commandLine(before: string): string {
  return "console=ttyS0 rdinit=/bin/sh -- -c " +
    `"mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys; ${before}` +
    'echo ttyS0::respawn:-/bin/sh > /etc/inittab; exec /bin/busybox init"';
}

/** What is booted, fetched where it is not in the cache. */
async function guest(disks: boolean): Promise<LinuxBoot> {
  const pulled = async (name: string) => {
    const { files } = await interruptible((host) => pull(name, host));
    return files as { kernel: string; initrd: string };
  };
  const { kernel, initrd } = await pulled(IMAGE);
  if (!disks) return { kernel, initrd: [initrd], append: commandLine("") };
  const withModules = await pulled(DISK_IMAGE);
  return { kernel: withModules.kernel, initrd: [initrd, withModules.initrd], append: commandLine(LOAD_MODULES) };
}

const TABLE: OptionTable = { ...MACHINE_OPTIONS, ...PLUGIN_OPTIONS, ...SESSION_OPTIONS };

/** `bulkhead start`. */
export const command: Command = {
  usage: "[options]",
  summary: "Boot Debian 12's i386 kernel to a shell in this terminal, fetching it first where it is not in the cache.",
  help: `${optionHelp(TABLE)}
The kernel and its initial RAM disk come from Debian's package ${IMAGE}, as by \`bulkhead image pull\`; with
--disk, the kernel and modules for disks and ext4 from ${DISK_IMAGE}: the first disk is /dev/vda.
Ctrl-A X ends the machine, Ctrl-A H shows more keys; Ctrl-C goes to the guest.

${EXIT_CODE_HELP}`,
  run: async (argv) => {
    const args = parseArguments(argv, TABLE, 0);
    const session = sessionOptions(args, "stdio");
    const boot = await guest(args.has("disk"));
    const definition = machineDefinition(args, { boot });
    return await runSession({
      definition,
      ...session,
      greeting: "Booting Debian's Linux; a shell comes in a few seconds. Ctrl-A X leaves, Ctrl-A H helps.",
    });
  },
};
