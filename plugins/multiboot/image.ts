/**
 * A multiboot kernel file: its header, and what of it goes where.
 *
 * Field names and rules are those of the Multiboot Specification 0.6.96, sections 3.1 and 3.2, and of the System V ABI's ELF chapter.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import { hex } from "../quantity.ts";

/** A stretch of memory that the kernel file fills. */
export interface ImageSegment {
  /** Guest-physical address. */
  readonly address: number;
  /** Bytes from the file. */
  readonly bytes: Uint8Array;
  /** Bytes in memory, at least those from the file; the rest is zero. */
  readonly memorySize: number;
}

/** A multiboot kernel, taken apart. */
export interface MultibootImage {
  /** What to load, in ascending order and without overlaps. */
  readonly segments: readonly ImageSegment[];
  /** Physical address of the first instruction. */
  readonly entry: number;
}

/** `magic` of the header. */
const HEADER_MAGIC = 0x1bad_b002;

/** `magic` of a Multiboot 2 header, told apart for the sentence. */
const HEADER_MAGIC_2 = 0xe852_50d6;

/** The header lies completely in this many bytes. */
const SEARCH = 8192;

const HEADER = {
  FLAGS: 4,
  CHECKSUM: 8,
  HEADER_ADDR: 12,
  LOAD_ADDR: 16,
  LOAD_END_ADDR: 20,
  BSS_END_ADDR: 24,
  ENTRY_ADDR: 28,
} as const;

/** Bits of the header's `flags`; 0 to 15 are requirements. */
const FLAG = { PAGE_ALIGN: 1 << 0, MEMORY_INFO: 1 << 1, VIDEO_MODE: 1 << 2, ADDRESS_FIELDS: 1 << 16 } as const;

const MET_REQUIREMENTS = FLAG.PAGE_ALIGN | FLAG.MEMORY_INFO;

const ELF = {
  CLASS: 4,
  DATA: 5,
  TYPE: 16,
  MACHINE: 18,
  ENTRY: 24,
  PHOFF: 28,
  PHENTSIZE: 42,
  PHNUM: 44,
  SIZE: 52,
  CLASS_32: 1,
  CLASS_64: 2,
  LITTLE_ENDIAN: 1,
  EXECUTABLE: 2,
  MACHINE_386: 3,
} as const;

const PROGRAM = { TYPE: 0, OFFSET: 4, VADDR: 8, PADDR: 12, FILESZ: 16, MEMSZ: 20, SIZE: 32, LOAD: 1 } as const;

/**
 * Finds the multiboot header of an uncompressed kernel and reads what to load.
 *
 * @param bytes The file.
 * @param subject How error sentences name it.
 * @throws {BulkheadError} `not-multiboot`, `multiboot-requirement`, `multiboot-image`, `truncated-kernel`.
 */
export function readMultibootImage(bytes: Uint8Array, subject: string): MultibootImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = findHeader(view, subject);
  const flags = view.getUint32(header + HEADER.FLAGS, true);
  const unmet = flags & 0xffff & ~MET_REQUIREMENTS;
  if (unmet !== 0) {
    throw new BulkheadError({
      code: "multiboot-requirement",
      subject,
      where: `flags at offset ${hex(header + HEADER.FLAGS)}`,
      expected: "no requirement but page-aligned modules (bit 0) and memory information (bit 1)",
      found: (unmet & FLAG.VIDEO_MODE) !== 0 ? "bit 2, a video mode" : `bits ${hex(unmet)}`,
      remedy: "give a kernel that starts without it",
    });
  }
  const image = (flags & FLAG.ADDRESS_FIELDS) !== 0
    ? readAddressFields(view, bytes, header, subject)
    : readElf(view, bytes, subject);
  return { entry: image.entry, segments: inOrder(image.segments, subject) };
}

function findHeader(view: DataView, subject: string): number {
  const end = Math.min(view.byteLength, SEARCH);
  let second = false;
  for (let offset = 0; offset + 12 <= end; offset += 4) {
    const magic = view.getUint32(offset, true);
    second ||= magic === HEADER_MAGIC_2;
    if (magic !== HEADER_MAGIC) continue;
    const flags = view.getUint32(offset + HEADER.FLAGS, true);
    const checksum = view.getUint32(offset + HEADER.CHECKSUM, true);
    if (((magic + flags + checksum) | 0) !== 0) continue;
    if ((flags & FLAG.ADDRESS_FIELDS) !== 0 && offset + HEADER.ENTRY_ADDR + 4 > end) {
      throw truncated(subject, "the address fields of the multiboot header", view.byteLength);
    }
    return offset;
  }
  const linux = view.byteLength >= 0x206 && view.getUint32(0x202, false) === 0x4864_7253;
  throw new BulkheadError({
    code: "not-multiboot",
    subject,
    expected: "a multiboot header (0x1badb002 with its checksum) in the first 8 KB",
    found: view.byteLength === 0
      ? "an empty file"
      : second
      ? "a Multiboot 2 header"
      : linux
      ? "a Linux kernel"
      : "none",
    remedy: linux ? "start it with --kernel" : "give a kernel that follows Multiboot 0.6.96",
  });
}

/** The header's own address fields, for files that are no ELF (section 3.1.3). They count even in an ELF file. */
function readAddressFields(view: DataView, bytes: Uint8Array, header: number, subject: string): MultibootImage {
  const field = (offset: number) => view.getUint32(header + offset, true);
  const refuse = (where: string, offset: number, expected: string) =>
    new BulkheadError({
      code: "multiboot-image",
      subject,
      where: `${where} at offset ${hex(header + offset)}`,
      expected,
      found: hex(field(offset)),
      remedy: "the file is damaged: build it again",
    });
  const load = field(HEADER.LOAD_ADDR);
  const start = header - (field(HEADER.HEADER_ADDR) - load);
  if (field(HEADER.HEADER_ADDR) < load || start < 0) {
    throw refuse(
      "load_addr",
      HEADER.LOAD_ADDR,
      `header_addr (${hex(field(HEADER.HEADER_ADDR))}) or up to ${hex(header)} below`,
    );
  }
  const loadEnd = field(HEADER.LOAD_END_ADDR) || load + bytes.length - start;
  if (loadEnd <= load) throw refuse("load_end_addr", HEADER.LOAD_END_ADDR, `more than load_addr (${hex(load)})`);
  const end = start + loadEnd - load;
  if (end > bytes.length) throw truncated(subject, `${end} bytes (load_end_addr ${hex(loadEnd)})`, bytes.length);
  const bssEnd = field(HEADER.BSS_END_ADDR) || loadEnd;
  if (bssEnd < loadEnd) throw refuse("bss_end_addr", HEADER.BSS_END_ADDR, `at least load_end_addr (${hex(loadEnd)})`);
  const entry = field(HEADER.ENTRY_ADDR);
  if (entry < load || entry >= bssEnd) {
    throw refuse("entry_addr", HEADER.ENTRY_ADDR, `an address from ${hex(load)} to ${hex(bssEnd)}`);
  }
  return { entry, segments: [{ address: load, bytes: bytes.subarray(start, end), memorySize: bssEnd - load }] };
}

function readElf(view: DataView, bytes: Uint8Array, subject: string): MultibootImage {
  const refuse = (where: string, expected: string, found: string, remedy = "the file is damaged: build it again") =>
    new BulkheadError({ code: "multiboot-image", subject, where, expected, found, remedy });
  const expected = "a 32-bit ELF executable for the 386, or the header's address fields (flags bit 16)";
  const build = "build the kernel for i386";
  if (bytes.length < 4 || view.getUint32(0, false) !== 0x7f45_4c46) {
    throw refuse("offset 0x0", expected, "another file format", build);
  }
  if (bytes.length < ELF.SIZE) throw truncated(subject, "a whole ELF header", bytes.length);
  if (view.getUint8(ELF.CLASS) === ELF.CLASS_64) throw refuse("EI_CLASS", expected, "a 64-bit ELF file", build);
  if (view.getUint8(ELF.CLASS) !== ELF.CLASS_32 || view.getUint8(ELF.DATA) !== ELF.LITTLE_ENDIAN) {
    throw refuse("e_ident", expected, "another class or byte order", build);
  }
  const type = view.getUint16(ELF.TYPE, true);
  const machine = view.getUint16(ELF.MACHINE, true);
  if (type !== ELF.EXECUTABLE || machine !== ELF.MACHINE_386) {
    throw refuse("e_type and e_machine", expected, `type ${type} for machine ${machine}`, build);
  }
  const phoff = view.getUint32(ELF.PHOFF, true);
  const phentsize = view.getUint16(ELF.PHENTSIZE, true);
  const phnum = view.getUint16(ELF.PHNUM, true);
  if (phentsize < PROGRAM.SIZE) throw refuse("e_phentsize", `at least ${PROGRAM.SIZE}`, `${phentsize}`);
  if (phoff + phnum * phentsize > bytes.length) throw truncated(subject, "its program headers", bytes.length);

  const segments: ImageSegment[] = [];
  const virtualEntry = view.getUint32(ELF.ENTRY, true);
  let entry: number | undefined;
  for (let index = 0; index < phnum; index++) {
    const program = phoff + index * phentsize;
    const field = (offset: number) => view.getUint32(program + offset, true);
    const [memorySize, fileSize] = [field(PROGRAM.MEMSZ), field(PROGRAM.FILESZ)];
    if (field(PROGRAM.TYPE) !== PROGRAM.LOAD || memorySize === 0) continue;
    const start = field(PROGRAM.OFFSET);
    if (fileSize > memorySize) {
      throw refuse(`program header ${index}`, `p_filesz up to p_memsz (${hex(memorySize)})`, hex(fileSize));
    }
    if (fileSize !== 0 && start + fileSize > bytes.length) {
      throw truncated(subject, `${start + fileSize} bytes (program header ${index})`, bytes.length);
    }
    segments.push({ address: field(PROGRAM.PADDR), bytes: bytes.subarray(start, start + fileSize), memorySize });
    // e_entry is a virtual address and paging is off: it means the place where its segment was loaded.
    const into = virtualEntry - field(PROGRAM.VADDR);
    if (into >= 0 && into < memorySize) entry ??= field(PROGRAM.PADDR) + into;
  }
  if (segments.length === 0) throw refuse("program headers", "at least one PT_LOAD", "none");
  if (entry === undefined) throw refuse("e_entry", "an address in a PT_LOAD segment", hex(virtualEntry));
  return { entry, segments };
}

function inOrder(segments: readonly ImageSegment[], subject: string): ImageSegment[] {
  const sorted = segments.toSorted((left, right) => left.address - right.address);
  sorted.forEach((segment, index) => {
    const next = sorted[index + 1];
    if (next === undefined || segment.address + segment.memorySize <= next.address) return;
    throw new BulkheadError({
      code: "multiboot-image",
      subject,
      where: `the segment at ${hex(next.address)}`,
      expected: "segments that do not overlap",
      found: `one from ${hex(segment.address)} to ${hex(segment.address + segment.memorySize)}`,
      remedy: "the file is damaged: build it again",
    });
  });
  return sorted;
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
