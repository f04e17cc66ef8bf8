/** What else must hold of the path for `exists` to be true. */
export interface ExistsOptions {
  /** The process may read it. */
  isReadable?: boolean;
  /** It is a directory. Not together with `isFile`. */
  isDirectory?: boolean;
  /** It is a file. Not together with `isDirectory`. */
  isFile?: boolean;
}

const READ_BITS = { owner: 0o400, group: 0o040, others: 0o004 } as const;

function matches(info: Deno.FileInfo, options: ExistsOptions | undefined): boolean {
  if (options === undefined) return true;
  if (options.isDirectory && options.isFile) {
    throw new TypeError("ExistsOptions.options.isDirectory and ExistsOptions.options.isFile must not be true together");
  }
  if (options.isDirectory && !info.isDirectory) return false;
  if (options.isFile && !info.isFile) return false;
  if (!options.isReadable || info.mode === null || Deno.uid() === 0) return true;
  if (Deno.uid() === info.uid) return (info.mode & READ_BITS.owner) !== 0;
  if (Deno.gid() === info.gid) return (info.mode & READ_BITS.group) !== 0;
  return (info.mode & READ_BITS.others) !== 0;
}

/** Whether the path exists, follows links, and is what `options` asks for. */
export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  try {
    return matches(await Deno.stat(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return !options?.isReadable;
    throw error;
  }
}

/** Synchronous {@linkcode exists}. */
export function existsSync(path: string | URL, options?: ExistsOptions): boolean {
  try {
    return matches(Deno.statSync(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return !options?.isReadable;
    throw error;
  }
}
