/**
 * `bulkhead plugin`: what authors of devices and back ends need.
 *
 * @module
 */
import { nearestName } from "../core/machine/nearest.ts";
import type { Command } from "./command.ts";
import { type Arguments, choice, optionHelp, type OptionTable, parseArguments, usage } from "./options.ts";
import { PLUGIN_OPTIONS } from "./plugin_options.ts";
import { checkPlugin } from "./plugin/check.ts";
import { printDocs } from "./plugin/docs.ts";
import { BACKEND_KINDS, writeNewPlugin } from "./plugin/new.ts";
import { runPlugin } from "./plugin/run.ts";

interface Verb {
  readonly operand: string;
  readonly summary: string;
  readonly options: OptionTable;
  run(operand: string, args: Arguments): Promise<number>;
}

const JSON_OPTION = { json: { doc: "Print JSON." } } as const satisfies OptionTable;

const VERBS: Readonly<Record<string, Verb>> = {
  new: {
    operand: "NAME",
    summary: "Write a folder with a working device, or back end, its test and its tasks. Nothing is overwritten.",
    options: {
      backend: { value: "KIND", doc: `A back end instead of a device: ${BACKEND_KINDS.join(", ")}.` },
      author: { value: "AUTHOR", doc: "The first part of its id, AUTHOR/NAME. Default acme." },
    },
    run: async (path, args) => {
      const kind = args.get("backend");
      const chosen = kind === undefined ? undefined : choice(kind, "--backend", BACKEND_KINDS);
      await print(await writeNewPlugin(path, chosen, args.get("author") ?? "acme"));
      return 0;
    },
  },
  check: {
    operand: "FILE",
    summary: "See what holds of a plugin: types, rules, conformance in every placement, abuse; and its score.",
    options: {
      ...JSON_OPTION,
      seed: {
        value: "NUMBER",
        doc: "Where random sequences start. Default 1, so that equal plugins have equal results.",
      },
    },
    run: (file, args) => checkPlugin(file, args),
  },
  run: {
    operand: "FILE",
    summary: "Run a small Linux machine with the plugin in it: its answers, then a shell where there is a terminal.",
    options: {
      bind: PLUGIN_OPTIONS.bind,
      agree: PLUGIN_OPTIONS.agree,
      "agree-content": PLUGIN_OPTIONS["agree-content"],
      lock: PLUGIN_OPTIONS.lock,
      audit: PLUGIN_OPTIONS.audit,
      config: { value: "KEY=VALUE", repeat: true, doc: "A value for the plugin's configuration." },
      placement: { value: "PLACE", doc: "inline, confined, worker or process, instead of the default." },
      timeout: { value: "TIME", doc: "End the run after this time of the host. Default without a terminal: 120s." },
    },
    run: (file, args) => runPlugin(file, args),
  },
  docs: {
    operand: "FILE",
    summary: "Print its registers, configuration, claims and rights as Markdown.",
    options: JSON_OPTION,
    run: (file, args) => printDocs(file, args),
  },
};

const ALL: OptionTable = Object.assign({}, ...Object.values(VERBS).map(({ options }) => options));

/** `bulkhead plugin`. */
export const command: Command = {
  usage: `${Object.entries(VERBS).map(([name, { operand }]) => `${name} ${operand}`).join(" | ")} [options]`,
  summary: "Write a plugin, check it, run it in Linux, print its documentation.",
  help: `${
    Object.entries(VERBS).map(([name, { operand, summary, options }]) =>
      `plugin ${name} ${operand}\n  ${summary}\n${indented(optionHelp(options))}`
    ).join("\n")
  }
docs/plugins.md is the guide for authors.
`,
  run: async (argv) => {
    const args = parseArguments(argv, ALL, 2);
    const [name, operand] = args.operands;
    const verb = name !== undefined && Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (verb === undefined) {
      const meant = name === undefined ? undefined : nearestName(name, Object.keys(VERBS));
      const remedy = meant === undefined ? "see `bulkhead plugin --help`" : `did you mean "${meant}"?`;
      throw usage("plugin", Object.keys(VERBS).join(", "), name === undefined ? "nothing" : `"${name}"`, remedy);
    }
    if (operand === undefined) {
      throw usage(`plugin ${name}`, verb.operand, "nothing", "see `bulkhead plugin --help`");
    }
    // What belongs to another verb is as unknown as what belongs to none.
    parseArguments(argv, verb.options, 2);
    return await verb.run(operand, args);
  },
};

function indented(text: string): string {
  return text.replace(/^Options:\n/, "").replace(/^.*--(help|debug) .*\n/gm, "").replace(/^(?=.)/gm, "  ");
}

async function print(text: string): Promise<void> {
  await new Blob([text]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
}
