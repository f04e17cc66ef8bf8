/**
 * The section `firmware`: the bytes of the guest's ROMs. Of its other pieces a snapshot keeps only what they were: a machine that goes on
 * needs its ROMs, but its kernel only if it is reset.
 *
 * @module
 */
import { zstdCompressSync } from "node:zlib";
import type { LoadedPiece } from "../pieces.ts";
import { damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";
import { decompressChunk, METHOD } from "./page_chunks.ts";
import { type IdentifiedPiece, sha256 } from "./saved_machine.ts";

/** The section's bytes. */
export function encodeFirmware(pieces: readonly LoadedPiece[]): Uint8Array[] {
  const roms = pieces.filter(({ rom }) => rom);
  if (roms.length === 0) return [];
  const all = new Uint8Array(roms.reduce((sum, { size }) => sum + size, 0));
  roms.reduce((at, { bytes, size }) => (all.set(new Uint8Array(bytes), at), at + size), 0);
  return [zstdCompressSync(all)];
}

/**
 * The pieces: ROMs with their bytes, the others without.
 *
 * @param bytes The section.
 * @throws {BulkheadError} `snapshot-damaged`.
 */
export function decodeFirmware(subject: string, bytes: Uint8Array, pieces: readonly IdentifiedPiece[]): LoadedPiece[] {
  const size = pieces.reduce((sum, { rom, size }) => rom ? sum + size : sum, 0);
  const bad = (found: string) => damaged(subject, `section "${SECTION.FIRMWARE}"`, `${size} bytes of ROMs`, found);
  const method = size === 0 ? METHOD.STORED : METHOD.ZSTD;
  const all = decompressChunk(bytes, method, size);
  if (all === undefined) throw bad("something else");
  let at = 0;
  return pieces.map((piece) => {
    if (!piece.rom) return { ...piece, bytes: new SharedArrayBuffer(0) };
    const content = all.subarray(at, at += piece.size);
    if (sha256(content) !== piece.sha256) throw bad(`other content of ${piece.name}`);
    const loaded = new SharedArrayBuffer(piece.size);
    new Uint8Array(loaded).set(content);
    return { ...piece, bytes: loaded };
  });
}
