import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../core/bus/error.ts";
import { parseAddress, parseCount, parseDuration, parseEscapes, parsePattern } from "./values.ts";

Deno.test("durations have units; seconds without one", () => {
  assertEquals(["60s", "500ms", "2m", "1.5", "1h"].map((text) => parseDuration(text, "--timeout")), [
    60_000,
    500,
    120_000,
    1500,
    3_600_000,
  ]);
  for (const text of ["", "0", "-1s", "banana", "1d", "999h9", "10000h"]) {
    assertThrows(() => parseDuration(text, "--timeout"), BulkheadError, "--timeout: expected a time");
  }
});

Deno.test("counts are whole and above zero", () => {
  assertEquals(parseCount("1_000_000", "--stop-at"), 1_000_000);
  for (const text of ["0", "-5", "1.5", "1e6", "x", "99999999999999999999"]) {
    assertThrows(() => parseCount(text, "--stop-at"), BulkheadError, "--stop-at: expected a whole number");
  }
});

Deno.test("addresses are decimal or hexadecimal", () => {
  assertEquals(["31744", "0x7c00", "7C00h", "0"].map((text) => parseAddress(text, "--base")), [31744, 31744, 31744, 0]);
  assertThrows(() => parseAddress("7c00", "--base"), BulkheadError, "--base: expected a whole number");
});

Deno.test("C escapes become bytes, other text UTF-8", () => {
  const bytes = (text: string) => [...parseEscapes(text, "--send")];
  assertEquals(bytes("a\\n"), [97, 10]);
  assertEquals(bytes('\\x03\\033\\0\\\\\\"\\xff'), [3, 27, 0, 92, 34, 255]);
  assertEquals(bytes("ü"), [0xc3, 0xbc]);
  assertEquals(bytes("\\e[A\\t\\r"), [27, 91, 65, 9, 13]);
  assertThrows(() => parseEscapes("a\\q", "--send"), BulkheadError, 'found "\\q" in "a\\q"');
  assertThrows(() => parseEscapes("a\\", "--send"), BulkheadError, "C escapes");
});

Deno.test("a broken pattern is quoted with what is wrong", () => {
  assertEquals(parsePattern("# ", "--expect").source, "# ");
  assertThrows(
    () => parsePattern("(", "--expect"),
    BulkheadError,
    '--expect: expected a regular expression, found "("',
  );
});
