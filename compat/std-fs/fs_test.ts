import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as fs from "@std/fs";
import { join, toFileUrl } from "@std/path";

/** Runs a test in a folder of its own: `a/b/deep.txt`, `a/note.md`, `top.txt`, and `link`, which points to `a`. */
function inFolder(name: string, run: (folder: string) => Promise<void> | void): void {
  Deno.test(name, async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    try {
      await Deno.mkdir(join(folder, "a/b"), { recursive: true });
      await Deno.writeTextFile(join(folder, "a/b/deep.txt"), "deep");
      await Deno.writeTextFile(join(folder, "a/note.md"), "note");
      await Deno.writeTextFile(join(folder, "top.txt"), "top");
      await Deno.symlink("a", join(folder, "link"));
      await run(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

inFolder("exists tells files from folders, follows links, and takes URLs", async (folder) => {
  for (const ask of [fs.exists, (...a: Parameters<typeof fs.existsSync>) => Promise.resolve(fs.existsSync(...a))]) {
    assertEquals(await ask(join(folder, "top.txt")), true);
    assertEquals(await ask(toFileUrl(join(folder, "top.txt")), { isFile: true }), true);
    assertEquals(await ask(join(folder, "top.txt"), { isDirectory: true }), false);
    assertEquals(await ask(join(folder, "link"), { isDirectory: true }), true);
    assertEquals(await ask(join(folder, "top.txt"), { isReadable: true }), true);
    assertEquals(await ask(join(folder, "nothing")), false);
  }
  await assertRejects(() => fs.exists(folder, { isFile: true, isDirectory: true }), TypeError);
});

inFolder("ensureDir makes folders, leaves what is there, and refuses a file's place", async (folder) => {
  await fs.ensureDir(join(folder, "x/y"));
  await fs.ensureDir(join(folder, "a"));
  fs.ensureDirSync(join(folder, "x/z"));
  fs.ensureDirSync(join(folder, "a"));
  assert(fs.existsSync(join(folder, "x/y"), { isDirectory: true }));
  assert(fs.existsSync(join(folder, "x/z"), { isDirectory: true }));
  assertEquals(await Deno.readTextFile(join(folder, "a/note.md")), "note");
  await assertRejects(() => fs.ensureDir(join(folder, "top.txt")), Error, "expected 'dir', got 'file'");
  assertThrows(() => fs.ensureDirSync(join(folder, "top.txt")), Error, "expected 'dir', got 'file'");
});

inFolder("ensureFile makes an empty file and its folders, and leaves contents alone", async (folder) => {
  await fs.ensureFile(join(folder, "x/new.txt"));
  fs.ensureFileSync(join(folder, "z/new.txt"));
  await fs.ensureFile(join(folder, "top.txt"));
  assertEquals(await Deno.readTextFile(join(folder, "x/new.txt")), "");
  assertEquals(await Deno.readTextFile(join(folder, "z/new.txt")), "");
  assertEquals(await Deno.readTextFile(join(folder, "top.txt")), "top");
  await assertRejects(() => fs.ensureFile(join(folder, "a")), Error, "expected 'file', got 'dir'");
});

inFolder("emptyDir removes what is in a folder and makes one that is missing", async (folder) => {
  await fs.emptyDir(join(folder, "a"));
  fs.emptyDirSync(join(folder, "new"));
  assertEquals([...Deno.readDirSync(join(folder, "a"))], []);
  assertEquals([...Deno.readDirSync(join(folder, "new"))], []);
});

inFolder("copy takes a tree with its links, and overwrites only when told", async (folder) => {
  await fs.copy(folder + "/a", folder + "/c");
  fs.copySync(folder + "/a", folder + "/d");
  for (const copy of ["c", "d"]) {
    assertEquals(await Deno.readTextFile(join(folder, copy, "b/deep.txt")), "deep");
  }
  await fs.copy(folder + "/link", folder + "/link2");
  assertEquals(await Deno.readLink(folder + "/link2"), "a");

  await Deno.writeTextFile(folder + "/c/note.md", "changed");
  await assertRejects(() => fs.copy(folder + "/a", folder + "/c"), Deno.errors.AlreadyExists);
  await fs.copy(folder + "/a", folder + "/c", { overwrite: true });
  assertEquals(await Deno.readTextFile(folder + "/c/note.md"), "note");
  await assertRejects(() => fs.copy(folder + "/a", folder + "/a/b/inner"), Error, "to a subdirectory of itself");
  assertThrows(() => fs.copySync(folder + "/a", folder + "/a"), Error, "cannot be the same");
});

inFolder("copy keeps times when told", async (folder) => {
  await Deno.utime(folder + "/top.txt", 1000, 2000);
  await fs.copy(folder + "/top.txt", folder + "/kept.txt", { preserveTimestamps: true });
  assertEquals((await Deno.stat(folder + "/kept.txt")).mtime, new Date(2_000_000));
});

inFolder("move renames, refuses what exists unless told, and refuses a folder inside itself", async (folder) => {
  await fs.move(folder + "/top.txt", folder + "/moved.txt");
  assertEquals(fs.existsSync(folder + "/top.txt"), false);
  await assertRejects(() => fs.move(folder + "/moved.txt", folder + "/a/note.md"), Deno.errors.AlreadyExists);
  fs.moveSync(folder + "/moved.txt", folder + "/a/note.md", { overwrite: true });
  assertEquals(await Deno.readTextFile(folder + "/a/note.md"), "top");
  await assertRejects(() => fs.move(folder + "/a", folder + "/a/b/a"), Deno.errors.NotSupported);
});

inFolder("walk yields what the options ask for, from both forms alike", async (folder) => {
  const cases: ReadonlyArray<readonly [fs.WalkOptions, readonly string[]]> = [
    [{}, ["", "a", "a/b", "a/b/deep.txt", "a/note.md", "link", "top.txt"]],
    [{ maxDepth: 0 }, [""]],
    [{ maxDepth: 1 }, ["", "a", "link", "top.txt"]],
    [{ includeFiles: false }, ["", "a", "a/b", "link"]],
    [{ includeDirs: false, includeSymlinks: false }, ["a/b/deep.txt", "a/note.md", "top.txt"]],
    [{ exts: [".txt"] }, ["a/b/deep.txt", "top.txt"]],
    [{ exts: ["md"] }, ["a/note.md"]],
    [{ match: [/note/] }, ["a/note.md"]],
    [{ skip: [/\/b$/] }, ["", "a", "a/note.md", "link", "top.txt"]],
    [{ followSymlinks: true, canonicalize: false, exts: ["md"] }, ["a/note.md", "link/note.md"]],
    [{ followSymlinks: true, exts: ["md"] }, ["a/note.md", "a/note.md"]],
  ];
  for (const [options, expected] of cases) {
    const paths = (entries: fs.WalkEntry[]) => entries.map(({ path }) => path.slice(folder.length + 1)).sort();
    assertEquals(paths(await Array.fromAsync(fs.walk(folder, options))), [...expected]);
    assertEquals(paths([...fs.walkSync(toFileUrl(folder), options)]), [...expected]);
  }
});
