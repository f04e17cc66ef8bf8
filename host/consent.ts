/**
 * What happens to a machine's plugins before anything of the machine runs: each becomes one text with a hash, its rights are bound to real
 * things, and the owner agrees.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type {
  MachineDefinition,
  ResolvedBackend,
  ResolvedDefinition,
  ResolvedPlugin,
} from "../core/machine/definition.ts";
import type { AbsentPlugin } from "../core/machine/plugin_parts.ts";
import { agree, type Consent } from "../core/sandbox/agreement.ts";
import type { BoundPlugin } from "../core/sandbox/bound_plugin.ts";
import { type Bundle, bundlePlugin, contentHash } from "../core/sandbox/bundle.ts";
import { bindRights, readOnlyRights } from "../core/sandbox/bindings.ts";
import { LOCK_NAME, mayRecord, readLock, updateLock } from "../core/sandbox/lock.ts";
import { hostRights, readManifest } from "../core/sandbox/manifest.ts";
import { placementOf } from "../core/sandbox/placement.ts";
import { printable } from "../core/sandbox/printable.ts";
import { type PluginSource, readPlugin } from "./plugin_source.ts";

/** What a definition says about agreement. */
export type ConsentDefinition = Pick<Partial<MachineDefinition>, "agree" | "lock" | "audit">;

/** How the owner is asked. */
export interface ConsentOptions {
  /** The folder of the lock, unless the definition names a file; the current folder if absent. With a slash at its end. */
  readonly folder?: string;
  /** Records contents to which nobody had to agree, too, so that a change of them is told, even where the definition names no lock. */
  readonly notes?: boolean;
  /** As {@linkcode Consent.all}, besides what the definition says. */
  readonly agree?: boolean;
  /** As {@linkcode Consent.contents}, besides what the definition says. */
  readonly contents?: readonly string[];
  /** As in {@linkcode Consent.ask}. */
  readonly ask?: Consent["ask"];
  /** Shows text; nowhere if absent. */
  readonly show?: (text: string) => void;
}

/** The plugins of a machine, as its owner agreed to them. */
export interface Agreed {
  /** Those that it starts with. */
  readonly plugins: readonly BoundPlugin[];
  /** Optional ones that it starts without, and why. */
  readonly absent: readonly AbsentPlugin[];
}

/**
 * The plugins of a machine, agreed to. An optional one that cannot be read, is refused or cannot be bound is left out; nobody is asked about it.
 *
 * @throws {BulkheadError} A plugin that is none, a right that cannot be bound, a lock that is none, or `not-agreed`.
 */
export async function agreedPlugins(
  definition: ResolvedDefinition,
  given: ConsentDefinition,
  options: ConsentOptions = {},
): Promise<Agreed> {
  const { devices, backends } = definition;
  if (devices.length + backends.length === 0) return { plugins: [], absent: [] };
  const path = given.lock === undefined ? `${options.folder ?? ""}${LOCK_NAME}` : filePath(given.lock);
  const reserved = [await realFile(path), ...given.audit === undefined ? [] : [await realFile(filePath(given.audit))]];
  const bundles = new Map<string, Promise<Bundled>>();
  const absent: AbsentPlugin[] = [];
  const prepare = async (kind: "device" | "backend", plugin: ResolvedPlugin) => {
    try {
      return [await prepared(kind, plugin)];
    } catch (error) {
      if (!plugin.optional) throw error;
      absent.push({ name: plugin.name, error: BulkheadError.from(error, `${wordOf(kind)} "${plugin.name}"`).toJSON() });
      return [];
    }
  };
  const prepared = async (kind: "device" | "backend", plugin: ResolvedPlugin) => {
    const bundled = bundles.get(plugin.module) ?? bundleOf(kind, plugin);
    bundles.set(plugin.module, bundled);
    return await bound(kind, plugin, await bundled, reserved);
  };
  const plugins = (await Promise.all([
    ...devices.map((device) => prepare("device", device)),
    ...backends.map((backend) => prepare("backend", backend)),
  ])).flat();
  if (!plugins.every(({ own }) => own)) await settle(plugins, path, given, options);
  const made = new Set(backends.filter(({ make }) => make).map(({ name }) => name));
  for (const { name, grant } of plugins) if (made.has(name)) await make(name, Object.values(grant.bindings));
  return { plugins, absent };
}

async function settle(
  plugins: readonly BoundPlugin[],
  path: string,
  given: ConsentDefinition,
  options: ConsentOptions,
): Promise<void> {
  const show = options.show ?? (() => {});
  const agreement = await agree(plugins, await readLock(path), {
    all: given.agree === true || options.agree === true,
    contents: [...Array.isArray(given.agree) ? given.agree : [], ...options.contents ?? []],
    show,
    ...(options.ask === undefined ? {} : { ask: options.ask }),
  });
  for (const { name, manifest } of agreement.altered) {
    show(`plugin "${name}" (${manifest.id}) has changed since its last start\n`);
  }
  if (agreement.binding) await updateLock(path, agreement.record);
  else if (agreement.news && (given.lock !== undefined || options.notes === true) && await mayRecord(path)) {
    // Nobody has agreed to anything: a folder that cannot be written is no reason not to start.
    await updateLock(path, agreement.record).catch(() => {});
  }
}

/** Makes files that are not there. */
async function make(name: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      throw new BulkheadError({
        code: "bad-binding",
        subject: `"${name}"`,
        where: printable(path),
        expected: "a file that can be made",
        found: printable(error instanceof Error ? error.message : String(error)),
      }, { cause: error });
    }
  }
}

interface Bundled {
  readonly source: PluginSource;
  readonly bundle: Bundle;
}

async function bundleOf(kind: "device" | "backend", { name, module }: ResolvedPlugin): Promise<Bundled> {
  const subject = `${wordOf(kind)} "${name}"`;
  const source = await readPlugin(subject, module);
  try {
    return { source, bundle: await bundlePlugin(source.text, source.origin) };
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    const { sentence, where, ...parts } = error.toJSON();
    if (sentence !== undefined) throw error;
    // Whoever reads it knows the plugin by its name in the machine, and its file by what the definition says.
    const place = where === undefined ? printable(source.origin) : `${printable(source.origin)}, ${where}`;
    throw new BulkheadError({ ...parts, subject, where: place }, { cause: error });
  }
}

/** The author of what is part of this release. */
const OWN_AUTHOR = "bulkhead/";

async function bound(
  kind: "device" | "backend",
  plugin: ResolvedPlugin & Partial<ResolvedBackend>,
  { source: { origin, own }, bundle: { text, manifest: told } }: Bundled,
  reserved: readonly string[],
): Promise<BoundPlugin> {
  const { name } = plugin;
  const manifest = readManifest(`${wordOf(kind)} "${name}"`, told);
  if (manifest.kind !== kind) {
    throw new BulkheadError({
      code: "bad-plugin",
      subject: `${wordOf(kind)} "${name}"`,
      where: plugin.module,
      expected: `a module whose default export is made by ${kind}({...})`,
      found: `a ${wordOf(manifest.kind)}, ${manifest.id}`,
    });
  }
  if (!own && manifest.id.startsWith(OWN_AUTHOR)) {
    throw new BulkheadError({
      code: "bad-plugin",
      subject: `${wordOf(kind)} "${name}"`,
      where: `${printable(origin)}, id`,
      expected: `another author than ${OWN_AUTHOR}, as it is no part of this release`,
      found: `"${manifest.id}"`,
    });
  }
  const rights = plugin.readOnly ? readOnlyRights(hostRights(manifest)) : hostRights(manifest);
  const bindings = await bindRights({ name, rights, bind: plugin.bind ?? {}, make: plugin.make ?? false }, reserved);
  const content = await contentHash(text, manifest);
  const placement = placementOf({ name, kind, own, rights: Object.keys(rights).length > 0 }, plugin.placement);
  const grant = { version: 1, plugin: manifest.id, content, bindings } as const;
  return { name, origin, own, text, manifest, content, placement, rights, grant };
}

function wordOf(kind: "device" | "backend"): string {
  return kind === "device" ? "device" : "back end";
}

/** The path that a definition names. */
export function filePath(file: string | URL): string {
  const text = String(file);
  if (!text.startsWith("file:")) return text;
  return decodeURIComponent(new URL(text).pathname).replace(/^\/(?=[A-Za-z]:)/, "");
}

/** The real path of a file that may not be there yet. */
async function realFile(path: string): Promise<string> {
  const [, folder, last] = /^(.*[/\\])?([^/\\]*)$/s.exec(path)!;
  return await Deno.realPath(path).catch(async () => {
    const real = await Deno.realPath(folder ?? ".").catch(() => folder ?? ".");
    return `${real.replace(/[/\\]$/, "")}/${last}`;
  });
}
