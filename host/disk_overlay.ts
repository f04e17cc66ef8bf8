/**
 * What can be done with an undoable disk's overlay while no machine runs: look at it, keep what is in it, or throw it away.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { FileHandle } from "../core/bus/host_rights.ts";
import {
  BLOCK,
  BLOCKS,
  checkPlaces,
  CLUSTER,
  damaged,
  decodeHeader,
  decodeTableSector,
  emptyTable,
  encodeHeader,
  type OverlayHeader,
  overlayLayout,
  type OverlayTable,
  TABLE_SECTOR,
  tableSectorOffset,
} from "../core/disk/overlay_format.ts";
import { openFile } from "../core/sandbox/host_file.ts";
import { Uses } from "../core/sandbox/host_uses.ts";

/** What an overlay file holds. */
export interface OverlayReport {
  /** Bytes of the disk. */
  readonly bytes: number;
  /** Bytes of it that the overlay replaces. */
  readonly changed: number;
  /** Bytes of the overlay file. */
  readonly file: number;
  /** How often it was changed. */
  readonly generation: number;
  /** Which contents of the disk it is for. */
  readonly base: string;
  /** It was being written into the disk when that was interrupted. */
  readonly committing: boolean;
}

/** The overlay of an image, unless another is named. */
export function overlayPath(image: string): string {
  return `${image}.overlay`;
}

/** Looks at an overlay. @throws {BulkheadError} `host-io`, `file-locked` while a machine has it, `overlay-damaged`. */
export async function overlayReport(path: string): Promise<OverlayReport> {
  const { handle, close } = await open("overlay", path, "read");
  try {
    const subject = subjectOf("overlay", path), { header, table } = readOverlay(subject, handle);
    const { bytes, generation, base, committing } = header;
    let changed = 0;
    for (const [cluster, blocks] of table.blocks.entries()) {
      for (const { at, length } of pieces(bytes, cluster, blocks)) changed += at < bytes ? length : 0;
    }
    return { bytes, changed, file: handle.size(), generation, base, committing };
  } finally {
    close();
  }
}

/**
 * Writes what is in an overlay into its image, and removes the overlay. When that is interrupted it can be done again; until it is done the
 * image is of no use, and machines refuse the overlay.
 *
 * @returns Bytes that were written.
 * @throws {BulkheadError} `overlay-mismatch`: another image; and as {@linkcode overlayReport}.
 */
export async function commitOverlay(imagePath: string, path: string): Promise<number> {
  const image = await open("image", imagePath, "read-write");
  try {
    const overlay = await open("overlay", path, "read-write");
    try {
      const subject = subjectOf("overlay", path), { header, table } = readOverlay(subject, overlay.handle);
      checkImage(subject, header, subjectOf("image", imagePath), image.handle);
      overlay.handle.write(0, encodeHeader(subject, { ...header, committing: true }));
      overlay.handle.flush();
      const written = copy(header, table, overlay.handle, image.handle);
      image.handle.flush();
      // Before the lock is given up: nobody may begin to use an overlay that is no more.
      await Deno.remove(path);
      return written;
    } finally {
      overlay.close();
    }
  } finally {
    image.close();
  }
}

/** Removes an overlay: the disk is what it was before. @throws {BulkheadError} As {@linkcode overlayReport}, and what is no overlay. */
export async function discardOverlay(path: string): Promise<void> {
  const { handle, close } = await open("overlay", path, "read-write");
  try {
    const subject = subjectOf("overlay", path), first = new Uint8Array(TABLE_SECTOR);
    // One that is damaged is thrown away, too; something else is not.
    if (handle.size() > 0) {
      if (handle.read(0, first) < first.length) throw noOverlay(subject);
      const committing = isCommitting(subject, first);
      if (committing) {
        throw new BulkheadError({
          code: "overlay-mismatch",
          subject,
          expected: "an overlay that can be thrown away",
          found: "one that is written into its image by half: without it the image is of no use",
          remedy: "finish with `bulkhead disk commit`",
        });
      }
    }
    await Deno.remove(path);
  } finally {
    close();
  }
}

function isCommitting(subject: string, first: Uint8Array): boolean {
  try {
    return decodeHeader(subject, first)?.committing ?? false;
  } catch (error) {
    if ((error as BulkheadError).where === "header") return false;
    throw error;
  }
}

/** Makes an empty overlay file, which a machine fills, where there is none. */
export async function makeOverlay(path: string): Promise<void> {
  try {
    (await Deno.open(path, { write: true, create: true })).close();
  } catch (error) {
    throw new Uses("overlay", path, () => {}, subjectOf("overlay", path)).refused("open", error);
  }
}

async function open(what: "image" | "overlay", path: string, access: "read" | "read-write") {
  const uses = new Uses(what, path, () => {}, subjectOf(what, path));
  const real = await Deno.realPath(path).catch((error) => {
    throw uses.refused("open", error);
  });
  return openFile(real, access, uses);
}

function subjectOf(what: "image" | "overlay", path: string): string {
  return `${what} "${path}"`;
}

function readOverlay(subject: string, file: FileHandle): { header: OverlayHeader; table: OverlayTable } {
  const size = file.size(), first = new Uint8Array(TABLE_SECTOR);
  if (file.read(0, first) < first.length) throw noOverlay(subject);
  const header = decodeHeader(subject, first);
  if (header === undefined) {
    throw new BulkheadError({
      code: "overlay-empty",
      subject,
      sentence: `${subject} is empty: no machine has written to its disk`,
    });
  }
  const layout = overlayLayout(subject, header.bytes), table = emptyTable(layout);
  for (let index = 0; index < layout.tableSectors; index++) {
    const sector = new Uint8Array(TABLE_SECTOR);
    if (file.read(tableSectorOffset(index), sector) < sector.length) {
      throw damaged(subject, `offset ${tableSectorOffset(index)}`, "a sector of the table", "the end of the file");
    }
    decodeTableSector(subject, header, table, index, sector);
  }
  checkPlaces(subject, table);
  for (const [cluster, place] of table.places.entries()) {
    if (place === 0) continue;
    const last = 32 - Math.clz32(table.blocks[cluster]!);
    const offset = layout.data + (place - 1) * CLUSTER + Math.min(last * BLOCK, header.bytes - cluster * CLUSTER);
    if (offset > size) throw damaged(subject, `offset ${size}`, `${offset - size} bytes more`, "the end of the file");
  }
  return { header, table };
}

/** The blocks of a cluster that are there, as stretches of the disk. */
function* pieces(bytes: number, cluster: number, blocks: number): Generator<{ at: number; length: number }> {
  for (let block = 0; block < BLOCKS; block++) {
    if ((blocks >> block & 1) === 0) continue;
    const first = block;
    while (block + 1 < BLOCKS && (blocks >> (block + 1) & 1) === 1) block++;
    const at = cluster * CLUSTER + first * BLOCK;
    yield { at, length: Math.min((block + 1 - first) * BLOCK, bytes - at) };
  }
}

function copy({ bytes }: OverlayHeader, table: OverlayTable, from: FileHandle, to: FileHandle): number {
  const { data } = overlayLayout("the overlay", bytes);
  let written = 0;
  for (const [cluster, blocks] of table.blocks.entries()) {
    if (blocks === 0) continue;
    for (const { at, length } of pieces(bytes, cluster, blocks)) {
      const buffer = new Uint8Array(length);
      from.read(data + (table.places[cluster]! - 1) * CLUSTER + at % CLUSTER, buffer);
      to.write(at, buffer);
      written += length;
    }
  }
  return written;
}

function checkImage(subject: string, header: OverlayHeader, image: string, file: FileHandle): void {
  const size = file.size(),
    refuse = (expected: string, found: string, remedy: string) => {
      throw new BulkheadError({ code: "overlay-mismatch", subject, expected, found, remedy });
    };
  if (size !== header.bytes) {
    refuse(`a disk of ${header.bytes} bytes`, `${image} of ${size}`, "name the image it was made for");
  }
  // A commit that was interrupted has changed the image itself.
  const stamp = file.stamp();
  if (header.committing || stamp === header.base) return;
  refuse(
    `${image} as it was when the overlay was made, ${header.base}`,
    stamp,
    "the image was changed since, or is another one: what is in the overlay does not belong to it",
  );
}

function noOverlay(subject: string): BulkheadError {
  return damaged(subject, "offset 0", "an overlay of Bulkhead's", "a file that is too short", "name the overlay");
}
