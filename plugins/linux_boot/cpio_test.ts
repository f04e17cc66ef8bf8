import { assert, assertEquals } from "@std/assert";
import { numbers, refusal } from "../placement_checks.ts";
import { type CpioEntry, writeCpio } from "./cpio.ts";
import { identifyInitrd } from "./initrd.ts";

interface Read {
  path: string;
  inode: number;
  mode: number;
  links: number;
  rdev: [number, number];
  text: string;
}

/** Reads an archive as the kernel does: fields at their offsets, names and bodies padded to four bytes. */
function readCpio(archive: Uint8Array): Read[] {
  const entries: Read[] = [];
  const text = (from: number, length: number) => new TextDecoder().decode(archive.subarray(from, from + length));
  for (let offset = 0;;) {
    assertEquals(text(offset, 6), "070701");
    const header = offset;
    const field = (index: number) => parseInt(text(header + 6 + index * 8, 8), 16);
    const [size, nameSize] = [field(6), field(11)];
    const path = text(offset + 110, nameSize - 1);
    assertEquals(archive[offset + 110 + nameSize - 1], 0);
    const body = Math.ceil((offset + 110 + nameSize) / 4) * 4;
    offset = Math.ceil((body + size) / 4) * 4;
    if (path === "TRAILER!!!") {
      assertEquals(offset, archive.length);
      return entries;
    }
    const rdev: [number, number] = [field(9), field(10)];
    entries.push({ path, inode: field(0), mode: field(1), links: field(4), rdev, text: text(body, size) });
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

const tree: CpioEntry[] = [
  { kind: "file", path: "bin/busybox", mode: 0o4755, bytes: bytes("program") },
  { kind: "symlink", path: "bin/sh", mode: 0o777, target: "busybox" },
  { kind: "character", path: "dev/ttyS0", mode: 0o600, major: 4, minor: 64 },
  { kind: "block", path: "dev/sda", mode: 0o660, major: 8, minor: 0 },
  { kind: "directory", path: "tmp", mode: 0o1777 },
  { kind: "fifo", path: "run/pipe", mode: 0o600 },
  { kind: "file", path: "bin-extra", mode: 0o644, bytes: bytes("") },
  { kind: "file", path: "init", mode: 0o755, bytes: bytes("#!/bin/sh\n") },
];

Deno.test("modes, types, device numbers, targets and contents arrive", () => {
  const read = readCpio(writeCpio(tree));
  const of = (path: string) => read.find((entry) => entry.path === path);
  assertEquals([of("bin/busybox")?.mode, of("bin/busybox")?.text], [0o104755, "program"]);
  assertEquals([of("bin/sh")?.mode, of("bin/sh")?.text], [0o120777, "busybox"]);
  assertEquals([of("dev/ttyS0")?.mode, of("dev/ttyS0")?.rdev], [0o020600, [4, 64]]);
  assertEquals([of("dev/sda")?.mode, of("dev/sda")?.rdev], [0o060660, [8, 0]]);
  assertEquals([of("tmp")?.mode, of("tmp")?.links], [0o041777, 2]);
  assertEquals(of("run/pipe")?.mode, 0o010600);
  assertEquals([of("bin-extra")?.links, of("bin-extra")?.text], [1, ""]);
});

Deno.test("a directory comes before what it holds, and a missing one is added", () => {
  const paths = readCpio(writeCpio(tree)).map(({ path }) => path);
  assertEquals(paths, [
    "bin",
    "bin/busybox",
    "bin/sh",
    "bin-extra",
    "dev",
    "dev/sda",
    "dev/ttyS0",
    "init",
    "run",
    "run/pipe",
    "tmp",
  ]);
});

Deno.test("the archive depends on the entries, not on their order; inode numbers are unique", () => {
  const archive = writeCpio(tree);
  assertEquals(writeCpio(tree.toReversed()), archive);
  assertEquals(readCpio(archive).map(({ inode }) => inode), Array.from({ length: 11 }, (_, index) => index + 1));
});

Deno.test("names of every length are padded right", () => {
  const entries = Array.from({ length: 60 }, (_, index): CpioEntry => ({
    kind: "file",
    path: `d/${"é".repeat(index)}${"n".repeat(index % 3 + 1)}`,
    mode: 0o644,
    bytes: bytes("x".repeat(index)),
  }));
  const read = readCpio(writeCpio(entries));
  for (const entry of entries) {
    assert(entry.kind === "file");
    assertEquals(read.find(({ path }) => path === entry.path)?.text.length, entry.bytes.length);
  }
});

Deno.test("the longest names are taken and longer ones refused", () => {
  const file = (path: string): CpioEntry => ({ kind: "file", path, mode: 0o644, bytes: bytes("x") });
  const longest = `${"d".repeat(255)}/`.repeat(15) + "f".repeat(255);
  assertEquals(readCpio(writeCpio([file(longest)])).length, 16);
  assertEquals(refusal(() => writeCpio([file(`x/${longest}`)])).code, "cpio-entry");
  assertEquals(refusal(() => writeCpio([file("n".repeat(256))])).code, "cpio-entry");
});

Deno.test("what an archive cannot hold is refused", () => {
  const file = (path: string, mode = 0o644): CpioEntry => ({ kind: "file", path, mode, bytes: bytes("x") });
  for (const path of ["", "/etc", "a//b", "a/", "./a", "a/../b", "..", "a\0b", "TRAILER!!!"]) {
    assertEquals(refusal(() => writeCpio([file(path)])).code, "cpio-entry", path);
  }
  refusal(() => writeCpio([file("a"), file("a")]));
  refusal(() => writeCpio([file("a"), file("a/b")]));
  refusal(() => writeCpio([file("a", 0o10000)]));
  refusal(() => writeCpio([file("a", -1)]));
  refusal(() => writeCpio([{ kind: "symlink", path: "a", mode: 0o777, target: "" }]));
  refusal(() => writeCpio([{ kind: "symlink", path: "a", mode: 0o777, target: "x".repeat(4096) }]));
  refusal(() => writeCpio([{ kind: "character", path: "a", mode: 0o600, major: -1, minor: 0 }]));
});

Deno.test("an archive of random trees is whole", () => {
  const next = numbers(7);
  for (let round = 0; round < 50; round++) {
    const entries = new Map<string, CpioEntry>();
    for (let count = next() % 40; count > 0; count--) {
      const path = Array.from({ length: next() % 4 + 1 }, () => `d${next() % 5}`).join("/") + `/f${next() % 50}`;
      entries.set(path, { kind: "file", path, mode: next() % 0o10000, bytes: new Uint8Array(next() % 100) });
    }
    const archive = writeCpio(entries.values());
    assertEquals(identifyInitrd({ name: "a", bytes: archive }), "cpio");
    const read = readCpio(archive);
    const seen = new Set<string>([""]);
    for (const { path } of read) {
      assert(seen.has(path.slice(0, Math.max(0, path.lastIndexOf("/")))), `${path} comes before its directory`);
      seen.add(path);
    }
    for (const path of entries.keys()) assert(seen.has(path));
  }
});
