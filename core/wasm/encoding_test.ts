import { assertEquals, assertThrows } from "@std/assert";
import { ByteReader } from "./decoding.ts";
import { ByteWriter } from "./encoding.ts";

Deno.test("integers are read as they were written, in the fewest bytes", () => {
  const widths = [6, 7, 8, 13, 14, 20, 21, 27, 28, 30, 31, 32, 33, 34, 35, 40, 48, 49, 55, 56, 62, 63];
  const edges = widths.flatMap((bits) => [-1n, 0n, 1n].map((delta) => (1n << BigInt(bits)) + delta));
  const values = [0n, 1n, ...edges].flatMap((value) => [value, -value, ~value]);
  for (const value of values.filter((value) => BigInt.asIntN(64, value) === value)) {
    const out = new ByteWriter(1);
    out.s64(value);
    assertEquals(new ByteReader(out.copy()).s64(), value);
    let bytes = 1;
    while (BigInt.asIntN(7 * bytes, value) !== value) bytes++;
    assertEquals(out.length, bytes, `s64 ${value}`);
  }
  for (const value of values.filter((value) => BigInt.asIntN(32, value) === value).map(Number)) {
    const out = new ByteWriter(1);
    out.s32(value);
    assertEquals(new ByteReader(out.copy()).s32(), value);
  }
  for (const value of values.filter((value) => BigInt.asUintN(32, value) === value).map(Number)) {
    const out = new ByteWriter(1);
    out.u32(value);
    assertEquals(new ByteReader(out.copy()).u32(), value);
  }
});

Deno.test("names are written as UTF-8 with their length in bytes", () => {
  const out = new ByteWriter(1);
  out.name("é$");
  assertEquals([...out.view()], [3, 0xc3, 0xa9, 0x24]);
  assertEquals(new ByteReader(out.view()).name(), "é$");
});

Deno.test("reading past the end is an error that names the place", () => {
  assertThrows(() => new ByteReader(Uint8Array.of(0x80)).u32(), RangeError, "ends at byte 1");
  assertThrows(() => new ByteReader(Uint8Array.of(5, 1)).sized(), RangeError, "5 bytes after byte 1");
});
