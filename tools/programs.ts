/**
 * The programs that the command line may start: Deno itself, for machines, and Debian's package tools, for guests, where
 * the host has them. Run as a program, prints them as a value of `--allow-run`, with those that its
 * arguments name: by path, so that nothing else of these names can be meant later.
 *
 * @module
 */
import { DELIMITER, join } from "@std/path";
import { existsSync } from "@std/fs";

/** Debian's tools that find, fetch and unpack a package. */
const PACKAGE_TOOLS = ["apt-get", "apt-cache", "dpkg-deb"];

/** Where the named program is found, or undefined where the host has none. */
function find(name: string): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(DELIMITER).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path, { isFile: true }));
}

/** Paths of the programs, and of others by name. */
export function programs(others: readonly string[] = []): string[] {
  return [Deno.execPath(), ...[...PACKAGE_TOOLS, ...others].map(find).filter((path) => path !== undefined)];
}

/** Paths as one value of a permission flag, in which a doubled comma is a comma. */
export function flagValue(paths: readonly string[]): string {
  return paths.map((path) => path.replaceAll(",", ",,")).join(",");
}

if (import.meta.main) console.log(flagValue(programs(Deno.args)));
