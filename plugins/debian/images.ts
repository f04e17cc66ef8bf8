/**
 * The guests that Debian packages and that this project knows how to start.
 *
 * @module
 */

/** What a file of an image is for, named after the command-line option that takes it; a `program` belongs into an overlay. */
export type ImageRole = "kernel" | "initrd" | "multiboot" | "program";

/** A guest in a Debian package. */
export interface DebianImage {
  /** What users call it. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly description: string;
  /** The binary package, of architecture i386 or all. */
  readonly package: string;
  /** A prefix of the package that is meant where `package` only depends on it: metapackages name the current version so. */
  readonly dependency?: string;
  /** Where the files lie in the package. The last part of a path may hold one `*`. */
  readonly files: Readonly<Partial<Record<ImageRole, string>>>;
  /** Kernel modules in the package, by name, of which the image's `initrd` is made. They lie in it as in the package. */
  readonly modules?: readonly string[];
}

/** What the files of an image are for. */
export function rolesOf({ files, modules }: DebianImage): ImageRole[] {
  const roles = Object.keys(files) as ImageRole[];
  return modules === undefined ? roles : [...roles, "initrd"];
}

/** Modules without which Debian's kernel finds no virtio device, and no file system on its disks. */
const VIRTIO_MODULES = [
  "virtio",
  "virtio_ring",
  "virtio_pci",
  "virtio_pci_modern_dev",
  "virtio_pci_legacy_dev",
  "virtio_blk",
  "virtio_console",
  "virtio-rng",
  "ext4",
  "jbd2",
  "mbcache",
  "crc16",
  "crc32c_generic",
  "libcrc32c",
];

const IDE_MODULES = [
  ...["scsi_common", "scsi_mod", "sd_mod", "libata", "ata_piix"],
  ...["t10-pi", "crc-t10dif", "crct10dif_common", "crc64-rocksoft", "crc64"],
];

const NETBOOT = "usr/lib/debian-installer/images/12/i386/text/debian-installer/i386";

/** The release of Debian in which all these packages are, asked for by name where a later one lacks them. */
export const RELEASE = "bookworm";

/** Every known image. */
export const IMAGES: readonly DebianImage[] = [
  {
    name: "debian-12-netboot-i386",
    description: "Linux 6.1 for the i686 and the Debian 12 installer's initrd, with a BusyBox shell",
    package: "debian-installer-12-netboot-i386",
    files: { kernel: `${NETBOOT}/linux`, initrd: `${NETBOOT}/initrd.gz` },
  },
  {
    name: "busybox-static-i386",
    description: "BusyBox in one static program, the user space of an initramfs of one's own",
    package: "busybox-static",
    files: { program: "bin/busybox" },
  },
  {
    name: "linux-686",
    description: "Linux 6.1 for the i686, and its modules for virtio devices and ext4",
    package: "linux-image-686",
    dependency: "linux-image-",
    files: { kernel: "boot/vmlinuz-*" },
    modules: VIRTIO_MODULES,
  },
  {
    name: "linux-686-ide",
    description: "Linux 6.1 for the i686, and its modules for virtio and IDE disks",
    package: "linux-image-686",
    dependency: "linux-image-",
    files: { kernel: "boot/vmlinuz-*" },
    modules: [...VIRTIO_MODULES, ...IDE_MODULES],
  },
  {
    name: "linux-686-pae",
    description: "Linux 6.1 for the i686 with physical address extension",
    package: "linux-image-686-pae",
    dependency: "linux-image-",
    files: { kernel: "boot/vmlinuz-*" },
  },
  {
    name: "memtest86+",
    description: "the memory tester, for the 32-bit CPU",
    package: "memtest86+",
    files: { kernel: "boot/memtest86+ia32.bin" },
  },
  {
    name: "gnumach",
    description: "GNU Mach 1.8, the Hurd's kernel",
    package: "gnumach-image-1.8-486",
    files: { multiboot: "boot/gnumach-1.8-486.gz" },
  },
  {
    name: "ipxe",
    description: "the network boot loader; needs a BIOS",
    package: "ipxe",
    files: { kernel: "boot/ipxe.lkrn" },
  },
  {
    name: "grub-invaders",
    description: "a game on the text screen",
    package: "grub-invaders",
    files: { multiboot: "boot/invaders.exec" },
  },
];
