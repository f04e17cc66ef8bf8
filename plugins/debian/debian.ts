/**
 * Debian's packages as a source of guests.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import type { DebianHost } from "./host.ts";
import { ImageStore, type StoredImage } from "./image_store.ts";
import { type DebianImage, type ImageRole, IMAGES, rolesOf } from "./images.ts";
import { moduleArchive } from "./modules.ts";
import { checkInterrupted, errorsOf, type Package, PrivateApt, runProgram } from "./private_apt.ts";

/** A known image, and whether it is there. */
export interface ImageStatus {
  /** What users call it. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly description: string;
  /** The Debian package that it is from. */
  readonly package: string;
  /** The image in the cache; absent if it is not there. */
  readonly stored?: StoredImage;
}

/**
 * Makes an image available: from the cache if it is there, else from Debian's packages.
 *
 * Nothing of the host is changed but the cache folder, and nothing is left there when the pull fails or is interrupted.
 *
 * @param name One of the names that {@linkcode list} gives.
 * @param host Runs programs and names the cache folder.
 * @returns Paths of the image's files, by what they are for: `kernel`, `initrd`, `multiboot` or `program`.
 * @throws {BulkheadError} `unknown-image`, `no-apt`, `package-lists`, `package-not-found`, `package-download`, `package-content`,
 * `cache-folder`, `interrupted`.
 */
export async function pull(name: string, host: DebianHost): Promise<StoredImage> {
  const image = IMAGES.find((image) => image.name === name);
  if (image === undefined) {
    throw new BulkheadError({
      code: "unknown-image",
      subject: `image ${JSON.stringify(name)}`,
      expected: `one of ${IMAGES.map((image) => image.name).join(", ")}`,
      found: "another name",
      remedy: "see `bulkhead image list`",
    });
  }
  const store = new ImageStore(host.cache);
  const stored = await store.find(image);
  if (stored !== undefined) return stored;

  checkInterrupted(host);
  const work = await store.makeWorkFolder();
  try {
    await fetchImage(image, host, store, work);
  } finally {
    await removeFolder(work);
  }
  const pulled = await store.find(image);
  if (pulled !== undefined) return pulled;
  throw new BulkheadError({
    code: "cache-folder",
    subject: `cache folder ${JSON.stringify(host.cache)}`,
    expected: `image ${JSON.stringify(name)}, which was just put there`,
    found: "that it has vanished or changed",
    remedy: "try again",
  });
}

/**
 * Tells which images are known, and which are in the cache.
 *
 * @param host Names the cache folder; no program is run.
 */
export function list(host: Pick<DebianHost, "cache">): Promise<ImageStatus[]> {
  const store = new ImageStore(host.cache);
  return Promise.all(IMAGES.map(async (image) => {
    const stored = await store.find(image);
    const { name, description, package: origin } = image;
    return { name, description, package: origin, ...(stored && { stored }) };
  }));
}

async function fetchImage(image: DebianImage, host: DebianHost, store: ImageStore, work: string): Promise<void> {
  const remedy = remedyFor(image);
  await Deno.mkdir(`${work}/apt`);
  const apt = new PrivateApt(host, `${work}/apt`, remedy);
  await apt.update();
  const wanted = await resolve(image, apt);
  const archive = await apt.download(wanted);

  host.progress?.(`unpacking ${wanted.name}`);
  const unpacked = `${work}/unpacked`;
  const result = await runProgram(host, "dpkg-deb", ["-x", archive, unpacked], work, remedy);
  if (result.code !== 0) {
    throw new BulkheadError({
      code: "package-content",
      subject: `package ${JSON.stringify(wanted.name)} ${wanted.version}`,
      expected: "dpkg-deb to unpack it",
      found: errorsOf(result)[0] ?? `exit code ${result.code}`,
      remedy: `make room in the cache folder and try again, or ${remedy}`,
    });
  }
  const found: Partial<Record<ImageRole, string>> = {};
  for (const [role, path] of Object.entries(image.files) as [ImageRole, string][]) {
    found[role] = await locate(`${unpacked}/${path}`, wanted, path, remedy);
  }
  if (image.modules !== undefined) {
    found.initrd = `${work}/modules.cpio`;
    await Deno.writeFile(found.initrd, await moduleArchive(unpacked, image.modules, wanted, remedy));
  }
  checkInterrupted(host);
  await store.add(image, { package: wanted.name, version: wanted.version }, work, found);
}

async function resolve(image: DebianImage, apt: PrivateApt): Promise<Package> {
  const named = await apt.find(image.package);
  if (image.dependency === undefined) return named;
  const prefix = image.dependency;
  const dependency = named.depends.find((name) => name.startsWith(prefix));
  return dependency === undefined ? named : await apt.find(dependency);
}

/** The regular file at a path whose last part may hold a `*`. */
async function locate(path: string, from: Package, shown: string, remedy: string): Promise<string> {
  const slash = path.lastIndexOf("/");
  const [folder, pattern] = [path.slice(0, slash), path.slice(slash + 1)];
  const [before = "", after] = pattern.split("*");
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const fits = after === undefined ? name === pattern : name.startsWith(before) && name.endsWith(after);
      if (isFile && fits) return `${folder}/${name}`;
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw BulkheadError.from(thrown, shown);
  }
  throw new BulkheadError({
    code: "package-content",
    subject: `package ${JSON.stringify(from.name)} ${from.version}`,
    expected: `the file ${shown}`,
    found: "no such file in it",
    remedy,
  });
}

/** Removes a folder into which the last processes of an interrupted program may still be writing. */
async function removeFolder(path: string): Promise<void> {
  for (let attempts = 20; attempts > 0; attempts--) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  // A later pull removes it; what this one has to say matters more.
}

/** What a user can give instead of an image. */
function remedyFor(image: DebianImage): string {
  const options = rolesOf(image).map((role) =>
    role === "program" ? "a static i386 BusyBox of your own with --overlay" : `--${role} FILE`
  );
  return `give ${options.join(" and ")} instead`;
}
