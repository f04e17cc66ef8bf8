/**
 * `bulkhead plugin docs`: a plugin's registers, configuration, claims and rights.
 *
 * @module
 */
import { BulkheadError } from "../../core/bus/error.ts";
import { readManifest } from "../../core/sandbox/manifest.ts";
import { leadingComment } from "../../core/sandbox/trial/criteria.ts";
import type { TrialAnswer } from "../../core/sandbox/trial/questions.ts";
import { tryPlugin } from "../../core/sandbox/trial/trial.ts";
import type { Arguments } from "../options.ts";
import { markdown } from "./markdown.ts";
import { bundleFile } from "./plugin_file.ts";

/** Prints a plugin's documentation. @returns The exit code. */
export async function printDocs(file: string, args: Arguments): Promise<number> {
  const { source, bundle } = await bundleFile(file);
  const manifest = readManifest(`plugin "${file}"`, bundle.manifest);
  let wired: TrialAnswer | undefined;
  if (manifest.kind === "device") {
    wired = await tryPlugin(bundle, { kind: "wiring", placement: "confined", seed: 1 });
    if (wired.wiring === undefined) {
      throw new BulkheadError({ code: "bad-plugin", subject: manifest.id, sentence: wired.failures.join("; ") });
    }
  }
  const comment = leadingComment(source.text);
  const told = {
    manifest,
    content: bundle.hash,
    ...(comment === undefined ? {} : { comment }),
    ...(wired === undefined ? {} : { wired: { wiring: wired.wiring!, initial: wired.initial ?? {} } }),
  };
  console.log(args.has("json") ? JSON.stringify(told, null, 2) : markdown(told).trimEnd());
  return 0;
}
