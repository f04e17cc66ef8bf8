/**
 * Real guests for tests, from Debian's packages, where this machine can have them.
 *
 * @module
 */
import { pull } from "../plugins/debian/debian.ts";
import { debianHost } from "../cli/debian_host.ts";

/** Files of an image by role, or the sentence that says why there are none. */
export type GuestFiles = { readonly files: Readonly<Record<string, string>> } | { readonly missing: string };

/** Debian 12's network installer, from the cache or by apt. */
export const NETBOOT: GuestFiles = await find("debian-12-netboot-i386");

/** BusyBox, linked statically. */
export const BUSYBOX: GuestFiles = await find("busybox-static-i386");

/** A kernel with the modules that it needs for virtio. */
export const LINUX_VIRTIO: GuestFiles = await find("linux-686");

/** A kernel that uses physical address extension. */
export const LINUX_PAE: GuestFiles = await find("linux-686-pae");

/** GNU Mach, a Multiboot kernel. */
export const GNU_MACH: GuestFiles = await find("gnumach");

/** The memory tester's 32-bit kernel. */
export const MEMTEST: GuestFiles = await find("memtest86+");

async function find(name: string): Promise<GuestFiles> {
  try {
    return await pull(name, debianHost());
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

/** Declares a test that needs guests: ignored, with the reason in its name, where there are none. */
export function guestTest(
  name: string,
  guests: readonly GuestFiles[],
  run: (...files: Readonly<Record<string, string>>[]) => Promise<void>,
): void {
  const missing = guests.flatMap((guest) => "missing" in guest ? [guest.missing] : []);
  Deno.test({
    name: missing.length === 0 ? name : `${name} (not here: ${missing[0]})`,
    ignore: missing.length > 0,
    fn: () => run(...guests.map((guest) => (guest as { files: Readonly<Record<string, string>> }).files)),
  });
}
