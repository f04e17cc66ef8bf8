/**
 * What the benchmarks' RAM disks hold.
 *
 * @module
 */
import type { CpioEntry } from "../plugins/linux_boot/cpio.ts";

/** A program. */
export function executable(path: string, bytes: Uint8Array): CpioEntry {
  return { kind: "file", path, mode: 0o755, bytes };
}

/** A character device by the numbers of the kernel's Documentation/admin-guide/devices.txt. */
export function characterDevice(path: string, major: number, minor: number): CpioEntry {
  return { kind: "character", path, mode: 0o600, major, minor };
}
