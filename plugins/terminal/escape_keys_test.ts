import { assertEquals } from "@std/assert";
import { EscapeKeys } from "./escape_keys.ts";

/** What becomes of typed text, in pieces, with commands in angle brackets. */
function typed(...pieces: string[]): string {
  const keys = new EscapeKeys();
  const decoder = new TextDecoder();
  return pieces.flatMap((piece) => keys.take(new TextEncoder().encode(piece)))
    .map((part) => typeof part === "string" ? `<${part}>` : decoder.decode(part)).join("");
}

Deno.test("text and control characters go to the guest", () => {
  assertEquals(typed("uname -m\r", "\x03\x04\x1a\x1b[A"), "uname -m\r\x03\x04\x1a\x1b[A");
});

Deno.test("Ctrl-A and a letter is a command, in either case, and in between what is typed", () => {
  assertEquals(typed("a\x01xb"), "a<exit>b");
  assertEquals(typed("\x01X\x01h\x01?\x01p\x01R\x01s"), "<exit><help><help><pause><reset><state>");
});

Deno.test("a command may come in two pieces", () => {
  assertEquals(typed("a\x01", "xb"), "a<exit>b");
});

Deno.test("Ctrl-A twice types it once", () => {
  assertEquals(typed("a\x01\x01b"), "a\x01b");
  assertEquals(typed("\x01", "\x01", "x"), "\x01x");
  assertEquals(typed("\x01\x01\x01x"), "\x01<exit>");
});

Deno.test("a key that is no command is swallowed", () => {
  assertEquals(typed("a\x01zb"), "ab");
});
