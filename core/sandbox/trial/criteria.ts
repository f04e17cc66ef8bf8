/**
 * What counts for a plugin's score besides what its author's tools say: what it declares, and what came of trying it.
 *
 * @module
 */
import type { ConfigSchema, NumberField, TextField } from "../../bus/config.ts";
import type { DeviceManifest, PluginManifest } from "../description.ts";
import { type Placement, PLACEMENTS } from "../placement.ts";
import type { TrialAnswer } from "./questions.ts";
import { allOrNothing, type Criterion } from "./score.ts";

/** The answers to everything that a device is tried for. */
export interface DeviceAnswers {
  /** By placement. */
  readonly conformance: Readonly<Record<Placement, TrialAnswer>>;
  readonly registers: TrialAnswer;
  readonly config: TrialAnswer;
  readonly state: TrialAnswer;
}

/** What a file says about itself before its first import or statement. */
export function leadingComment(text: string): string | undefined {
  const comment = /^\s*\/\*\*([\s\S]*?)\*\//.exec(text)?.[1];
  const lines = comment?.split("\n").map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const said = lines?.join("\n").replace(/^@module.*$/m, "").trim();
  return said === undefined || said === "" ? undefined : said;
}

/** What both kinds of plugin are to say of themselves. */
export function documented(manifest: PluginManifest, source: string, worth: number): Criterion {
  const problems = [
    ...leadingComment(source) === undefined ? ["the file does not begin with a comment that says what it is"] : [],
    ...fieldProblems(manifest.config),
  ];
  const raise =
    "begin the file with /** what it is and what its registers do */; give each field of config a doc, and each number min and max";
  return allOrNothing("documentation", worth, problems, {
    holds: "the file and its configuration say what they are",
    raise,
  });
}

function fieldProblems(config: ConfigSchema): string[] {
  return Object.entries(config).flatMap(([name, field]) => {
    if (typeof field.doc !== "string" || field.doc.trim() === "") return [`config.${name} has no doc`];
    if (typeof field.default === "number") {
      const { min, max } = field as NumberField;
      return min === undefined || max === undefined ? [`config.${name} has no min and max`] : [];
    }
    const { choices, default: usual } = field as TextField;
    return typeof usual === "string" && choices !== undefined && !choices.includes(usual)
      ? [`config.${name} has a default that is none of its choices`]
      : [];
  });
}

/** What a device's trials come to. */
export function deviceCriteria(manifest: DeviceManifest, answers: DeviceAnswers): Criterion[] {
  const { conformance } = answers;
  return [
    allOrNothing("claims", 5, (conformance.inline.unused ?? []).map((claim) => `${claim} is claimed and not used`), {
      holds: "everything that it claims is used",
      raise: "take what is not used out of needs",
    }),
    allOrNothing("migrations", 5, missingMigrations(manifest), {
      holds: manifest.version === 1 ? "its first version" : "older versions' states are taken over",
      raise: "add to migrate a function for each version since 1",
    }),
    ...PLACEMENTS.map((placement) => conforms(placement, conformance[placement])),
    sameTrace(conformance),
    allOrNothing("abused registers", 8, answers.registers.failures, {
      holds: `${answers.registers.tried} accesses, nothing thrown`,
      raise: "answer whatever a guest writes, or ignore it and log it; a write comes with any value of its width",
      required: true,
    }),
    allOrNothing("configurations", 4, answers.config.failures, {
      holds: answers.config.tried === 0 ? "none to choose" : `${answers.config.tried} of them`,
      raise: "narrow min, max or choices to what works",
    }),
    allOrNothing("forged snapshots", 4, answers.state.failures, {
      holds: `${answers.state.tried} of them, nothing thrown`,
      raise: "take no number of the state for an index, a length or an instant before it is seen to be in range",
    }),
  ];
}

function conforms(placement: Placement, { failures, tried }: TrialAnswer): Criterion {
  return allOrNothing(`conformance, ${placement}`, 8, failures, {
    holds: `${tried} steps, saved and restored in between`,
    raise: "see what bench() and conformance() say of the same steps: keep all that changes in state or latches",
    required: true,
  });
}

function sameTrace(conformance: DeviceAnswers["conformance"]): Criterion {
  const different = PLACEMENTS.filter((placement) => conformance[placement].trace !== conformance.inline.trace);
  const problems = different.map((placement) => `${placement} differs from inline`);
  return allOrNothing("same trace everywhere", 8, problems, {
    holds: `${conformance.inline.trace?.slice(0, 16) ?? ""} in all placements`,
    raise: "use nothing but what the context gives: no globals, no order of objects' keys that depends on them",
    required: true,
  });
}

function missingMigrations({ version, migrates }: DeviceManifest): string[] {
  const missing = Array.from({ length: Math.max(0, version - 1) }, (_, index) => index + 1)
    .filter((from) => !migrates.includes(from));
  return missing.map((from) => `a state of version ${from} cannot be taken over`);
}

/** What a back end's trial comes to. */
export function backendCriteria({ failures, tried, refused }: TrialAnswer): Criterion[] {
  const conduct = allOrNothing("conduct", 35, failures, {
    holds: refused === undefined ? `${tried} requests answered` : "it opened no file that was tried",
    raise: "answer each request, refuse by an error what cannot be done, and read what was written",
    required: true,
  });
  if (refused === undefined || failures.length > 0) return [conduct];
  const raise = "show in its own test what it does with files of its format; points come from files of zeros and noise";
  return [{ ...conduct, points: 25, found: `it opened none of the files that were tried: ${refused}`, raise }];
}
