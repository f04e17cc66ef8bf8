/**
 * How what a plugin asks for differs from what was agreed to before.
 *
 * @module
 */
import type { BoundPlugin } from "./bound_plugin.ts";
import type { AgreedRight, AgreedTerms, Lock, LockedPlugin } from "./lock.ts";
import { describePlacement } from "./placement.ts";
import { printable } from "./printable.ts";

/** The difference to the nearest earlier agreement. */
export interface Difference {
  /** The hash of the content that was agreed to, if it was another one. */
  readonly content?: string;
  /** One line each, in plain text. */
  readonly lines: readonly string[];
}

/**
 * What is new, against the agreement that is nearest: one to the same content, else one to what came from the same place, else one to what
 * had the same id.
 *
 * @returns Undefined if nothing like it was ever agreed to.
 */
export function difference(plugin: BoundPlugin, asked: AgreedTerms, lock: Lock): Difference | undefined {
  const near = nearest(plugin, lock);
  if (near === undefined) return undefined;
  const [hash, known] = near;
  const terms = closest(known.agreed, asked);
  const lines: string[] = [];
  if (hash !== plugin.content) {
    lines.push(`content: was ${hash.slice(0, 16)}..., is ${plugin.content.slice(0, 16)}...`);
    if (known.version !== plugin.manifest.version) {
      lines.push(`version: was ${known.version}, is ${plugin.manifest.version}`);
    }
    if (known.id !== plugin.manifest.id) lines.push(`id: was ${printable(known.id)}, is ${plugin.manifest.id}`);
    if (known.origin !== plugin.origin) {
      lines.push(`origin: was ${printable(known.origin)}, is ${printable(plugin.origin)}`);
    }
  }
  if (terms.placement !== asked.placement) {
    lines.push(`placement: was ${describePlacement(terms.placement)}, is ${describePlacement(asked.placement)}`);
  }
  for (const name of new Set([...Object.keys(terms.rights), ...Object.keys(asked.rights)])) {
    lines.push(...rightDifference(name, own(terms.rights, name), own(asked.rights, name)));
  }
  if (hash !== plugin.content && lines.length === 1) lines.push("rights: the same");
  return { ...(hash === plugin.content ? {} : { content: hash }), lines };
}

/** What a right allows, in words. */
export function rightText(right: AgreedRight | Omit<AgreedRight, "value">): string {
  if (right.kind === "connect") return "connect to";
  if (right.kind === "listen") return "listen at";
  switch ((right as { access: string }).access) {
    case "read":
      return "read file";
    case "write":
      return "write file";
    default:
      return "read and write file";
  }
}

function rightDifference(name: string, was: AgreedRight | undefined, is: AgreedRight | undefined): string[] {
  const text = (right: AgreedRight) => `${rightText(right)} ${printable(right.value)}`;
  const label = `"${printable(name)}"`;
  if (was === undefined && is !== undefined) return [`${label}: new, to ${text(is)}`];
  if (is === undefined && was !== undefined) return [`${label}: no longer asked for, was to ${text(was)}`];
  const lines: string[] = [];
  if (text(was!) !== text(is!)) lines.push(`${label}: was to ${text(was!)}, is to ${text(is!)}`);
  if (was!.why !== is!.why) lines.push(`${label}: the reason was "${printable(was!.why)}"`);
  return lines;
}

function nearest({ content, origin, manifest }: BoundPlugin, lock: Lock): readonly [string, LockedPlugin] | undefined {
  const agreed = Object.entries(lock).filter(([, plugin]) => plugin.agreed.length > 0);
  return agreed.find(([hash]) => hash === content) ?? agreed.find(([, plugin]) => plugin.origin === origin) ??
    agreed.find(([, plugin]) => plugin.id === manifest.id);
}

/** The agreement that shares most of its rights with what is asked for. */
function closest(agreed: readonly AgreedTerms[], asked: AgreedTerms): AgreedTerms {
  const shared = (terms: AgreedTerms) =>
    Object.entries(asked.rights).filter(([name, { value }]) => own(terms.rights, name)?.value === value).length;
  return agreed.reduce((best, terms) => shared(terms) >= shared(best) ? terms : best);
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
