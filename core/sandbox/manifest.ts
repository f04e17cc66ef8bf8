/**
 * What a plugin declares, as plain data: told by the plugin itself, so nothing of it is believed before it is checked here.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { BackendKind } from "../bus/backend_kinds.ts";
import type { ConfigSchema } from "../bus/config.ts";
import type { HostRight, HostRights } from "../bus/host_rights.ts";
import type { NeedsManifest, PluginManifest } from "./description.ts";
import { unprintable } from "./printable.ts";

/** Plain data as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The most of everything that a manifest may hold. */
export const MANIFEST_LIMITS = {
  /** Characters of a reason. */
  reason: 200,
  /** Characters of a name. */
  name: 32,
  /** Characters of an id. */
  id: 64,
  /** Rights on the host. */
  rights: 16,
  /** Characters of any other text. */
  text: 500,
  /** Values in all. */
  values: 4096,
  /** Lists and objects inside of one another. */
  depth: 8,
} as const;

const KINDS: Readonly<Record<BackendKind, true>> = {
  block: true,
  character: true,
  network: true,
  display: true,
  input: true,
  audio: true,
  fileShare: true,
};
const ID = /^[a-z0-9][a-z0-9_.-]*\/[a-z0-9][a-z0-9_.-]*$/;
const PLACEHOLDER = /^[a-zA-Z][a-zA-Z0-9_-]*$/;

const FIELDS = {
  device: ["kind", "id", "api", "version", "host", "config", "needs", "latches", "migrates"],
  backend: ["kind", "id", "api", "version", "provides", "host", "config"],
} as const;

/**
 * Checks what a plugin told of itself, and copies it.
 *
 * @param subject Which plugin, for sentences: `plugin "tape.ts"`.
 * @param told Anything.
 * @throws {BulkheadError} `bad-manifest`, naming the field.
 */
export function readManifest(subject: string, told: unknown): PluginManifest {
  const refuse: Refuse = (where, expected, found) => {
    throw new BulkheadError({ code: "bad-manifest", subject, where, expected, found: describe(found) });
  };
  const budget = { values: MANIFEST_LIMITS.values };
  const copy = plain(told, "the manifest", 0, budget, refuse);
  const manifest = object(copy, "the manifest", refuse);
  const kind = manifest.kind;
  if (kind !== "device" && kind !== "backend") return refuse("kind", '"device" or "backend"', kind);
  for (const key of Object.keys(manifest)) {
    if (!(FIELDS[kind] as readonly string[]).includes(key)) {
      refuse("the manifest", `the fields of a ${kind}: ${FIELDS[kind].join(", ")}`, key);
    }
  }
  const { id, api, version, provides } = manifest;
  if (typeof id !== "string" || id.length > MANIFEST_LIMITS.id || !ID.test(id)) {
    return refuse(
      "id",
      `author and name in lower case, such as "acme/heartbeat", at most ${MANIFEST_LIMITS.id} characters`,
      id,
    );
  }
  if (api !== 1) return refuse("api", "1, the version of the contract that this release has", api);
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 0) {
    return refuse("version", "a whole number", version);
  }
  const host = rights(object(manifest.host ?? {}, "host", refuse), refuse);
  const config = object(manifest.config ?? {}, "config", refuse) as unknown as ConfigSchema;
  const common = { id, api: 1, version, config } as const;
  if (kind === "backend") {
    if (typeof provides !== "string" || !Object.hasOwn(KINDS, provides)) {
      return refuse("provides", `a kind of back end: ${Object.keys(KINDS).join(", ")}`, provides);
    }
    return { kind, ...common, provides: provides as BackendKind, host };
  }
  if (Object.keys(host).length > 0) {
    refuse("host", "no rights on the host, which only back ends have", Object.keys(host).join(", "));
  }
  const latches = object(manifest.latches ?? {}, "latches", refuse);
  for (const [name, value] of Object.entries(latches)) {
    if (typeof value !== "number") refuse(`latches.${name}`, "a number", value);
  }
  const needs = object(manifest.needs ?? {}, "needs", refuse) as unknown as NeedsManifest;
  if (Object.hasOwn(needs, "host")) refuse("needs.host", "no rights on the host, which only back ends have", "some");
  const migrates = manifest.migrates ?? [];
  if (!Array.isArray(migrates) || !migrates.every(Number.isSafeInteger)) {
    return refuse("migrates", "a list of versions", migrates);
  }
  return { kind, ...common, needs, latches: latches as Record<string, number>, migrates: migrates as number[] };
}

/** Never returns; says so to the type checker where its result is returned. */
type Refuse = (where: string, expected: string, found: unknown) => never;

function rights(given: Readonly<Record<string, Json>>, refuse: Refuse): HostRights {
  const names = Object.keys(given);
  if (names.length > MANIFEST_LIMITS.rights) refuse("host", `at most ${MANIFEST_LIMITS.rights} rights`, names.length);
  const checked: Record<string, HostRight> = {};
  for (const name of names) {
    const where = `host.${name}`;
    if (!PLACEHOLDER.test(name)) refuse("host", "placeholders of letters, digits, hyphens and underscores", name);
    const right = object(given[name]!, where, refuse);
    const { kind, access, why } = right;
    if (kind !== "file" && kind !== "connect" && kind !== "listen") {
      return refuse(`${where}.kind`, '"file", "connect" or "listen"', kind);
    }
    const known = kind === "file" ? ["kind", "access", "why"] : ["kind", "why"];
    for (const key of Object.keys(right)) {
      if (!known.includes(key)) refuse(where, `the fields ${known.join(", ")}`, key);
    }
    const reason = checkReason(why, `${where}.why`, refuse);
    if (kind !== "file") checked[name] = { kind, why: reason };
    else if (access === "read" || access === "read-write" || access === "write") {
      checked[name] = { kind, access, why: reason };
    } else refuse(`${where}.access`, '"read", "read-write" or "write"', access);
  }
  return checked;
}

/** A reason is shown to the owner who decides by it: one line that looks like what it is. */
function checkReason(why: unknown, where: string, refuse: Refuse): string {
  const most = MANIFEST_LIMITS.reason;
  if (typeof why !== "string" || why.trim() === "") return refuse(where, "a reason, as a sentence for the owner", why);
  if (why.length > most) refuse(where, `a reason of at most ${most} characters`, `${why.length}`);
  if (why.trim() !== why || why.includes("  ")) refuse(where, "a reason with single spaces between its words", why);
  return why;
}

/** A copy of plain data that holds nothing of the original. Text that would not show as itself is refused everywhere. */
function plain(value: unknown, where: string, depth: number, budget: { values: number }, refuse: Refuse): Json {
  if (--budget.values < 0) refuse(where, `at most ${MANIFEST_LIMITS.values} values in all`, "more");
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : refuse(where, "a finite number", `${value}`);
  if (typeof value === "string") return checkText(value, where, MANIFEST_LIMITS.text, refuse);
  if (typeof value !== "object") return refuse(where, "plain data", typeof value);
  if (depth >= MANIFEST_LIMITS.depth) return refuse(where, `at most ${MANIFEST_LIMITS.depth} levels`, "more");
  if (Array.isArray(value)) {
    if (value.length > budget.values) refuse(where, `at most ${MANIFEST_LIMITS.values} values in all`, "more");
    return Array.from(value, (item, index) => plain(item, `${where}[${index}]`, depth + 1, budget, refuse));
  }
  const copy: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    checkText(key, `a name in ${where}`, MANIFEST_LIMITS.name, refuse);
    if (key === "__proto__") refuse(where, "names that are no part of the language", key);
    if (item === undefined) continue;
    copy[key] = plain(item, depth === 0 ? key : `${where}.${key}`, depth + 1, budget, refuse);
  }
  return copy;
}

function checkText(text: string, where: string, most: number, refuse: Refuse): string {
  if (text.length > most) refuse(where, `at most ${most} characters`, `${text.length}`);
  const unseen = unprintable(text);
  if (unseen !== undefined) refuse(where, "text that shows as what it is", unseen);
  return text;
}

function object(value: Json, where: string, refuse: Refuse): Readonly<Record<string, Json>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(where, "an object", value);
  return value as Readonly<Record<string, Json>>;
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "string" ? `"${value}"` : JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The rights on the host that a plugin asks for. */
export function hostRights(manifest: PluginManifest): HostRights {
  return manifest.kind === "backend" ? manifest.host : {};
}
