/**
 * `bulkhead plugin new`: a folder with a working plugin, its test and its tasks.
 *
 * @module
 */
import { resolve, toFileUrl } from "@std/path";
import { BulkheadError } from "../../core/bus/error.ts";
import type { BackendKind } from "../../core/bus/backend_kinds.ts";
import { usage } from "../options.ts";
import { type AuthorSetup, configurationFile, setup } from "./author_setup.ts";

/** What can be begun: the template's name by kind. A template is a plugin like any other, `templates/KIND.ts`, with its test. */
export const BACKEND_KINDS: readonly BackendKind[] = [
  "block",
  "character",
  "network",
  "display",
  "input",
  "audio",
  "fileShare",
];

/** A file that is to be written. */
export interface NewFile {
  /** Its name in the folder. */
  readonly name: string;
  /** Its content. */
  readonly text: string;
}

/** Letters, digits and hyphens: part of an id, of file names and of a device's name in its machine. */
const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * The files of a new plugin.
 *
 * @param name Its name, as in `acme/NAME`.
 * @param kind The kind of a back end; a device if absent.
 */
export async function newPlugin(
  name: string,
  kind: BackendKind | undefined,
  author: string,
  set: AuthorSetup,
): Promise<NewFile[]> {
  const template = kind ?? "device";
  const rename = (text: string) =>
    text
      .replace(/^(\s*id: ")[^"]*(",)$/m, `$1${author}/${name}$2`)
      .replaceAll(`"./${template}.ts"`, `"./${name}.ts"`);
  return [
    { name: `${name}.ts`, text: rename(await templateText(`${template}.ts`)) },
    { name: `${name}_test.ts`, text: rename(await templateText(`${template}_test.ts`)) },
    { name: "deno.json", text: configurationFile(`${name}.ts`, set) },
  ];
}

/**
 * Writes a new plugin.
 *
 * @param path The folder; its last part is the plugin's name.
 * @returns What to do next, as text.
 * @throws {BulkheadError} `usage` for a name that is none; `not-empty`: something is there.
 */
export async function writeNewPlugin(path: string, kind: BackendKind | undefined, author: string): Promise<string> {
  const folder = resolve(path), name = folder.replace(/^.*[/\\]/, "");
  if (!NAME.test(name)) {
    throw usage("plugin new", "a name of lower-case letters, digits and hyphens, such as stopwatch", `"${name}"`);
  }
  if (!/^[a-z0-9][a-z0-9_.-]*$/.test(author)) {
    throw usage("--author", "a name of lower-case letters and digits, such as acme", `"${author}"`);
  }
  const files = await newPlugin(name, kind, author, setup());
  await makeEmptyFolder(path);
  for (const file of files) {
    // A file that came to be in the meantime is not overwritten either.
    await Deno.writeTextFile(new URL(file.name, `${toFileUrl(folder).href}/`), file.text, { createNew: true });
  }
  const width = Math.max(...files.map(({ name }) => name.length));
  const what = kind === undefined ? "the device" : `the back end (${kind})`;
  const does = [what, "its test", "what Deno needs to know, and the tasks below"];
  return `${files.map(({ name }, index) => `  ${path}/${name.padEnd(width)}  ${does[index]}`).join("\n")}

Next:
  cd ${path}
  deno task test     run its test
  deno task check    see what holds of it in every placement, and its score
  deno task run      see it answer in a small Linux machine
  deno task docs     print its register map and rights as Markdown
`;
}

async function makeEmptyFolder(path: string): Promise<void> {
  const refuse = (found: string): never => {
    throw new BulkheadError({
      code: "not-empty",
      subject: `folder "${path}"`,
      expected: "nothing of that name, or an empty folder",
      found,
      remedy: "choose another name: nothing is overwritten",
    });
  };
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    refuse(error instanceof Deno.errors.AlreadyExists ? "a file" : (error as Error).message);
  }
  for await (const { name } of Deno.readDir(path)) refuse(`"${name}" in it`);
}

async function templateText(name: string): Promise<string> {
  const url = new URL(`./templates/${name}`, import.meta.url);
  const { default: text } = await import(url.href, { with: { type: "text" } }) as { default: string };
  return text;
}
