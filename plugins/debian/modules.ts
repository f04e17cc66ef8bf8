/**
 * An initial RAM disk of kernel modules.
 *
 * @module
 */
import { BulkheadError } from "../../core/bus/error.ts";
import { type CpioFile, writeCpio } from "../linux_boot/cpio.ts";
import type { Package } from "./private_apt.ts";

/** Where a kernel package has its modules, and where the kernel's tools look for them. */
const MODULES = "lib/modules";

/**
 * Makes an archive of a kernel package's modules, with the paths that they have there, and of the tables by which `modprobe` finds them.
 *
 * @param unpacked The folder into which the package was unpacked.
 * @param names Names of modules, which are their files' without `.ko`.
 * @throws {BulkheadError} `package-content`: one of them is not there.
 */
export async function moduleArchive(
  unpacked: string,
  names: readonly string[],
  from: Package,
  remedy: string,
): Promise<Uint8Array> {
  const entries: CpioFile[] = [];
  const missing = new Set(names);
  for await (const path of filesBelow(unpacked, MODULES)) {
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.ko$/, "");
    if (!path.endsWith(".ko") || !missing.delete(name)) continue;
    entries.push({ kind: "file", path, mode: 0o644, bytes: await Deno.readFile(`${unpacked}/${path}`) });
  }
  const [first] = missing;
  if (first === undefined) return writeCpio([...entries, ...tables(entries)]);
  throw new BulkheadError({
    code: "package-content",
    subject: `package ${JSON.stringify(from.name)} ${from.version}`,
    expected: `the module ${first} below ${MODULES}`,
    found: "no such file in it",
    remedy,
  });
}

async function* filesBelow(root: string, path: string): AsyncGenerator<string> {
  const entries = await Array.fromAsync(Deno.readDir(`${root}/${path}`)).catch(() => []);
  for (const { name, isFile, isDirectory } of entries) {
    if (isFile) yield `${path}/${name}`;
    if (isDirectory) yield* filesBelow(root, `${path}/${name}`);
  }
}

/** `modules.dep` and `modules.alias` of modprobe.d(5), which a package gets when it is installed. */
function tables(modules: readonly CpioFile[]): CpioFile[] {
  const facts = new Map(
    modules.map((module) => [nameOf(module.path), { path: module.path, ...factsOf(module.bytes) }]),
  );
  const [folder] = modules.map(({ path }) => path.split("/").slice(0, 3).join("/"));
  if (folder === undefined) return [];
  const relative = (name: string) => facts.get(name)!.path.slice(folder.length + 1);
  const dependencies = [...facts.keys()].map((name) => {
    const needed = new Set<string>([name]);
    for (const one of needed) {
      for (const other of facts.get(one)!.depends) if (facts.has(other)) needed.add(other);
    }
    const [own, ...others] = [...needed].map(relative);
    return [`${own}:`, ...others].join(" ");
  });
  const aliases = [...facts].flatMap(([name, { alias }]) => alias.map((pattern) => `alias ${pattern} ${name}`));
  const file = (name: string, lines: readonly string[]): CpioFile => ({
    kind: "file",
    path: `${folder}/${name}`,
    mode: 0o644,
    bytes: new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")),
  });
  return [file("modules.dep", dependencies), file("modules.alias", aliases)];
}

/** A module's name as the kernel has it: with underscores. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1, -".ko".length).replaceAll("-", "_");
}

/** What a module says of itself in its `.modinfo` section: words that end in a NUL. */
function factsOf(bytes: Uint8Array): { depends: string[]; alias: string[] } {
  const text = new TextDecoder("latin1").decode(bytes);
  const values = (key: string) =>
    [...text.matchAll(new RegExp(`(?<=\\0)${key}=([^\\0]*)\\0`, "g"))].map(([, value]) => value!);
  const depends = values("depends").join(",").split(",").filter((name) => name !== "");
  return { depends: depends.map((name) => name.replaceAll("-", "_")), alias: values("alias") };
}
