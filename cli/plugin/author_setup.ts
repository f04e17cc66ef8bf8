/**
 * What an author's folder has to know of this installation: where the contract is imported from, and how the command line is started.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import configuration from "../../deno.json" with { type: "json" };

/** An installation of Bulkhead, as an author's `deno.json` names it. */
export interface AuthorSetup {
  /** What `@bulkhead/bulkhead` stands for. */
  readonly contract: string;
  /** The command that starts the command line, for the shell of `deno task`. */
  readonly command: string;
}

/** The rights that the command line is started with, as this repository's own task has them. */
const RIGHTS = "--no-prompt --allow-read --allow-write --allow-env=HOME,XDG_CACHE_HOME,LOCALAPPDATA,NO_COLOR,TERM";

/** This installation: a checkout, or the published package. */
export function setup(): AuthorSetup {
  const main = new URL("../main.ts", import.meta.url);
  if (main.protocol !== "file:") {
    const contract = `jsr:${configuration.name}@^${configuration.version}`;
    return { contract, command: `deno run ${RIGHTS} --allow-run ${main.href}` };
  }
  const own = quoted(fromFileUrl(new URL("../../deno.json", import.meta.url)));
  const programs = quoted(fromFileUrl(new URL("../../tools/programs.ts", import.meta.url)));
  return {
    contract: new URL("../../mod.ts", import.meta.url).href,
    command:
      `deno run --config ${own} ${RIGHTS} --allow-run="$(deno run --no-prompt --allow-read --allow-env=PATH ${programs})" ${
        quoted(fromFileUrl(main))
      }`,
  };
}

/** The `deno.json` of a plugin's folder. */
export function configurationFile(file: string, { contract, command }: AuthorSetup): string {
  const task = (description: string, text: string) => ({ description, command: text });
  const content = {
    imports: { [configuration.name]: contract },
    tasks: {
      test: task("Run the plugin's tests, without any right", "deno test --quiet --no-prompt"),
      check: task("What holds of the plugin in every placement, and its score", `${command} plugin check ${file}`),
      run: task("See the plugin answer in a small Linux machine", `${command} plugin run ${file}`),
      docs: task("Print its register map and rights as Markdown", `${command} plugin docs ${file}`),
    },
    compilerOptions: configuration.compilerOptions,
    fmt: configuration.fmt,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** A path as one word of the shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
