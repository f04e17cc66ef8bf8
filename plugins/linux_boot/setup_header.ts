/**
 * The setup header of a Linux/x86 kernel image, read and checked.
 *
 * Field names, offsets and versions are those of the kernel's Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import type { GuestFile } from "../guest_start.ts";
import { hex, sizeText } from "../quantity.ts";

/** Offsets of header fields, in the image and, unchanged, in boot_params. */
export const HEADER = {
  SETUP_SECTS: 0x1f1,
  SYSSIZE: 0x1f4,
  VID_MODE: 0x1fa,
  BOOT_FLAG: 0x1fe,
  JUMP: 0x200,
  MAGIC: 0x202,
  VERSION: 0x206,
  TYPE_OF_LOADER: 0x210,
  LOADFLAGS: 0x211,
  CODE32_START: 0x214,
  RAMDISK_IMAGE: 0x218,
  RAMDISK_SIZE: 0x21c,
  CMD_LINE_PTR: 0x228,
  INITRD_ADDR_MAX: 0x22c,
  KERNEL_ALIGNMENT: 0x230,
  RELOCATABLE_KERNEL: 0x234,
  XLOADFLAGS: 0x236,
  CMDLINE_SIZE: 0x238,
  PAYLOAD_OFFSET: 0x248,
  PAYLOAD_LENGTH: 0x24c,
  PREF_ADDRESS: 0x258,
  INIT_SIZE: 0x260,
  /** The header may not reach the E820 table of boot_params. */
  LIMIT: 0x290,
} as const;

/** Bits of `loadflags`. */
export const LOADFLAGS = { LOADED_HIGH: 1 << 0 } as const;

/** Bits of `xloadflags`. */
const XLOADFLAGS = { KERNEL_64: 1 << 0 } as const;

const SECTOR = 512;

/** The least a file must have to be looked at: up to the end of the version field. */
const SMALLEST = HEADER.VERSION + 2;

/** What the loader needs to know of an image. Fields that the header's version does not have carry the value that the protocol implies. */
export interface SetupHeader {
  /** `kernel "vmlinuz"`. */
  readonly subject: string;
  /** Boot protocol version, 0x20c for 2.12. */
  readonly version: number;
  /** Bytes 1F1h to the end of the header, to be copied into boot_params. */
  readonly bytes: Uint8Array;
  /** The protected-mode code and what follows it in the file. */
  readonly protectedMode: Uint8Array;
  /** Where non-relocatable code must be loaded. */
  readonly code32Start: number;
  /** Highest address that the last byte of the initrd may have. */
  readonly initrdAddrMax: number;
  /** Longest command line in bytes, without the terminator. */
  readonly cmdlineSize: number;
  /** True if the protected-mode code runs at any multiple of `kernelAlignment`. */
  readonly relocatable: boolean;
  /** Bytes. */
  readonly kernelAlignment: number;
  /** Where the kernel likes to run; 0 if unknown. */
  readonly prefAddress: number;
  /** Bytes that the kernel needs from where it runs before it looks at the memory map; 0 if unknown. */
  readonly initSize: number;
  /** True if the kernel goes on to long mode. */
  readonly kernel64: boolean;
}

/**
 * Reads the setup header of a bzImage.
 *
 * @param kernel A bzImage: `vmlinuz`, `linux`, `memtest86+ia32.bin`.
 * @throws {BulkheadError} `not-a-kernel`, `truncated-kernel`, `old-boot-protocol`, `low-kernel`, `kernel-needs-bios`.
 */
export function readSetupHeader(kernel: GuestFile): SetupHeader {
  const { bytes, name } = kernel;
  const subject = `kernel ${JSON.stringify(name)}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkMagic(view, bytes, subject);

  const version = view.getUint16(HEADER.VERSION, true);
  if (version < 0x0202) {
    throw new BulkheadError({
      code: "old-boot-protocol",
      subject,
      where: `version at offset ${hex(HEADER.VERSION)}`,
      expected: "Linux boot protocol 2.02 (Linux 2.4) or later",
      found: versionText(version),
      remedy: "give a later kernel",
    });
  }
  // The byte after the jump's opcode is its displacement: the header ends where it lands.
  const end = HEADER.MAGIC + view.getUint8(HEADER.JUMP + 1);
  if (end < HEADER.INITRD_ADDR_MAX || end > HEADER.LIMIT) {
    throw new BulkheadError({
      code: "not-a-kernel",
      subject,
      where: `jump at offset ${hex(HEADER.JUMP)}`,
      expected: `a header that ends between ${hex(HEADER.INITRD_ADDR_MAX)} and ${hex(HEADER.LIMIT)}`,
      found: `an end at ${hex(end)}`,
      remedy: "the file is damaged: get it again",
    });
  }
  const setupSects = view.getUint8(HEADER.SETUP_SECTS) || 4;
  const protectedOffset = (setupSects + 1) * SECTOR;
  if (bytes.length < end || bytes.length <= protectedOffset) {
    throw truncated(subject, `more than ${Math.max(end, protectedOffset)} bytes of setup code`, bytes.length);
  }
  const protectedMode = bytes.subarray(protectedOffset);

  /** A field of the header, or what the protocol implies where the version or the header's length lacks it. */
  const field = (since: number, offset: number, size: 1 | 2 | 4 | 8, implied: number): number => {
    if (version < since || offset + size > end) return implied;
    if (size === 1) return view.getUint8(offset);
    if (size === 2) return view.getUint16(offset, true);
    return size === 4 ? view.getUint32(offset, true) : Number(view.getBigUint64(offset, true));
  };

  // syssize counts paragraphs; before 2.04 it had 16 bits and could not hold the size of a bzImage.
  const syssize = field(0x0204, HEADER.SYSSIZE, 4, 0) * 16;
  if (protectedMode.length + 15 < syssize) {
    throw truncated(subject, `${protectedOffset + syssize} bytes (syssize at ${hex(HEADER.SYSSIZE)})`, bytes.length);
  }
  const payloadLength = field(0x0208, HEADER.PAYLOAD_LENGTH, 4, 0);
  const payloadEnd = field(0x0208, HEADER.PAYLOAD_OFFSET, 4, 0) + payloadLength;
  if (payloadLength !== 0 && payloadEnd > protectedMode.length) {
    throw truncated(subject, `${protectedOffset + payloadEnd} bytes (payload_length at 0x24c)`, bytes.length);
  }
  if ((view.getUint8(HEADER.LOADFLAGS) & LOADFLAGS.LOADED_HIGH) === 0) {
    throw new BulkheadError({
      code: "low-kernel",
      subject,
      where: `loadflags at offset ${hex(HEADER.LOADFLAGS)}`,
      expected: "a bzImage, which loads at 1 MB",
      found: "a zImage, which loads below 640 KB",
      remedy: "build the kernel with `make bzImage`",
    });
  }
  const code32Start = view.getUint32(HEADER.CODE32_START, true);
  if (code32Start < 0x10_0000) {
    throw new BulkheadError({
      code: "kernel-needs-bios",
      subject,
      where: `code32_start at offset ${hex(HEADER.CODE32_START)}`,
      expected: "a 32-bit entry at 1 MB or above",
      found: `${hex(code32Start)}: the image only starts in real mode, with BIOS services`,
      remedy: "give a kernel with a 32-bit entry",
    });
  }
  return {
    subject,
    version,
    bytes: bytes.subarray(HEADER.SETUP_SECTS, end),
    protectedMode,
    code32Start,
    initrdAddrMax: field(0x0203, HEADER.INITRD_ADDR_MAX, 4, 0x37ff_ffff),
    cmdlineSize: field(0x0206, HEADER.CMDLINE_SIZE, 4, 255),
    relocatable: field(0x0205, HEADER.RELOCATABLE_KERNEL, 1, 0) !== 0,
    kernelAlignment: field(0x0205, HEADER.KERNEL_ALIGNMENT, 4, 0),
    prefAddress: field(0x020a, HEADER.PREF_ADDRESS, 8, 0),
    initSize: field(0x020a, HEADER.INIT_SIZE, 4, 0),
    kernel64: (field(0x020c, HEADER.XLOADFLAGS, 2, 0) & XLOADFLAGS.KERNEL_64) !== 0,
  };
}

/** `2.15`: the version is in binary-coded form, major in the high byte. */
export function versionText(version: number): string {
  return `${version >> 8}.${(version & 0xff).toString().padStart(2, "0")}`;
}

function checkMagic(view: DataView, bytes: Uint8Array, subject: string): void {
  const expected = 'a Linux/x86 bzImage ("HdrS" at offset 0x202)';
  const refuse = (found: string, remedy: string) =>
    new BulkheadError({ code: "not-a-kernel", subject, expected, found, remedy });
  const give = "give the bzImage, which distributions call vmlinuz or linux";
  if (bytes.length === 0) throw refuse("an empty file", give);
  if (startsWith(bytes, 0x7f, 0x45, 0x4c, 0x46)) {
    throw refuse("an ELF file", "give the bzImage instead of vmlinux, or start a multiboot kernel with --multiboot");
  }
  if (startsWith(bytes, 0x1f, 0x8b)) throw refuse("a gzip file", `unpack it; ${give}`);
  if (bytes.length < SMALLEST) {
    if (bytes.length > HEADER.MAGIC && startsWith(bytes.subarray(HEADER.MAGIC), 0x48)) {
      throw truncated(subject, `at least ${SMALLEST} bytes`, bytes.length);
    }
    throw refuse(`a file of ${sizeText(bytes.length)}`, give);
  }
  if (!startsWith(bytes.subarray(HEADER.MAGIC), 0x48, 0x64, 0x72, 0x53)) throw refuse("something else", give);
  const bootFlag = view.getUint16(HEADER.BOOT_FLAG, true);
  if (bootFlag !== 0xaa55) {
    throw new BulkheadError({
      code: "not-a-kernel",
      subject,
      where: `boot_flag at offset ${hex(HEADER.BOOT_FLAG)}`,
      expected: "0xaa55",
      found: hex(bootFlag),
      remedy: "the file is damaged: get it again",
    });
  }
}

function truncated(subject: string, expected: string, length: number): BulkheadError {
  return new BulkheadError({
    code: "truncated-kernel",
    subject,
    expected,
    found: `the end of the file at ${length}`,
    remedy: "the file is cut off: get it again",
  });
}

function startsWith(bytes: Uint8Array, ...prefix: number[]): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}
