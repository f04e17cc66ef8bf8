/**
 * Initial RAM disks: joined as the kernel expects them, and checked before a kernel has to.
 *
 * The kernel unpacks a sequence of newc cpio archives, each plain or compressed, with zero bytes between them
 * (Documentation/driver-api/early-userspace/buffer-format.rst). It also still takes a file system image.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import type { GuestFile } from "../guest_start.ts";
import { hex } from "../quantity.ts";

/** What an initrd may begin with, and its name. */
const MAGICS: readonly { readonly offset: number; readonly bytes: readonly number[]; readonly format: InitrdFormat }[] =
  [
    { offset: 0, bytes: ascii("070701"), format: "cpio" },
    { offset: 0, bytes: ascii("070702"), format: "cpio" },
    { offset: 0, bytes: [0x1f, 0x8b], format: "gzip" },
    { offset: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], format: "xz" },
    { offset: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], format: "zstd" },
    { offset: 0, bytes: [0x02, 0x21, 0x4c, 0x18], format: "lz4" },
    { offset: 0, bytes: [0x89, 0x4c, 0x5a, 0x4f], format: "lzo" },
    { offset: 0, bytes: ascii("BZh"), format: "bzip2" },
    { offset: 0, bytes: [0x5d, 0x00, 0x00], format: "lzma" },
    { offset: 0, bytes: ascii("-rom1fs-"), format: "romfs" },
    { offset: 0, bytes: ascii("hsqs"), format: "squashfs" },
    { offset: 0, bytes: [0x45, 0x3d, 0xcd, 0x28], format: "cramfs" },
    { offset: 0x438, bytes: [0x53, 0xef], format: "ext2" },
  ];

/** The formats that a kernel may take, by the name of their magic number. */
export type InitrdFormat =
  | "cpio"
  | "gzip"
  | "xz"
  | "zstd"
  | "lz4"
  | "lzo"
  | "bzip2"
  | "lzma"
  | "romfs"
  | "squashfs"
  | "cramfs"
  | "ext2";

/** Offsets in a newc header of 110 bytes; each field is eight hexadecimal digits. */
const NEWC = { FILESIZE: 54, NAMESIZE: 94, SIZE: 110 } as const;

/**
 * Names the format of an initrd, and walks a plain cpio archive to its end.
 *
 * @param initrd The file.
 * @throws {BulkheadError} `not-an-initrd`, `truncated-initrd`.
 */
export function identifyInitrd(initrd: GuestFile): InitrdFormat {
  const { bytes } = initrd;
  const subject = subjectOf(initrd);
  const expected = "a newc cpio archive, plain or compressed, or a file system image";
  const remedy = "give an initrd.img, or a folder with --overlay";
  if (bytes.length === 0) {
    throw new BulkheadError({ code: "not-an-initrd", subject, expected, found: "an empty file", remedy });
  }
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start += 1;
  // Padding before an archive is whole dwords; a file system may begin with zero bytes of its own.
  for (const offset of start % 4 === 0 ? [start, 0] : [0]) {
    for (const magic of MAGICS) {
      if (!magic.bytes.every((byte, index) => bytes[offset + magic.offset + index] === byte)) continue;
      if (magic.format === "cpio") walkCpio(bytes, offset, subject);
      if (magic.format === "xz") checkXzEnd(bytes, subject);
      return magic.format;
    }
  }
  throw new BulkheadError({ code: "not-an-initrd", subject, expected, found: "something else", remedy });
}

/**
 * Reads a gzip-compressed initrd to its end, to find out that it is whole. Takes about 6 ms a megabyte; other formats pass unread.
 *
 * @param initrd The file.
 * @throws {BulkheadError} `not-an-initrd`, `truncated-initrd`.
 */
export async function verifyInitrd(initrd: GuestFile): Promise<void> {
  if (identifyInitrd(initrd) !== "gzip") return;
  const { bytes } = initrd;
  // Loaded here, because it takes as long to load as a megabyte to read, and not every machine has an initrd.
  const { createGunzip } = await import("node:zlib");
  await new Promise<void>((resolve, reject) => {
    const gunzip = createGunzip({ chunkSize: 0x10_0000 });
    gunzip.on("data", () => {});
    gunzip.on("end", () => resolve());
    gunzip.on("error", (error: Error) =>
      reject(
        new BulkheadError({
          code: "truncated-initrd",
          subject: subjectOf(initrd),
          expected: "a whole gzip file",
          found: `a damaged or cut off one of ${bytes.length} bytes (${error.message})`,
          remedy: "get the file again",
        }, { cause: error }),
      ));
    gunzip.end(bytes.subarray(bytes.findIndex((byte) => byte !== 0)));
  });
}

/**
 * Joins initrds into the one that the kernel is given: each begins at a multiple of 4 bytes.
 *
 * @param initrds Zero or more files; later files overwrite what earlier ones hold.
 */
export function joinInitrds(initrds: readonly GuestFile[]): Uint8Array {
  const size = initrds.reduce((sum, { bytes }) => alignTo4(sum) + bytes.length, 0);
  const only = initrds[0];
  if (only !== undefined && initrds.length === 1) return only.bytes;
  const joined = new Uint8Array(size);
  let offset = 0;
  for (const { bytes } of initrds) {
    offset = alignTo4(offset);
    joined.set(bytes, offset);
    offset += bytes.length;
  }
  return joined;
}

function walkCpio(bytes: Uint8Array, start: number, subject: string): void {
  let offset = start;
  while (offset + NEWC.SIZE <= bytes.length) {
    const magic = textAt(bytes, offset, 6);
    if (magic !== "070701" && magic !== "070702") {
      throw new BulkheadError({
        code: "not-an-initrd",
        subject,
        where: `offset ${hex(offset)}`,
        expected: "the next file of the cpio archive (070701)",
        found: JSON.stringify(magic),
        remedy: "the archive is damaged: make it again with `cpio -H newc -o`",
      });
    }
    const nameSize = parseInt(textAt(bytes, offset + NEWC.NAMESIZE, 8), 16);
    const fileSize = parseInt(textAt(bytes, offset + NEWC.FILESIZE, 8), 16);
    if (!Number.isInteger(nameSize) || !Number.isInteger(fileSize) || nameSize === 0) {
      throw new BulkheadError({
        code: "not-an-initrd",
        subject,
        where: `offset ${hex(offset)}`,
        expected: "sizes in hexadecimal digits",
        found: "something else",
        remedy: "the archive is damaged: make it again with `cpio -H newc -o`",
      });
    }
    const name = textAt(bytes, offset + NEWC.SIZE, nameSize - 1);
    const body = start + alignTo4(offset - start + NEWC.SIZE + nameSize);
    // What follows the trailer is the kernel's business: padding, or another archive in any format.
    if (name === "TRAILER!!!" && body <= bytes.length) return;
    if (body + fileSize > bytes.length) break;
    offset = start + alignTo4(body - start + fileSize);
  }
  throw new BulkheadError({
    code: "truncated-initrd",
    subject,
    expected: "a cpio archive that ends in TRAILER!!!",
    found: `the end of the file at ${bytes.length}`,
    remedy: "the file is cut off: get it again",
  });
}

/** An xz stream ends in "YZ", and padding of zero dwords (The .xz File Format, 2.1.2.4 and 2.2). */
function checkXzEnd(bytes: Uint8Array, subject: string): void {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  if (bytes[end - 2] === 0x59 && bytes[end - 1] === 0x5a) return;
  throw new BulkheadError({
    code: "truncated-initrd",
    subject,
    expected: 'an xz file that ends in "YZ"',
    found: `the end of the file at ${bytes.length}`,
    remedy: "the file is cut off: get it again",
  });
}

function subjectOf(initrd: GuestFile): string {
  return `initrd ${JSON.stringify(initrd.name)}`;
}

function textAt(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + Math.min(length, 4096)));
}

function ascii(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

function alignTo4(value: number): number {
  return Math.ceil(value / 4) * 4;
}
