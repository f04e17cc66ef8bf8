/**
 * The first program of a Linux guest: BusyBox's shell, after some commands.
 *
 * @module
 */

/** A script for `/init` that mounts what Linux gives, runs commands and ends in a shell that does not echo. */
export function busyboxInit(...commands: readonly string[]): string {
  return `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /sbin /mnt
/bin/busybox --install -s /bin
/bin/busybox ln -s /bin/busybox /sbin/modprobe
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
${commands.map((command) => `${command}\n`).join("")}stty -echo
exec sh
`;
}

/** A command that loads the modules of what is on buses, by their aliases, as udev does. */
export function loadModules(...buses: readonly string[]): string {
  return `for bus in ${
    buses.join(" ")
  }; do for f in /sys/bus/$bus/devices/*/modalias; do modprobe $(cat $f); done; done`;
}
