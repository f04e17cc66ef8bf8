/**
 * The form of an overlay file: what was written to a disk, apart from the disk.
 *
 * ```
 * sector 0          header: which disk, which overlay, how often it was changed
 * sector 1 ...      table: an entry of 8 bytes for each cluster of the disk, 62 to a sector
 * page-aligned ...  clusters of 64 KB, in the order in which they were first written
 * ```
 *
 * Each sector of header and table carries its own checksum, its place and the overlay's id, and is changed as a whole. Data is on stable
 * storage before the table says that it is there; the header counts up before the first change that follows an opening or a snapshot. So the
 * file is whole at every instant, whenever its writer or its host dies.
 *
 * An entry has the cluster's place in the file (its number from 1, or 0) and a bit for each of its 16 blocks of 4 KB that is there; the
 * others are the disk's own.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { crc32 } from "./crc32.ts";

/** Bytes of a sector of header and table. */
export const TABLE_SECTOR = 512;

/** Bytes of a cluster, of a block in it, and blocks in a cluster. */
export const CLUSTER = 65536, BLOCK = 4096, BLOCKS = CLUSTER / BLOCK;

/** The largest disk, in bytes: 2 TB. Its table is 256 MB. */
export const LARGEST_DISK = 2 ** 41;

/** Entries of one sector of the table. */
const ENTRIES = 62;

const MAGIC = new TextEncoder().encode("BulkOvl\n");
const VERSION = 1;

/** Offsets in the header. */
const HEADER = {
  MAGIC: 0,
  VERSION: 8,
  COMMITTING: 12,
  BYTES: 16,
  SECTOR: 24,
  CLUSTER: 28,
  ID: 32,
  GENERATION: 48,
  BASE_LENGTH: 56,
  BASE: 60,
  CHECKSUM: 508,
} as const;

/** Offsets in a sector of the table, behind its entries: the sector's number, the overlay's id (its first half), the checksum. */
const TABLE = { INDEX: 496, ID: 500, CHECKSUM: 508 } as const;

/** Bytes of the text that names the disk's contents at most. */
const LONGEST_BASE = HEADER.CHECKSUM - HEADER.BASE;

/** What a header says. */
export interface OverlayHeader {
  /** Bytes of the disk. */
  readonly bytes: number;
  /** Its unit of addressing. */
  readonly sectorBytes: number;
  /** 16 random bytes: which overlay it is. */
  readonly id: Uint8Array;
  /** How often it was changed, counted by openings and snapshots with a change after them. */
  readonly generation: number;
  /** Which contents the disk had when the overlay was made: on any others it is worth nothing. */
  readonly base: string;
  /** Being written into the disk: only that may be gone on with. */
  readonly committing: boolean;
}

/** Where things are in an overlay of a disk. */
export interface OverlayLayout {
  /** Clusters of the disk. */
  readonly clusters: number;
  /** Sectors of the table. */
  readonly tableSectors: number;
  /** Offset of the first cluster. */
  readonly data: number;
  /** Bytes of the file at most. */
  readonly capacity: number;
}

/** The table in memory. */
export interface OverlayTable {
  /** By cluster: its place from 1, or 0. */
  readonly places: Uint32Array;
  /** By cluster: which blocks are there. */
  readonly blocks: Uint16Array;
}

/** The layout for a disk of so many bytes. @throws {BulkheadError} `overlay-size`. */
export function overlayLayout(subject: string, bytes: number): OverlayLayout {
  if (bytes > LARGEST_DISK) {
    throw new BulkheadError({
      code: "overlay-size",
      subject,
      expected: `a disk of at most ${LARGEST_DISK} bytes, as an overlay can have`,
      found: `${bytes}`,
    });
  }
  const clusters = Math.ceil(bytes / CLUSTER), tableSectors = Math.ceil(clusters / ENTRIES);
  const data = Math.ceil((1 + tableSectors) * TABLE_SECTOR / BLOCK) * BLOCK;
  return { clusters, tableSectors, data, capacity: data + clusters * CLUSTER };
}

/** The sector of the table that has a cluster's entry. */
export function tableSectorOf(cluster: number): number {
  return Math.floor(cluster / ENTRIES);
}

/** The offset of a sector of the table in the file. */
export function tableSectorOffset(index: number): number {
  return (1 + index) * TABLE_SECTOR;
}

/** An empty table. */
export function emptyTable({ clusters }: OverlayLayout): OverlayTable {
  return { places: new Uint32Array(clusters), blocks: new Uint16Array(clusters) };
}

/** The header as it is in the file. @throws {BulkheadError} `overlay-base`: a disk whose contents have too long a name. */
export function encodeHeader(subject: string, header: OverlayHeader): Uint8Array {
  const bytes = new Uint8Array(TABLE_SECTOR), view = new DataView(bytes.buffer);
  const base = new TextEncoder().encode(header.base);
  if (base.length > LONGEST_BASE) {
    throw new BulkheadError({
      code: "overlay-base",
      subject,
      expected: `a name of the disk's generation of at most ${LONGEST_BASE} bytes`,
      found: `${base.length}`,
    });
  }
  bytes.set(MAGIC, HEADER.MAGIC);
  view.setUint32(HEADER.VERSION, VERSION, true);
  view.setUint32(HEADER.COMMITTING, header.committing ? 1 : 0, true);
  view.setBigUint64(HEADER.BYTES, BigInt(header.bytes), true);
  view.setUint32(HEADER.SECTOR, header.sectorBytes, true);
  view.setUint32(HEADER.CLUSTER, CLUSTER, true);
  bytes.set(header.id, HEADER.ID);
  view.setBigUint64(HEADER.GENERATION, BigInt(header.generation), true);
  view.setUint32(HEADER.BASE_LENGTH, base.length, true);
  bytes.set(base, HEADER.BASE);
  view.setUint32(HEADER.CHECKSUM, crc32(bytes.subarray(0, HEADER.CHECKSUM)), true);
  return bytes;
}

/** The header again; undefined where a file begins with zeros: it is new. @throws {BulkheadError} `overlay-damaged`, `overlay-version`. */
export function decodeHeader(subject: string, bytes: Uint8Array): OverlayHeader | undefined {
  if (bytes.length !== TABLE_SECTOR) throw damaged(subject, "header", `${TABLE_SECTOR} bytes`, `${bytes.length}`);
  if (bytes.every((byte) => byte === 0)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!MAGIC.every((byte, index) => bytes[HEADER.MAGIC + index] === byte)) {
    throw damaged(
      subject,
      "offset 0",
      "an overlay of Bulkhead's",
      "something else",
      "name the overlay, not another file",
    );
  }
  const version = view.getUint32(HEADER.VERSION, true);
  if (version !== VERSION) {
    const expected = `version ${VERSION}, which this release reads`;
    throw new BulkheadError({ code: "overlay-version", subject, expected, found: `version ${version}` });
  }
  const checksum = view.getUint32(HEADER.CHECKSUM, true), found = crc32(bytes.subarray(0, HEADER.CHECKSUM));
  if (checksum !== found) {
    throw damaged(subject, "header", `the checksum ${hex(checksum)}`, `one of ${hex(found)}`);
  }
  const length = view.getUint32(HEADER.BASE_LENGTH, true);
  const size = Number(view.getBigUint64(HEADER.BYTES, true)), sectorBytes = view.getUint32(HEADER.SECTOR, true);
  const committing = view.getUint32(HEADER.COMMITTING, true),
    generation = Number(view.getBigUint64(HEADER.GENERATION, true));
  const right = length <= LONGEST_BASE && (sectorBytes === 512 || sectorBytes === 4096) && size > 0 &&
    size <= LARGEST_DISK && size % sectorBytes === 0 && committing <= 1 && Number.isSafeInteger(generation) &&
    view.getUint32(HEADER.CLUSTER, true) === CLUSTER;
  if (!right) throw damaged(subject, "header", "a size and a generation", "none that can be");
  return {
    bytes: size,
    sectorBytes,
    id: bytes.slice(HEADER.ID, HEADER.ID + 16),
    generation,
    base: new TextDecoder().decode(bytes.subarray(HEADER.BASE, HEADER.BASE + length)),
    committing: committing === 1,
  };
}

/** A sector of the table as it is in the file. */
export function encodeTableSector({ id }: OverlayHeader, table: OverlayTable, index: number): Uint8Array {
  const bytes = new Uint8Array(TABLE_SECTOR), view = new DataView(bytes.buffer);
  for (let entry = 0; entry < ENTRIES; entry++) {
    const cluster = index * ENTRIES + entry;
    // A cluster whose first write failed has a place and no blocks.
    if (!table.blocks[cluster]) continue;
    view.setUint32(entry * 8, table.places[cluster]!, true);
    view.setUint16(entry * 8 + 4, table.blocks[cluster]!, true);
  }
  view.setUint32(TABLE.INDEX, index, true);
  bytes.set(id.subarray(0, 8), TABLE.ID);
  view.setUint32(TABLE.CHECKSUM, crc32(bytes.subarray(0, TABLE.CHECKSUM)), true);
  return bytes;
}

/** Reads a sector of the table. @throws {BulkheadError} `overlay-damaged`. */
export function decodeTableSector(
  subject: string,
  { id, bytes: size }: OverlayHeader,
  table: OverlayTable,
  index: number,
  bytes: Uint8Array,
): void {
  const where = `offset ${tableSectorOffset(index)}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const checksum = view.getUint32(TABLE.CHECKSUM, true), found = crc32(bytes.subarray(0, TABLE.CHECKSUM));
  if (checksum !== found) {
    throw damaged(subject, where, `the checksum ${hex(checksum)} of a sector of the table`, `one of ${hex(found)}`);
  }
  if (
    view.getUint32(TABLE.INDEX, true) !== index || id.subarray(0, 8).some((byte, i) => bytes[TABLE.ID + i] !== byte)
  ) {
    throw damaged(subject, where, `sector ${index} of this overlay's table`, "another sector");
  }
  for (let entry = 0; entry < ENTRIES; entry++) {
    const cluster = index * ENTRIES + entry;
    const place = view.getUint32(entry * 8, true), blocks = view.getUint16(entry * 8 + 4, true);
    const there = Math.max(0, Math.min(BLOCKS, Math.ceil((size - cluster * CLUSTER) / BLOCK)));
    const wrong = (place === 0) !== (blocks === 0) || place > table.places.length || blocks >= 2 ** there ||
      view.getUint16(entry * 8 + 6, true) !== 0;
    if (wrong) throw damaged(subject, `${where}, entry ${entry}`, "a cluster of the disk", "none that can be");
    if (cluster >= table.places.length) continue;
    table.places[cluster] = place;
    table.blocks[cluster] = blocks;
  }
}

/** Checks that no two clusters share a place; returns how many places there are up to the last that is taken. */
export function checkPlaces(subject: string, { places }: OverlayTable): number {
  const taken = new Uint8Array(places.length + 1);
  let last = 0;
  for (const [cluster, place] of places.entries()) {
    if (place === 0) continue;
    if (taken[place]) {
      throw damaged(
        subject,
        `the entry of cluster ${cluster}`,
        "a place of its own",
        `place ${place}, which another has`,
      );
    }
    taken[place] = 1;
    if (place > last) last = place;
  }
  return last;
}

/** An overlay's generation and its disk's, in one text. */
export function overlayGeneration({ id, generation, base }: OverlayHeader): string {
  return `overlay ${id.toHex()}, change ${generation}, over ${base}`;
}

/** An overlay that cannot be used. */
export function damaged(
  subject: string,
  where: string,
  expected: string,
  found: string,
  remedy?: string,
): BulkheadError {
  return new BulkheadError({ code: "overlay-damaged", subject, where, expected, found, remedy });
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
