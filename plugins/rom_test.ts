import { assertEquals } from "@std/assert";
import { refusal } from "./placement_checks.ts";
import { romStart } from "./rom.ts";

/** A ROM whose bytes tell their offset, with a jump at the reset vector. */
function romOf(size: number): { name: string; bytes: Uint8Array } {
  const bytes = Uint8Array.from({ length: size }, (_, index) => index >> 12);
  if (size >= 16) bytes.set([0xea, 0x00, 0x00, 0x00, 0xf0], size - 16);
  return { name: "bios.bin", bytes };
}

Deno.test("a 64 KB ROM appears at F0000h and FFFF0000h, and the CPU starts at its reset vector", () => {
  const rom = romOf(0x1_0000);
  const { roms, pieces, cpu } = romStart(rom);
  assertEquals(roms.map(({ address }) => address), [0xffff_0000, 0xf_0000]);
  for (const { bytes } of roms) assertEquals(bytes, rom.bytes);
  assertEquals(pieces, []);
  assertEquals(cpu, { kind: "reset" });
});

Deno.test("of a large ROM the last 128 KB appear below 1 MB", () => {
  const rom = romOf(0x4_0000);
  const [top, window] = romStart(rom).roms;
  assertEquals([top?.address, top?.bytes.length], [0xfffc_0000, 0x4_0000]);
  assertEquals([window?.address, window?.bytes], [0xe_0000, rom.bytes.subarray(0x2_0000)]);
});

Deno.test("sizes from 4 KB to 16 MB are taken in steps of 4 KB", () => {
  assertEquals(romStart(romOf(0x1000)).roms.map(({ address }) => address), [0xffff_f000, 0xf_f000]);
  assertEquals(romStart(romOf(0x100_0000)).roms[0]?.address, 0xff00_0000);
  for (const size of [0, 1, 0xfff, 0x1001, 0x100_1000]) {
    assertEquals(refusal(() => romStart(romOf(size))).code, "rom-size");
  }
});

Deno.test("a ROM without code at its reset vector is refused", () => {
  for (const fill of [0, 0xff]) {
    const error = refusal(() => romStart({ name: "blank", bytes: new Uint8Array(0x1_0000).fill(fill) }));
    assertEquals(error.code, "rom-empty-vector");
  }
});
