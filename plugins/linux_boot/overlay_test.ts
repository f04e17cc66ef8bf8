import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../../core/bus/error.ts";
import { writeCpio } from "./cpio.ts";
import { type FolderEntry, type FolderReader, overlayArchive } from "./overlay.ts";

type Tree = Readonly<Record<string, FolderEntry & { readonly content?: string }>>;

/** A directory in memory: paths to entries. */
function readerOf(tree: Tree): FolderReader {
  const contentOf = (path: string) => {
    const content = tree[path]?.content;
    return content === undefined ? Promise.reject(new Error("Permission denied")) : Promise.resolve(content);
  };
  return {
    list: (folder) =>
      Promise.resolve(
        Object.entries(tree)
          .filter(([path]) => path.slice(0, Math.max(0, path.lastIndexOf("/"))) === folder)
          .map(([, entry]) => entry),
      ),
    read: async (path) => new TextEncoder().encode(await contentOf(path)),
    readLink: contentOf,
  };
}

Deno.test("a directory becomes an archive with its modes, links and devices", async () => {
  const { bytes, name } = await overlayArchive(
    readerOf({
      "init": { name: "init", kind: "file", mode: 0o100755, content: "#!/bin/sh" },
      "bin": { name: "bin", kind: "directory", mode: 0o40700 },
      "bin/sh": { name: "sh", kind: "symlink", mode: 0o777, content: "busybox" },
      "null": { name: "null", kind: "character", mode: 0o666, device: { major: 1, minor: 3 } },
      "windows": { name: "windows", kind: "file", mode: null, content: "" },
    }),
    "root",
  );
  assertEquals(name, "root");
  assertEquals(
    bytes,
    writeCpio([
      { kind: "file", path: "init", mode: 0o755, bytes: new TextEncoder().encode("#!/bin/sh") },
      { kind: "directory", path: "bin", mode: 0o700 },
      { kind: "symlink", path: "bin/sh", mode: 0o777, target: "busybox" },
      { kind: "character", path: "null", mode: 0o666, major: 1, minor: 3 },
      { kind: "file", path: "windows", mode: 0o755, bytes: new Uint8Array(0) },
    ]),
  );
});

Deno.test("an empty directory becomes an empty archive", async () => {
  assertEquals((await overlayArchive(readerOf({}), "root")).bytes, writeCpio([]));
});

Deno.test("an entry that cannot be read is named", async () => {
  const reader = readerOf({ "secret": { name: "secret", kind: "file", mode: 0o600 } });
  const error = await assertRejects(() => overlayArchive(reader, "root"), BulkheadError);
  assertEquals(error.code, "overlay-read");
  assertStringIncludes(error.message, 'overlay "root", "secret": expected a readable entry, found Permission denied');
});

Deno.test("an entry that an archive cannot hold is named", async () => {
  const reader = readerOf({ "odd": { name: "odd", kind: "other", mode: 0o600 } });
  assertEquals((await assertRejects(() => overlayArchive(reader, "root"), BulkheadError)).code, "overlay-entry");
});

Deno.test("endless nesting is refused", async () => {
  const reader: FolderReader = {
    list: () => Promise.resolve([{ name: "d", kind: "directory", mode: 0o755 }]),
    read: () => Promise.reject(new Error("no file")),
    readLink: () => Promise.reject(new Error("no link")),
  };
  assertEquals((await assertRejects(() => overlayArchive(reader, "root"), BulkheadError)).code, "overlay-entry");
});
