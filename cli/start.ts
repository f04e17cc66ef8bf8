/**
 * `bulkhead start`: Debian 12's kernel to a shell, with nothing to prepare.
 *
 * @module
 */
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

/**
 * The kernel's command line. BusyBox's init makes the serial line the shell's controlling terminal, so that Ctrl-C interrupts what runs
 * there.
 */
const COMMAND_LINE = "console=ttyS0 rdinit=/bin/sh -- -c " +
  '"mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys; ' +
  'echo ttyS0::respawn:-/bin/sh > /etc/inittab; exec /bin/busybox init"';

const TABLE: OptionTable = { ...MACHINE_OPTIONS, ...PLUGIN_OPTIONS, ...SESSION_OPTIONS };

/** `bulkhead start`. */
export const command: Command = {
  usage: "[options]",
  summary: "Boot Debian 12's i386 kernel to a shell in this terminal, fetching it first where it is not in the cache.",
  help: `${optionHelp(TABLE)}
The kernel and its initial RAM disk come from Debian's package ${IMAGE}, as by \`bulkhead image pull\`.
Ctrl-A X ends the machine, Ctrl-A H shows more keys; Ctrl-C goes to the guest.

${EXIT_CODE_HELP}`,
  run: async (argv) => {
    const args = parseArguments(argv, TABLE, 0);
    const session = sessionOptions(args, "stdio");
    const { files } = await interruptible((host) => pull(IMAGE, host));
    const { kernel, initrd } = files as { kernel: string; initrd: string };
    const boot = { kernel, initrd: [initrd], append: COMMAND_LINE };
    const definition = machineDefinition(args, { boot });
    return await runSession({
      definition,
      ...session,
      greeting: "Booting Debian's Linux; a shell comes in a few seconds. Ctrl-A X leaves, Ctrl-A H helps.",
    });
  },
};
