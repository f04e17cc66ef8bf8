/**
 * The layout of a snapshot file, version 2. All numbers are little-endian; addresses, offsets and lengths have 64 bits.
 *
 * ```
 * header    MAGIC, u32 version, u32 bytes of the header (16)
 * sections  one after the other, without gaps
 * table     an entry for each section, in their order:
 *             16 bytes name (ASCII, padded with zeros), u32 version, u32 flags, u64 offset, u64 length, 32 bytes SHA-256
 * footer    u64 offset of the table, u32 entries, u32 bytes of an entry (72), u64 length of the file,
 *           32 bytes SHA-256 of header, table and the 24 bytes before it, END_MAGIC
 * ```
 *
 * The table follows the sections, so that a snapshot is written in one pass, to a pipe if need be; a file that was cut off has no footer.
 * The footer's checksum covers the table, and the table's checksums the sections: no byte of the file is outside of them.
 *
 * Later releases add sections. A reader refuses a section that it does not know if it is marked CRITICAL, and skips it if it is not.
 *
 * @module
 */

/** The version that this release writes and reads. */
export const SNAPSHOT_VERSION = 2;

/** The first bytes. The first has its highest bit set, and a line end follows the letters: what mangles text is noticed. */
export const MAGIC: Uint8Array = Uint8Array.of(0x89, 0x42, 0x4c, 0x4b, 0x53, 0x4e, 0x0d, 0x0a);

/** The last bytes. */
export const END_MAGIC: Uint8Array = Uint8Array.of(0x0a, 0x0d, 0x4e, 0x53, 0x4b, 0x4c, 0x42, 0x89);

/** Bytes of the fixed parts. */
export const BYTES = { HEADER: 16, ENTRY: 72, FOOTER: 64, NAME: 16, DIGEST: 32 } as const;

/** Offsets in the header. */
export const HEADER = { VERSION: 8, LENGTH: 12 } as const;

/** Offsets in a table entry. */
export const ENTRY = { NAME: 0, VERSION: 16, FLAGS: 20, OFFSET: 24, LENGTH: 32, DIGEST: 40 } as const;

/** Offsets in the footer. */
export const FOOTER = { TABLE: 0, COUNT: 8, ENTRY_BYTES: 12, FILE_LENGTH: 16, DIGEST: 24, MAGIC: 56 } as const;

/** The most sections that a reader takes. */
export const MOST_SECTIONS = 1024;

/** Bits of a section's flags. */
export const SECTION_FLAG = {
  /** A reader that does not know the section must refuse the snapshot. */
  CRITICAL: 1 << 0,
} as const;

/** The sections of version 2; all are critical. */
export const SECTION = {
  /** JSON: the machine definition, the guest's pieces, and the digest of both. */
  MACHINE: "machine",
  /** JSON: the processor, field by field. */
  PROCESSOR: "processor",
  /** JSON: clock, alarms, devices, lines and their places. */
  BUS: "bus",
  /** JSON: what stands between the machine and its owner: serial queues, script. */
  MONITOR: "monitor",
  /** JSON: the disks' generations and their requests in flight. Absent where a machine has no disks. */
  DISKS: "disks",
  /** The guest's ROMs, one after the other, as one Zstandard frame; no bytes where it has none. */
  FIRMWARE: "firmware",
  /** Contents of pages, one after the other, as one Zstandard frame. */
  PAGES: "pages",
  /** Where the contents of pages belong. */
  MEMORY: "memory",
} as const;

/** Version of each section's content that this release writes and reads. */
export const SECTION_VERSION = 1;
