/**
 * What a plugin declares, as plain JSON: what its owner is shown, what is hashed, and what the core knows of a device that runs elsewhere.
 *
 * @module
 */
import type { BackendKind } from "../bus/backend_kinds.ts";
import type { Needs } from "../bus/claims.ts";
import type { ConfigSchema } from "../bus/config.ts";
import { BulkheadError } from "../bus/error.ts";
import type { HostRights } from "../bus/host_rights.ts";
import { thrownBy } from "./compartment.ts";

/** An interface that a device uses or provides: its name, and its members: null for a method, the open connector's value for a property. */
export interface InterfaceManifest {
  /** Name and version. */
  readonly name: string;
  /** By name. */
  readonly members: Readonly<
    Record<string, { readonly method: true } | { readonly value: number | string | boolean | null }>
  >;
}

/** A device's claims: as in its needs, with interfaces described. */
export type NeedsManifest = Omit<Needs, "uses" | "provides"> & {
  /** Interfaces that it calls. */
  readonly uses?: Readonly<Record<string, InterfaceManifest>>;
  /** Interfaces that it answers. */
  readonly provides?: Readonly<Record<string, InterfaceManifest>>;
};

/** What a device declares. */
export interface DeviceManifest {
  /** A device. */
  readonly kind: "device";
  /** Author and name. */
  readonly id: string;
  /** Version of the contract. */
  readonly api: 1;
  /** Version of its state. */
  readonly version: number;
  /** Its configuration. */
  readonly config: ConfigSchema;
  /** Everything it touches. */
  readonly needs: NeedsManifest;
  /** Latch and status registers with their reset values. */
  readonly latches: Readonly<Record<string, number>>;
  /** Versions whose states it can migrate. */
  readonly migrates: readonly number[];
}

/** What a back end declares. */
export interface BackendManifest {
  /** A back end. */
  readonly kind: "backend";
  /** Author and name. */
  readonly id: string;
  /** Version of the contract. */
  readonly api: 1;
  /** Its version. */
  readonly version: number;
  /** Which kind it is. */
  readonly provides: BackendKind;
  /** Its configuration. */
  readonly config: ConfigSchema;
  /** Rights on the host. */
  readonly host: HostRights;
}

/** What a plugin declares. */
export type PluginManifest = DeviceManifest | BackendManifest;

const ID = /^[a-z0-9][a-z0-9_.-]*\/[a-z0-9][a-z0-9_.-]*$/;
const KINDS: readonly string[] = ["block", "character", "network", "display", "input", "audio", "fileShare"];

/**
 * Describes what a plugin's text gave as its default export.
 *
 * @throws {BulkheadError} `bad-plugin`: it is neither a device nor a back end, or not described by plain data.
 */
export function describe(plugin: unknown, origin: string): PluginManifest {
  const subject = `plugin ${origin}`;
  // What is thrown may be the plugin's, and look like ours.
  const ours = new WeakSet<object>();
  const bad = (where: string | undefined, expected: string, found: string) => {
    const error = new BulkheadError({ code: "bad-plugin", subject, where, expected, found });
    ours.add(error);
    return error;
  };
  try {
    return described(plugin, bad);
  } catch (error) {
    if (ours.has(Object(error))) throw error;
    throw thrownBy(subject, "it was described", error);
  }
}

function described(plugin: unknown, bad: Bad): PluginManifest {
  const made = "a default export made by device({...}) or backend({...})";
  if (typeof plugin !== "object" || plugin === null) throw bad(undefined, made, `one of type ${typeof plugin}`);
  const given = plugin as Record<string, unknown>;
  const { id, api, version } = given;
  if (typeof id !== "string" || !ID.test(id)) throw bad("id", "an id such as acme/heartbeat", show(id));
  if (api !== 1) throw bad("api", "contract version 1", show(api));
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 0) {
    throw bad("version", "a whole number", show(version));
  }
  const config = plain(given.config ?? {}, "config", bad) as unknown as ConfigSchema;
  if (typeof given.open === "function") {
    if (!KINDS.includes(given.provides as string)) {
      throw bad("provides", `one of ${KINDS.join(", ")}`, show(given.provides));
    }
    const host = plain(given.host ?? {}, "host", bad) as unknown as HostRights;
    for (const [name, right] of Object.entries(host)) {
      const kinds = ["file", "connect", "listen"];
      if (!/^[a-zA-Z][a-zA-Z0-9_]*$/.test(name)) throw bad("host", "placeholders of letters and digits", show(name));
      if (typeof right !== "object" || !kinds.includes(right.kind)) {
        throw bad(`host.${name}.kind`, `one of ${kinds.join(", ")}`, show(right?.kind));
      }
      if (right.kind === "file" && !["read", "read-write", "write"].includes(right.access)) {
        throw bad(`host.${name}.access`, "read, read-write or write", show(right.access));
      }
      if (typeof right.why !== "string" || right.why.trim() === "") {
        throw bad(`host.${name}.why`, "a reason for the owner", show(right.why));
      }
    }
    return { kind: "backend", id, api, version, provides: given.provides as BackendKind, config, host };
  }
  if (typeof given.wire !== "function" || typeof given.state !== "function") {
    throw bad(undefined, made, "something else");
  }
  const needs = given.needs as Record<string, unknown> | undefined;
  if (typeof needs !== "object" || needs === null) throw bad("needs", "the device's needs", show(needs));
  const { uses, provides, ...rest } = needs;
  return {
    kind: "device",
    id,
    api,
    version,
    config,
    needs: {
      ...plain(rest, "needs", bad) as object,
      ...(uses === undefined ? {} : { uses: interfaces(uses, "needs.uses", bad) }),
      ...(provides === undefined ? {} : { provides: interfaces(provides, "needs.provides", bad) }),
    },
    latches: plain(given.latches ?? {}, "latches", bad) as Record<string, number>,
    migrates: Object.keys((given.migrate ?? {}) as object).map(Number),
  };
}

type Bad = (where: string | undefined, expected: string, found: string) => BulkheadError;

function interfaces(given: unknown, where: string, bad: Bad): Record<string, InterfaceManifest> {
  const all: Record<string, InterfaceManifest> = {};
  for (const [use, kind] of Object.entries(given as Record<string, { name?: unknown; unconnected?: unknown }>)) {
    if (typeof kind?.name !== "string" || typeof kind.unconnected !== "object" || kind.unconnected === null) {
      throw bad(`${where}.${use}`, "an interface made by defineInterface", show(kind));
    }
    const members: Record<string, { method: true } | { value: number | string | boolean | null }> = {};
    for (const [member, value] of Object.entries(kind.unconnected)) {
      members[member] = typeof value === "function"
        ? { method: true }
        : { value: plain(value, `${where}.${use}.${member}`, bad) as number };
    }
    all[use] = { name: kind.name, members };
  }
  return all;
}

/** A copy that JSON carries. */
function plain(value: unknown, where: string, bad: Bad): unknown {
  const seen = new Set<object>();
  const copy = (part: unknown, at: string): unknown => {
    if (part === null || typeof part === "string" || typeof part === "boolean") return part;
    if (typeof part === "number" && Number.isFinite(part)) return part;
    if (typeof part !== "object") {
      throw bad(at, "plain data", typeof part === "number" ? `${part}` : `a ${typeof part}`);
    }
    if (seen.has(part) || seen.size > 10_000) throw bad(at, "plain data of a reasonable size", "more");
    seen.add(part);
    const result = Array.isArray(part) ? part.map((item, index) => copy(item, `${at}[${index}]`)) : Object.fromEntries(
      Object.entries(part).filter(([, item]) => item !== undefined).map((
        [key, item],
      ) => [key, copy(item, `${at}.${key}`)]),
    );
    seen.delete(part);
    return result;
  };
  return copy(value, where);
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
