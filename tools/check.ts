/**
 * Everything about the tree that can be checked without running it: format, lint (with the house's rules of
 * `lint.ts`: imports run downward, devices know no host time), types, documentation. Warns of long files.
 *
 * @module
 */
import { walk } from "@std/fs";
import { fromFileUrl, relative } from "@std/path";

/** Above this a file is asked for its second reason to change. */
const LONG = 500;

const root = fromFileUrl(new URL("../", import.meta.url));

/** What strangers import: everything exported there is documented. */
const PUBLIC = ["mod.ts", "core/bus/mod.ts"];

const CHECKS: ReadonlyArray<readonly [what: string, args: readonly string[]]> = [
  ["format", ["fmt", "--check", "--quiet"]],
  ["lint", ["lint", "--quiet"]],
  ["types", ["check", "--quiet", "--doc", ".", "README.md"]],
  ["documentation", ["doc", "--lint", ...PUBLIC]],
];

/** Runs one check. Its output is shown only when it fails. */
async function passes(what: string, args: readonly string[]): Promise<boolean> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd: root }).output();
  console.log(`${success ? "ok    " : "FAILED"} ${what}`);
  if (!success) { for (const part of [stdout, stderr]) await Deno.stderr.write(part); }
  return success;
}

async function warnOfLongFiles(): Promise<void> {
  for await (
    const { path } of walk(root, { exts: ["ts"], includeDirs: false, skip: [/node_modules|[\\/]\.git[\\/]/] })
  ) {
    const lines = (await Deno.readTextFile(path)).split("\n").length - 1;
    if (lines > LONG) {
      console.warn(
        `warning: ${relative(root, path)} has ${lines} lines; what is its second reason to change?`,
      );
    }
  }
}

let failed = 0;
for (const [what, args] of CHECKS) if (!await passes(what, args)) failed++;
await warnOfLongFiles();
Deno.exit(failed === 0 ? 0 : 1);
