import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../../bus/error.ts";
import type { LoadedPiece } from "../pieces.ts";
import { decodeFirmware, encodeFirmware } from "./firmware.ts";
import { sha256 } from "./saved_machine.ts";

function piece(name: string, rom: boolean, fill: number, size: number): LoadedPiece & { sha256: string } {
  const bytes = new SharedArrayBuffer(size);
  new Uint8Array(bytes).fill(fill);
  return { address: 0x10_0000, size, rom, name, bytes, sha256: sha256(new Uint8Array(bytes).slice()) };
}

const PIECES = [piece("kernel", false, 1, 5000), piece("BIOS", true, 2, 8192), piece("option ROM", true, 3, 4096)];

function section(pieces: readonly LoadedPiece[]): Uint8Array {
  return encodeFirmware(pieces)[0] ?? new Uint8Array(0);
}

Deno.test("ROMs come back with their bytes, other pieces without", () => {
  const back = decodeFirmware("x", section(PIECES), PIECES);
  assertEquals(back.map(({ bytes }) => bytes.byteLength), [0, 8192, 4096]);
  assertEquals(new Uint8Array(back[1]!.bytes), new Uint8Array(PIECES[1]!.bytes));
  assertEquals(new Uint8Array(back[2]!.bytes), new Uint8Array(PIECES[2]!.bytes));
  assertEquals(section([PIECES[0]!]).length, 0);
  assertEquals(decodeFirmware("x", new Uint8Array(0), [PIECES[0]!])[0]!.bytes.byteLength, 0);
});

Deno.test("ROMs of another size or content are refused", () => {
  const refused = (bytes: Uint8Array, pieces = PIECES) =>
    assertThrows(() => decodeFirmware("x", bytes, pieces), BulkheadError, 'section "firmware"');
  refused(new Uint8Array(0));
  refused(new Uint8Array(100));
  refused(section(PIECES.slice(0, 2)));
  refused(section([...PIECES, PIECES[2]!]));
  refused(section([PIECES[0]!, piece("BIOS", true, 9, 8192), PIECES[2]!]));
  refused(Uint8Array.of(1), [PIECES[0]!]);
});
