import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { encodeFrame, FRAME_LIMIT, FrameReader } from "./frame.ts";

Deno.test("frames survive being cut anywhere", () => {
  const stream = new Uint8Array([
    ...encodeFrame({ type: "a", text: "ü" }, Uint8Array.of(1, 2, 3)),
    ...encodeFrame({ type: "b" }),
    ...encodeFrame({}, Uint8Array.of(9)),
  ]);
  for (let size = 1; size <= stream.length; size++) {
    const reader = new FrameReader("a test");
    const frames = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const { header, payload } of reader.push(stream.slice(at, at + size))) {
        frames.push({ header, payload: payload.slice() });
      }
    }
    assertEquals(frames, [
      { header: { type: "a", text: "ü" }, payload: Uint8Array.of(1, 2, 3) },
      { header: { type: "b" }, payload: Uint8Array.of() },
      { header: {}, payload: Uint8Array.of(9) },
    ]);
    assertEquals(reader.unfinished, 0);
  }
});

Deno.test("a cut-off frame is noticed", () => {
  const reader = new FrameReader("a test");
  assertEquals(reader.push(encodeFrame({ type: "a" }).slice(0, -1)), []);
  assertEquals(reader.unfinished > 0, true);
});

Deno.test("bytes that are no frame end in a sentence that names the sender", () => {
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), "at most"],
    [Uint8Array.of(8, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4), "a header within its message"],
    [Uint8Array.of(6, 0, 0, 0, 2, 0, 0, 0, 0x7b, 0x7b), "a header in JSON"],
    [Uint8Array.of(6, 0, 0, 0, 2, 0, 0, 0, 0x5b, 0x5d), "a header that is an object"],
    [new TextEncoder().encode("error: Uncaught (in promise)"), "a message of at most"],
  ];
  for (const [bytes, expected] of cases) {
    assertThrows(
      () => new FrameReader("the machine process").push(bytes),
      BulkheadError,
      "the machine process, its messages",
    );
    assertThrows(() => new FrameReader("the machine process").push(bytes), BulkheadError, expected);
  }
});

Deno.test("a frame beyond the limit is not sent", () => {
  assertThrows(() => encodeFrame({}, new Uint8Array(FRAME_LIMIT)), BulkheadError, "a message between compartments");
});
