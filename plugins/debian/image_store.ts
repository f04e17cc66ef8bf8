/**
 * Where pulled images are kept: a folder for each, complete or absent.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import { type DebianImage, type ImageRole, rolesOf } from "./images.ts";

/** An image that is there. */
export interface StoredImage {
  /** The package that it is from. */
  readonly package: string;
  /** That package's version. */
  readonly version: string;
  /** Bytes of its files. */
  readonly size: number;
  /** Absolute paths, by what the files are for. */
  readonly files: Readonly<Record<string, string>>;
}

/** The file that makes a folder an image. */
const MANIFEST = "image.json";

const FORMAT = 1;

interface Manifest {
  readonly format: number;
  readonly package: string;
  readonly version: string;
  readonly files: Readonly<Record<string, { readonly file: string; readonly size: number }>>;
}

/** Work folders are hidden and older ones are removed: a pull that was killed cannot do so itself. */
const WORK_PREFIX = ".pull-";

const STALE_MILLISECONDS = 24 * 3600 * 1000;

/** The images in one cache folder. */
export class ImageStore {
  readonly #cache: string;

  /**
   * Names the folder; nothing is read or made yet.
   *
   * @param cache Absolute path of the cache folder.
   */
  constructor(cache: string) {
    this.#cache = cache;
  }

  /** The image, if it is there with every file at its full size. */
  async find(image: DebianImage): Promise<StoredImage | undefined> {
    const folder = this.#folderOf(image);
    try {
      const manifest = JSON.parse(await Deno.readTextFile(`${folder}/${MANIFEST}`)) as Manifest;
      if (manifest.format !== FORMAT) return undefined;
      const files: Record<string, string> = {};
      let total = 0;
      for (const role of rolesOf(image)) {
        const { file, size } = manifest.files[role] ?? {};
        if (file === undefined || size === undefined || file.includes("/")) return undefined;
        const status = await Deno.stat(`${folder}/${file}`);
        if (!status.isFile || status.size !== size) return undefined;
        files[role] = `${folder}/${file}`;
        total += size;
      }
      return { package: manifest.package, version: manifest.version, size: total, files };
    } catch {
      // Absent, unreadable or damaged: in each case the way on is to pull it again.
      return undefined;
    }
  }

  /**
   * Makes an empty work folder on the file system of the cache, so that its content can be renamed into place.
   *
   * @throws {BulkheadError} `cache-folder`.
   */
  async makeWorkFolder(): Promise<string> {
    if (/["\n]/.test(this.#cache)) throw this.#failed(new Error("the path holds a quotation mark or a line end"));
    try {
      await Deno.mkdir(`${this.#cache}/images`, { recursive: true });
      await this.#removeStale();
      return await Deno.makeTempDir({ dir: this.#cache, prefix: WORK_PREFIX });
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  /**
   * Takes unpacked files in: they are moved, and the image appears as a whole or not at all.
   *
   * @param image What it is.
   * @param origin The package and version that the files are from.
   * @param work The work folder.
   * @param found Paths of the files in the work folder.
   * @throws {BulkheadError} `cache-folder`.
   */
  async add(
    image: DebianImage,
    origin: { readonly package: string; readonly version: string },
    work: string,
    found: Readonly<Partial<Record<ImageRole, string>>>,
  ): Promise<void> {
    try {
      const ready = `${work}/ready`;
      await Deno.mkdir(ready);
      const files: Record<string, { file: string; size: number }> = {};
      for (const [role, path] of Object.entries(found)) {
        const file = path.slice(path.lastIndexOf("/") + 1);
        await Deno.rename(path, `${ready}/${file}`);
        files[role] = { file, size: (await Deno.stat(`${ready}/${file}`)).size };
      }
      const manifest: Manifest = { format: FORMAT, package: origin.package, version: origin.version, files };
      await Deno.writeTextFile(`${ready}/${MANIFEST}`, `${JSON.stringify(manifest, null, 2)}\n`);
      await this.#replace(image, ready, `${work}/replaced`);
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  async #replace(image: DebianImage, ready: string, aside: string): Promise<void> {
    const folder = this.#folderOf(image);
    if (await placed(ready, folder)) return;
    // Another pull of the same image may have come first: its result is as good, and may be in use.
    if (await this.find(image) !== undefined) return;
    // A damaged image: rename(2) does not replace a folder that holds anything.
    await Deno.rename(folder, aside).catch(unlessAbsent);
    if (!await placed(ready, folder) && await this.find(image) === undefined) await Deno.rename(ready, folder);
  }

  async #removeStale(): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(this.#cache)) {
      if (!isDirectory || !name.startsWith(WORK_PREFIX)) continue;
      const path = `${this.#cache}/${name}`;
      // Whose it is may be removing it, too.
      const mtime = (await Deno.stat(path).catch(unlessAbsent))?.mtime;
      if (mtime && Date.now() - mtime.getTime() > STALE_MILLISECONDS) {
        await Deno.remove(path, { recursive: true }).catch(unlessAbsent);
      }
    }
  }

  #folderOf(image: DebianImage): string {
    return `${this.#cache}/images/${image.name}`;
  }

  #failed(thrown: unknown): BulkheadError {
    return new BulkheadError({
      code: "cache-folder",
      subject: `cache folder ${JSON.stringify(this.#cache)}`,
      expected: "a folder that can be written to",
      found: thrown instanceof Error ? thrown.message : String(thrown),
      remedy: "make room there, or set XDG_CACHE_HOME to another folder",
    }, { cause: thrown });
  }
}

/** Moves a folder to a place; false if there is something. */
async function placed(folder: string, place: string): Promise<boolean> {
  try {
    await Deno.rename(folder, place);
    return true;
  } catch (thrown) {
    const { code } = thrown as { code?: string };
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw thrown;
  }
}

function unlessAbsent(thrown: unknown): undefined {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
