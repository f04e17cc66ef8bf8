import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BulkheadError } from "../core/bus/error.ts";
import { LocalStore } from "../core/disk/local_store.ts";
import { Overlay } from "../core/disk/overlay.ts";
import { decodeHeader, encodeHeader } from "../core/disk/overlay_format.ts";
import { random, randomBytes } from "../core/disk/test_store.ts";
import { carryOut } from "../core/disk/waiting.ts";
import { type HostHandles, hostHandles } from "../core/sandbox/host_handles.ts";
import overlayFile from "../plugins/overlay_file.ts";
import rawImage from "../plugins/raw_image.ts";
import { commitOverlay, discardOverlay, makeOverlay, overlayPath, overlayReport } from "./disk_overlay.ts";
import { readOnlyRights } from "../core/sandbox/bindings.ts";
import type { BlockBackend } from "../core/bus/backend_kinds.ts";

const SECTORS = 1000;

interface OpenDisk {
  readonly overlay: Overlay;
  close(): void;
}

/** An undoable disk over its files, in this thread. */
async function openDisk(image: string): Promise<OpenDisk> {
  const path = overlayPath(image);
  await makeOverlay(path);
  const opened: HostHandles[] = [];
  const store = (subject: string, plugin: typeof rawImage | typeof overlayFile, bindings: Record<string, string>) => {
    const narrow = plugin === rawImage ? readOnlyRights(plugin.host!) : plugin.host;
    const handles = hostHandles(narrow, bindings, () => {});
    opened.push(handles);
    const nothing = () => {};
    const context = {
      config: { readOnly: true, sectorBytes: 512 },
      port: {},
      ...handles,
      log: nothing,
      count: nothing,
    };
    return new LocalStore(subject, plugin.open(context as never) as BlockBackend);
  };
  const close = () => opened.forEach((handles) => handles.close());
  try {
    const base = store('disk "a"', rawImage, { image });
    const overlay = Overlay.open(base, { store: store('overlay "a"', overlayFile, { overlay: path }), lasting: true });
    return { overlay, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function image(): Promise<{ path: string; contents: Uint8Array<ArrayBuffer> } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const contents = Uint8Array.from(randomBytes(random(1), SECTORS * 512)),
    path = `${await Deno.realPath(folder)}/disk.img`;
  await Deno.writeFile(path, contents);
  return { path, contents, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** Writes to a disk until it is closed; returns what it is to hold. */
async function changed(path: string, contents: Uint8Array): Promise<Uint8Array> {
  const { overlay, close } = await openDisk(path), next = random(8), model = contents.slice();
  for (let i = 0; i < 100; i++) {
    const at = next(SECTORS), data = randomBytes(next, 512 * (1 + next(Math.min(30, SECTORS - at))));
    carryOut(overlay, "write", at * 512, data.length, data);
    model.set(data, at * 512);
  }
  carryOut(overlay, "flush");
  close();
  return model;
}

Deno.test("what was written to an undoable disk can be looked at, and kept", async () => {
  await using disk = await image();
  const model = await changed(disk.path, disk.contents);
  assertEquals(await Deno.readFile(disk.path), disk.contents);
  const report = await overlayReport(overlayPath(disk.path));
  assertEquals([report.bytes, report.committing], [SECTORS * 512, false]);
  assert(report.changed > 0 && report.changed <= SECTORS * 512);
  assertEquals(await commitOverlay(disk.path, overlayPath(disk.path)), report.changed);
  assertEquals(await Deno.readFile(disk.path), Uint8Array.from(model));
  await assertRejects(() => Deno.stat(overlayPath(disk.path)), Deno.errors.NotFound);
});

Deno.test("what was written to an undoable disk can be thrown away", async () => {
  await using disk = await image();
  await changed(disk.path, disk.contents);
  await discardOverlay(overlayPath(disk.path));
  const { overlay, close } = await openDisk(disk.path);
  assertEquals(carryOut(overlay, "read", 0, 512).data, disk.contents.slice(0, 512));
  close();
  assertEquals(await Deno.readFile(disk.path), disk.contents);
});

Deno.test("a commit that was interrupted is gone on with, and nothing else may use or remove the overlay", async () => {
  await using disk = await image();
  const model = await changed(disk.path, disk.contents), path = overlayPath(disk.path);
  const file = await Deno.readFile(path), header = decodeHeader("", file.subarray(0, 512))!;
  file.set(encodeHeader("", { ...header, committing: true }));
  await Deno.writeFile(path, file);
  // As far as it came, it changed the image.
  const half = disk.contents.slice();
  half.set(model.subarray(0, 200 * 512));
  await Deno.writeFile(disk.path, half);
  const used = await assertRejects(() => openDisk(disk.path), BulkheadError);
  assertMatch(used.message, /one that was being written into the disk .* finish it with `bulkhead disk commit`/);
  const removed = await assertRejects(() => discardOverlay(path), BulkheadError);
  assertMatch(removed.message, /written into its image by half/);
  assert((await overlayReport(path)).committing);
  await commitOverlay(disk.path, path);
  assertEquals(await Deno.readFile(disk.path), Uint8Array.from(model));
});

Deno.test("an overlay is not written into another image, nor while a machine has either", async () => {
  await using disk = await image();
  await changed(disk.path, disk.contents);
  const path = overlayPath(disk.path);
  const { close } = await openDisk(disk.path);
  const locked = await assertRejects(() => commitOverlay(disk.path, path), BulkheadError);
  assertEquals(locked.code, "file-locked");
  assertMatch(locked.message, /image ".*disk.img": expected a file that nobody else uses/);
  assertEquals((await assertRejects(() => discardOverlay(path), BulkheadError)).code, "file-locked");
  close();
  await Deno.utime(disk.path, new Date(0), new Date(0));
  const other = await assertRejects(() => commitOverlay(disk.path, path), BulkheadError);
  assertMatch(other.message, /as it was when the overlay was made, .* the image was changed since/);
  assertEquals(await Deno.readFile(disk.path), disk.contents);
});

Deno.test("what is no overlay is refused with a sentence and left alone", async () => {
  await using disk = await image();
  for (const bytes of [new Uint8Array(100), disk.contents, new TextEncoder().encode("x".repeat(2000))]) {
    const path = overlayPath(disk.path);
    await Deno.writeFile(path, bytes);
    for (const act of [() => overlayReport(path), () => discardOverlay(path), () => commitOverlay(disk.path, path)]) {
      assertMatch(
        (await assertRejects(act, BulkheadError)).message,
        /overlay ".*": expected|overlay ".*", offset 0: expected/,
      );
    }
    assertEquals(await Deno.readFile(path), Uint8Array.from(bytes));
  }
  const missing = await assertRejects(() => overlayReport("/nonexistent/overlay"), BulkheadError);
  assertMatch(missing.message, /overlay "\/nonexistent\/overlay" cannot be used \(open\): No such file/);
});
