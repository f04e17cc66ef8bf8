import { assertEquals, assertRejects } from "@std/assert";
import { BulkheadError } from "../../bus/error.ts";
import type { LoadedPiece } from "../pieces.ts";
import { decodeFirmware, encodeFirmware } from "./firmware.ts";
import type { IdentifiedPiece } from "./saved_machine.ts";
import { sha256Hex } from "./sha256.ts";

async function piece(name: string, rom: boolean, fill: number, size: number) {
  const bytes = new SharedArrayBuffer(size);
  new Uint8Array(bytes).fill(fill);
  return { address: 0x10_0000, size, rom, name, bytes, sha256: await sha256Hex(new Uint8Array(bytes)) };
}

const PIECES: readonly LoadedPiece[] = await Promise.all([
  piece("kernel", false, 1, 5000),
  piece("BIOS", true, 2, 8192),
  piece("option ROM", true, 3, 4096),
]);

function identified(pieces: readonly LoadedPiece[]): IdentifiedPiece[] {
  return pieces.map(({ sha256, ...piece }) => ({ ...piece, sha256: sha256! }));
}

function section(pieces: readonly LoadedPiece[]): Uint8Array {
  return encodeFirmware(pieces)[0] ?? new Uint8Array(0);
}

Deno.test("ROMs come back with their bytes, other pieces without", async () => {
  const back = await decodeFirmware("x", section(PIECES), identified(PIECES));
  assertEquals(back.map(({ bytes }) => bytes.byteLength), [0, 8192, 4096]);
  assertEquals(new Uint8Array(back[1]!.bytes), new Uint8Array(PIECES[1]!.bytes));
  assertEquals(new Uint8Array(back[2]!.bytes), new Uint8Array(PIECES[2]!.bytes));
  assertEquals(section([PIECES[0]!]).length, 0);
  assertEquals((await decodeFirmware("x", new Uint8Array(0), identified([PIECES[0]!])))[0]!.bytes.byteLength, 0);
});

Deno.test("ROMs of another size or content are refused", async () => {
  const refused = (bytes: Uint8Array, pieces = PIECES) =>
    assertRejects(() => decodeFirmware("x", bytes, identified(pieces)), BulkheadError, 'section "firmware"');
  await refused(new Uint8Array(0));
  await refused(new Uint8Array(100));
  await refused(section(PIECES.slice(0, 2)));
  await refused(section([...PIECES, PIECES[2]!]));
  await refused(section([PIECES[0]!, await piece("BIOS", true, 9, 8192), PIECES[2]!]));
  await refused(Uint8Array.of(1), [PIECES[0]!]);
});
