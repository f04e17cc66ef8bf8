// deno-lint-ignore-file no-explicit-any -- the reference is untyped
import { assertEquals, assertThrows } from "@std/assert";
import * as path from "@std/path";
import * as posix from "@std/path/posix";
import * as windows from "@std/path/windows";
import * as genuinePosix from "deno-std/path/posix/mod.js";
import * as genuineWindows from "deno-std/path/windows/mod.js";
import { Chance } from "../testing/chance.ts";

const PIECES = [
  ...["/", "//", "\\", "\\\\", ".", "..", "a", "b", "A", ".b", "a.b", "a.", "b.tar.gz", " ", "%", "%41", "%zz", "é"],
  ...["C:", "c:", "D:", "host", "share", "?", "#", "\n", "\t", "a b", "...", "localhost", "file:"],
] as const;

/** Where `node:path` reads a Windows path's edge cases in ways of its own (a colon in a later part, a root with `..` behind it), these stay clear. */
function ordinaryPath(chance: Chance): string {
  const names = Array.from({ length: 1 + chance.below(5) }, () => chance.pick(["a", "b.c", "d e", ".f", "g"]));
  return chance.pick(["", "\\"]) + names.join(chance.pick(["\\", "/"]));
}

function arbitraryPath(chance: Chance): string {
  return Array.from({ length: chance.below(8) }, () => chance.pick(PIECES)).join(chance.pick(["", "/", "\\", "/"]));
}

/** The result, or that it threw: which words it threw with is no part of the behaviour. */
function outcome(call: () => unknown): unknown {
  try {
    const result = call();
    return result instanceof URL ? result.href : result;
  } catch {
    return "threw";
  }
}

const CALLS: Readonly<Record<string, (of: any, chance: Chance, path: (chance: Chance) => string) => unknown>> = {
  basename: (of, chance, path) => of.basename(path(chance), chance.pick(["", ".gz", "b", ".b"])),
  dirname: (of, chance, path) => of.dirname(path(chance)),
  extname: (of, chance, path) => of.extname(path(chance)),
  isAbsolute: (of, chance, path) => of.isAbsolute(path(chance)),
  join: (of, chance, path) => of.join(path(chance), path(chance), path(chance)),
  normalize: (of, chance, path) => of.normalize(path(chance)),
  parse: (of, chance, path) => of.parse(path(chance)),
  format: (of, chance, path) => of.format(of.parse(path(chance))),
  relative: (of, chance, path) => of.relative("/" + path(chance), "/" + path(chance)),
  resolve: (of, chance, path) => of.resolve("C:/", path(chance), path(chance)),
  toNamespacedPath: (of, chance, path) => of.toNamespacedPath("C:\\" + path(chance)),
  toFileUrl: (of, chance, path) => of.toFileUrl(chance.pick(["/", "C:\\", ""]) + path(chance)),
  fromFileUrl: (of, chance, path) =>
    of.fromFileUrl(chance.pick(["file:///", "file:///C:/", "https://"]) + path(chance)),
  joinOfUrl: (of, chance, path) => of.join(new URL("file:///a%20b/c"), path(chance)),
  common: (of, chance, path) => {
    const start = path(chance);
    return of.common(Array.from({ length: 1 + chance.below(3) }, () => start + of.SEPARATOR + path(chance)));
  },
};

const PLATFORMS = [
  ["posix", posix, genuinePosix, arbitraryPath],
  ["windows", windows, genuineWindows, ordinaryPath],
] as const;

for (const [platform, own, genuine, path] of PLATFORMS) {
  for (const [name, call] of Object.entries(CALLS)) {
    Deno.test(`${platform} ${name} agrees with the genuine one on 2,000 paths`, () => {
      for (let seed = 0; seed < 2000; seed++) {
        assertEquals(
          outcome(() => call(own, new Chance(seed), path)),
          outcome(() => call(genuine, new Chance(seed), path)),
          `seed ${seed}`,
        );
      }
    });
  }
}

Deno.test("the platform's own functions are the ones that @std/path exports", () => {
  const own = Deno.build.os === "windows" ? windows : posix;
  assertEquals(path.SEPARATOR, own.SEPARATOR);
  assertEquals(path.join, own.join);
});

Deno.test("a URL of another scheme is no path", () => {
  assertThrows(() => path.fromFileUrl("https://example.org/x"), TypeError, "must be a file URL");
});

Deno.test("a relative path has no URL", () => {
  assertThrows(() => path.toFileUrl("a/b"), TypeError, "must be absolute");
});
