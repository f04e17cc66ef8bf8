/**
 * `bulkhead plugin check`: what holds of a plugin, and its score.
 *
 * @module
 */
import { BulkheadError } from "../../core/bus/error.ts";
import type { Bundle } from "../../core/sandbox/bundle.ts";
import { readManifest } from "../../core/sandbox/manifest.ts";
import { type Placement, PLACEMENTS } from "../../core/sandbox/placement.ts";
import { backendCriteria, deviceCriteria, documented } from "../../core/sandbox/trial/criteria.ts";
import type { TrialAnswer, TrialKind } from "../../core/sandbox/trial/questions.ts";
import { allOrNothing, type Criterion, score, scoreTable } from "../../core/sandbox/trial/score.ts";
import { tryPlugin } from "../../core/sandbox/trial/trial.ts";
import { EXIT } from "../exit_codes.ts";
import type { Arguments } from "../options.ts";
import { parseCountOrZero } from "../values.ts";
import { ownTest, typesOf } from "./author_tools.ts";
import { bundleFile, readPluginFile } from "./plugin_file.ts";

/** Checks a plugin and prints what was seen. @returns The exit code: not 0 where something that is required does not hold. */
export async function checkPlugin(file: string, args: Arguments): Promise<number> {
  const seed = args.has("seed") ? parseCountOrZero(args.get("seed")!, "--seed") : 1;
  const progress = Deno.stderr.isTerminal();
  const say = (what: string) => {
    if (progress) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${what}`));
  };
  const { text } = await readPluginFile(file);
  say("types and its own test...");
  const criteria: Criterion[] = [await types(file)];
  const bundled = await tryBundle(file, criteria);
  if (bundled !== undefined) {
    criteria.push(...await trials(bundled, text, seed, say));
    criteria.push(await test(file, bundled));
  }
  say("");
  const passed = bundled !== undefined && criteria.every(({ required, points }) => !required || points > 0);
  const subject = bundled === undefined ? file : `${bundled.id}, version ${bundled.version}, content ${bundled.hash}`;
  if (args.has("json")) {
    const known = bundled && { id: bundled.id, kind: bundled.kind, version: bundled.version, content: bundled.hash };
    console.log(JSON.stringify({ file, ...known, passed, score: score(all(criteria)), seed, criteria }, null, 2));
  } else console.log(scoreTable(subject, all(criteria)).trimEnd());
  return passed ? EXIT.OK : EXIT.BAD_INPUT;
}

/** What could not be looked at, because the text is not one, is worth nothing. */
function all(criteria: readonly Criterion[]): readonly Criterion[] {
  const worth = criteria.reduce((sum, criterion) => sum + criterion.worth, 0);
  if (worth >= 100) return criteria;
  const found = "not tried, as it does not load";
  return [...criteria, { name: "everything else", worth: 100 - worth, points: 0, required: true, found }];
}

async function types(file: string): Promise<Criterion> {
  return allOrNothing("types", 10, await typesOf(file), {
    holds: "deno check has nothing to say",
    raise: "correct what `deno check` says",
    required: true,
  });
}

async function test(file: string, { kind }: Bundle): Promise<Criterion> {
  const { problems, found } = await ownTest(file);
  return allOrNothing("its own test", kind === "device" ? 9 : 15, problems, {
    holds: found,
    raise: "put a test beside it, NAME_test.ts, that passes without any right",
  });
}

async function tryBundle(file: string, criteria: Criterion[]): Promise<Bundle | undefined> {
  const options = {
    holds: "one text that imports the contract only, and a manifest as it should be",
    raise: "correct what the sentence names",
    required: true,
  };
  try {
    const { bundle } = await bundleFile(file);
    const manifest = readManifest(`plugin "${file}"`, bundle.manifest);
    criteria.push(allOrNothing("text and manifest", manifest.kind === "device" ? 10 : 20, [], options));
    return { ...bundle, manifest };
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    criteria.push(allOrNothing("text and manifest", 10, [error.message], options));
    return undefined;
  }
}

async function trials(bundle: Bundle, text: string, seed: number, say: (what: string) => void): Promise<Criterion[]> {
  const { manifest } = bundle;
  const ask = (kind: TrialKind, placement: Placement): Promise<TrialAnswer> => {
    say(`${kind}, ${placement}...`);
    return tryPlugin(bundle, { kind, placement, seed });
  };
  if (manifest.kind === "backend") {
    const answer = await ask("backend", "confined");
    return [documented(manifest, text, 20), ...backendCriteria(answer)];
  }
  const conformance = {} as Record<Placement, TrialAnswer>;
  for (const placement of PLACEMENTS) conformance[placement] = await ask("conformance", placement);
  return [
    documented(manifest, text, 5),
    ...deviceCriteria(manifest, {
      conformance,
      registers: await ask("registers", "confined"),
      config: await ask("config", "confined"),
      state: await ask("state", "confined"),
    }),
  ];
}
