/**
 * The section `firmware`: the bytes of the guest's ROMs. Of its other pieces a snapshot keeps only what they were: a machine that goes on
 * needs its ROMs, but its kernel only if it is reset.
 *
 * @module
 */
import { builtin } from "../../bus/builtin.ts";
import type { LoadedPiece } from "../pieces.ts";
import { damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";
import type { IdentifiedPiece } from "./saved_machine.ts";
import { sha256Hex } from "./sha256.ts";

/** The section's bytes. */
export function encodeFirmware(pieces: readonly LoadedPiece[]): Uint8Array[] {
  const roms = pieces.filter(({ rom }) => rom);
  if (roms.length === 0) return [];
  const all = new Uint8Array(roms.reduce((sum, { size }) => sum + size, 0));
  roms.reduce((at, { bytes, size }) => (all.set(new Uint8Array(bytes), at), at + size), 0);
  return [builtin("node:zlib").zstdCompressSync(all)];
}

/**
 * The pieces: ROMs with their bytes, the others without.
 *
 * @param bytes The section.
 * @throws {BulkheadError} `snapshot-damaged`.
 */
export async function decodeFirmware(
  subject: string,
  bytes: Uint8Array,
  pieces: readonly IdentifiedPiece[],
): Promise<LoadedPiece[]> {
  const size = pieces.reduce((sum, { rom, size }) => rom ? sum + size : sum, 0);
  const bad = (found: string) => damaged(subject, `section "${SECTION.FIRMWARE}"`, `${size} bytes of ROMs`, found);
  const all = size === 0 ? bytes : decompress(bytes, size);
  if (all?.length !== size) throw bad("something else");
  let at = 0;
  const loaded: LoadedPiece[] = [];
  for (const piece of pieces) {
    const bytes = new SharedArrayBuffer(piece.rom ? piece.size : 0);
    loaded.push({ ...piece, bytes });
    if (!piece.rom) continue;
    const content = all.subarray(at, at += piece.size);
    if (await sha256Hex(content) !== piece.sha256) throw bad(`other content of ${piece.name}`);
    new Uint8Array(bytes).set(content);
  }
  return loaded;
}

function decompress(bytes: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return builtin("node:zlib").zstdDecompressSync(bytes, { maxOutputLength: size });
  } catch {
    return undefined;
  }
}
