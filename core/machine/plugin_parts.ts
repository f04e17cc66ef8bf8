/**
 * A machine's plugins as they cross: from the owner, who has agreed to them, to the machine's process, and on to the virtual CPU's thread.
 *
 * @module
 */
import type { BulkheadErrorJson } from "../bus/error.ts";
import type { HostRights } from "../bus/host_rights.ts";
import type { BoundPlugin } from "../sandbox/bound_plugin.ts";
import type { PluginManifest } from "../sandbox/description.ts";
import { PLUGIN_LIMITS, type PluginLimits, pluginLimits } from "../sandbox/plugin_limits.ts";
import type { Placement } from "../sandbox/placement.ts";
import type { BackendOpened } from "../sandbox/backend_runtime.ts";
import type { ResolvedDefinition } from "./definition.ts";

/** A plugin that is to run. */
export interface PluginPart {
  /** Its name in the machine. */
  readonly name: string;
  /** The plugin, for sentences: `device "tally" (acme/tally)`. */
  readonly subject: string;
  /** Where it runs. */
  readonly placement: Placement;
  /** The machine goes on without it. */
  readonly optional: boolean;
  /** What it declares. */
  readonly manifest: PluginManifest;
  /** What runs. */
  readonly text: string;
  /** Values for its configuration schema. */
  readonly config: Readonly<Record<string, number | string | boolean>>;
  /** A back end's rights, and what they are bound to. */
  readonly rights: HostRights;
  readonly bindings: Readonly<Record<string, string>>;
}

/** An optional plugin that could not even be agreed to, such as a file that is not there. */
export interface AbsentPlugin {
  /** Its name in the machine. */
  readonly name: string;
  /** Why. */
  readonly error: BulkheadErrorJson;
}

/** All of a machine's plugins, and what confines them. */
export interface PluginParts {
  /** SES; empty where nothing needs it. */
  readonly ses: string;
  /** Plugins in the order of the definition: devices, then back ends. */
  readonly plugins: readonly PluginPart[];
  /** Those that the machine goes on without from its start. */
  readonly absent: readonly AbsentPlugin[];
  /** How long they may take, and how much. */
  readonly limits: PluginLimits;
}

/** A machine without plugins. */
export const NO_PLUGINS: PluginParts = { ses: "", plugins: [], absent: [], limits: PLUGIN_LIMITS };

/** A plugin as the virtual CPU's thread gets it. */
export interface ThreadPlugin extends Omit<PluginPart, "text" | "rights" | "bindings"> {
  /** What runs, where it runs in that thread; empty elsewhere. */
  readonly text: string;
  /** The memory by which it is reached, where it runs elsewhere. */
  readonly shared: SharedArrayBuffer | null;
  /** A back end's answers: `shared` are its requests then. */
  readonly answers: SharedArrayBuffer | null;
  /** What a back end said of itself when it was opened. */
  readonly opened: BackendOpened | null;
  /** Why it could not be started, though it is optional. */
  readonly failed: BulkheadErrorJson | null;
}

/** All of them. */
export interface ThreadPlugins {
  /** SES, where something is confined in that thread. */
  readonly ses: string;
  /** Devices and back ends. */
  readonly plugins: readonly ThreadPlugin[];
  /** See {@linkcode PluginParts.absent}. */
  readonly absent: readonly AbsentPlugin[];
  /** See {@linkcode PluginParts.limits}. */
  readonly limits: PluginLimits;
  /** Says which of them runs in that thread: see `BUSY`. */
  readonly busy: SharedArrayBuffer;
}

/**
 * What a definition's plugins come to, as they were agreed to.
 *
 * @param ses SES.
 */
export function pluginParts(
  { devices, backends }: ResolvedDefinition,
  bound: readonly BoundPlugin[],
  absent: readonly AbsentPlugin[],
  ses: string,
): PluginParts {
  const given = new Map([...devices, ...backends].map((plugin) => [plugin.name, plugin]));
  const plugins = bound.map(({ name, manifest, placement, text, rights, grant }): PluginPart => {
    const { config, optional } = given.get(name)!;
    const subject = `${manifest.kind === "device" ? "device" : "back end"} "${name}" (${manifest.id})`;
    return { name, subject, placement, optional, manifest, text, config, rights, bindings: grant.bindings };
  });
  return { ses, plugins, absent, limits: pluginLimits() };
}
