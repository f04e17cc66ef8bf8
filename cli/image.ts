/**
 * `bulkhead image`: guests from Debian's packages.
 *
 * @module
 */
import { list, pull } from "../plugins/debian/debian.ts";
import type { Command } from "./command.ts";
import { debianHost, interruptible } from "./debian_host.ts";
import { nearestName } from "../core/machine/nearest.ts";
import { optionHelp, type OptionTable, parseArguments, usage } from "./options.ts";

const TABLE: OptionTable = { json: { doc: "Print JSON." } };

/** `bulkhead image`. */
export const command: Command = {
  usage: "pull NAME | list [options]",
  summary: "Fetch a guest from Debian's packages into the user's cache folder, or list what there is.",
  help: `${optionHelp(TABLE)}
\`image pull NAME\` prints where each file is. It uses apt-get where the host has it, and changes nothing but the cache folder
($XDG_CACHE_HOME/bulkhead, else ~/.cache/bulkhead). apt verifies what it fetches.
`,
  run: async (argv) => {
    const args = parseArguments(argv, TABLE, 2);
    const [verb, name] = args.operands;
    if (verb === "list" && name === undefined) return await listImages(args.has("json"));
    if (verb === "pull" && name !== undefined) return await pullImage(name, args.has("json"));
    if (verb === "pull") throw usage("image pull", "the name of an image", "none", "see `bulkhead image list`");
    if (verb === "list") throw usage("image list", "no operand", `"${name}"`);
    const meant = verb === undefined ? undefined : nearestName(verb, ["pull", "list"]);
    const remedy = meant === undefined ? "see `bulkhead image --help`" : `did you mean "${meant}"?`;
    throw usage("image", "pull or list", verb === undefined ? "nothing" : `"${verb}"`, remedy);
  },
};

async function pullImage(name: string, json: boolean): Promise<number> {
  const image = await interruptible((host) => pull(name, host));
  if (json) console.log(JSON.stringify({ name, ...image }, null, 2));
  else for (const [role, path] of Object.entries(image.files)) console.log(`${role}: ${path}`);
  return 0;
}

async function listImages(json: boolean): Promise<number> {
  const images = await list(debianHost());
  if (json) {
    console.log(JSON.stringify(images, null, 2));
    return 0;
  }
  const width = Math.max(...images.map(({ name }) => name.length));
  for (const { name, description, stored } of images) {
    const here = stored === undefined ? "" : ` (here: ${stored.package} ${stored.version}, ${megabytes(stored.size)})`;
    console.log(`${name.padEnd(width)}  ${description}${here}`);
  }
  return 0;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
