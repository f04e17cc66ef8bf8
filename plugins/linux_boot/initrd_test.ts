import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { BulkheadError } from "../../core/bus/error.ts";
import { numbers, refusal, refusalIfAny } from "../placement_checks.ts";
import { writeCpio } from "./cpio.ts";
import { identifyInitrd, joinInitrds, verifyInitrd } from "./initrd.ts";

const archive = writeCpio([
  { kind: "file", path: "init", mode: 0o755, bytes: Uint8Array.from({ length: 10_001 }, numbers(3)) },
  { kind: "symlink", path: "bin/sh", mode: 0o777, target: "busybox" },
]);
const file = (bytes: Uint8Array) => ({ name: "initrd", bytes });

Deno.test("formats are named by their magic numbers, after padding", () => {
  assertEquals(identifyInitrd(file(archive)), "cpio");
  const padded = new Uint8Array(archive.length + 512);
  padded.set(archive, 512);
  assertEquals(identifyInitrd(file(padded)), "cpio");
  assertEquals(identifyInitrd(file(new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 1]))), "zstd");
  const ext2 = new Uint8Array(4096);
  ext2.set([0x53, 0xef], 0x438);
  assertEquals(identifyInitrd(file(ext2)), "ext2");
});

Deno.test("a plain archive cut off before its trailer is refused", () => {
  for (let length = 0; length < archive.length; length += length < 9900 ? 7 : 1) {
    refusal(() => identifyInitrd(file(archive.slice(0, length))));
  }
});

Deno.test("gzip is read to its end", async () => {
  const compressed = new Uint8Array(gzipSync(archive));
  await verifyInitrd(file(compressed));
  await verifyInitrd(file(joinInitrds([file(compressed), file(compressed)])));
  await verifyInitrd(file(new Uint8Array([...compressed, 0, 0, 0, 0])));
  for (const length of [12, 100, compressed.length >> 1, compressed.length - 9, compressed.length - 1]) {
    const error = await assertRejects(() => verifyInitrd(file(compressed.slice(0, length))), BulkheadError);
    assertStringIncludes(error.message, "cut off");
  }
});

Deno.test("a cut off xz file is refused", () => {
  const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
  assertEquals(identifyInitrd(file(new Uint8Array([...magic, 1, 2, 0x59, 0x5a, 0, 0, 0, 0]))), "xz");
  assertEquals(refusal(() => identifyInitrd(file(new Uint8Array([...magic, 1, 2, 3])))).code, "truncated-initrd");
});

Deno.test("one initrd is passed on as it is", () => {
  assertEquals(joinInitrds([file(archive)]), archive);
  assertEquals(joinInitrds([]).length, 0);
});

Deno.test("damaged archives never crash the walk", () => {
  const next = numbers(4);
  for (let round = 0; round < 2000; round++) {
    const bytes = archive.slice(0, next() % 4 === 0 ? next() % archive.length : undefined);
    for (let changes = next() % 4; changes > 0; changes--) bytes[next() % 300] = next();
    refusalIfAny(() => identifyInitrd(file(bytes)));
  }
});
