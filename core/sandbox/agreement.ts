/**
 * The owner's agreement to what plugins of strangers may do: what needs one, what an earlier one covers, and who is asked.
 *
 * Nothing here runs a plugin. What comes out of {@linkcode agree} is the text that was hashed, and no other text is to run.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { HostRights } from "../bus/host_rights.ts";
import type { BoundPlugin } from "./bound_plugin.ts";
import { type Difference, difference } from "./difference.ts";
import type { AgreedRight, AgreedTerms, Lock } from "./lock.ts";
import type { Placement } from "./placement.ts";
import { printable } from "./printable.ts";
import { rightsTable } from "./rights_table.ts";

/** Who may agree, besides an earlier agreement. */
export interface Consent {
  /** The owner agrees to what is asked for by plugins of which nothing else was agreed to before. */
  readonly all: boolean;
  /** Hashes of contents to which the owner agrees, whatever was agreed to before. */
  readonly contents: readonly string[];
  /**
   * Shows the table and asks the owner. Absent: there is nobody to ask.
   *
   * @returns Whether the owner agrees.
   */
  readonly ask?: (table: string) => boolean | Promise<boolean>;
  /** Shows a table that nobody needs to be asked about, or because of which the start is refused. */
  readonly show: (table: string) => void;
}

/** What was agreed to. */
export interface Agreement {
  /** Adds to a lock what is not in it. */
  readonly record: (lock: Lock) => Lock;
  /** Whether there is anything to add. */
  readonly news: boolean;
  /** Whether somebody has agreed to something, so that it has to be recorded. */
  readonly binding: boolean;
  /** Plugins that need no agreement, whose content is not what it was. */
  readonly altered: readonly BoundPlugin[];
}

/** Where a plugin stands. */
interface Standing {
  readonly plugin: BoundPlugin;
  /** How it differs from what was agreed to before; undefined if nothing was. */
  readonly before: Difference | undefined;
}

/**
 * Whether a plugin needs its owner's agreement: it is a stranger's, and it has rights on the host or runs where nothing holds it. What asks
 * for nothing can spoil the machine that it is part of, and nothing else.
 */
export function needsAgreement({ own, rights, placement }: BoundPlugin): boolean {
  return !own && (Object.keys(rights).length > 0 || placement === "inline");
}

/** What is agreed to with a plugin. */
export function termsOf({ placement, rights, grant }: BoundPlugin): AgreedTerms {
  const bound = ([name, right]: [string, HostRights[string]]): [string, AgreedRight] => {
    return [name, { ...right, value: grant.bindings[name]! }];
  };
  return { placement, rights: Object.fromEntries(Object.entries(rights).map(bound)) };
}

/**
 * Has the owner agree to what plugins ask for, unless it was agreed to before.
 *
 * @throws {BulkheadError} `not-agreed`: the owner did not, or there was nobody to ask.
 */
export async function agree(plugins: readonly BoundPlugin[], lock: Lock, consent: Consent): Promise<Agreement> {
  const open = plugins.filter((plugin) => needsAgreement(plugin) && !covered(plugin, lock))
    .map((plugin): Standing => ({ plugin, before: difference(plugin, termsOf(plugin), lock) }));
  if (open.length > 0) await settle(open, consent);
  const strangers = plugins.filter(({ own }) => !own);
  return {
    news: open.length > 0 || strangers.some(({ content }) => !Object.hasOwn(lock, content)),
    binding: open.length > 0,
    record: (there) => strangers.reduce(recorded, there),
    altered: strangers.filter((plugin) => !needsAgreement(plugin) && altered(plugin, lock)),
  };
}

async function settle(open: readonly Standing[], consent: Consent): Promise<void> {
  const table = rightsTable(open.map(({ plugin, before }) => ({ plugin, terms: termsOf(plugin), before })));
  const left = open.filter(({ plugin, before }) => {
    if (consent.contents.includes(plugin.content)) return false;
    // What a flag that stands in a script agrees to is what its author has seen: not what has become of it since.
    return !(consent.all && before?.content === undefined);
  });
  if (left.length === 0) return consent.show(table);
  if (consent.ask === undefined) {
    consent.show(table);
    throw unagreed(left[0]!);
  }
  if (await consent.ask(table)) return;
  throw new BulkheadError({
    code: "not-agreed",
    subject: nameOf(left[0]!.plugin),
    sentence: `nothing was started: the owner did not agree to what ${nameOf(left[0]!.plugin)} asks for`,
  });
}

function unagreed({ plugin, before }: Standing): BulkheadError {
  const changed = before?.content !== undefined;
  const what = changed
    ? "has changed since its rights were agreed to"
    : before !== undefined
    ? "asks for something else than was agreed to"
    : "asks for rights that nobody has agreed to";
  const flag = changed ? `--agree-content ${plugin.content}` : "--agree";
  const field = changed ? "with that hash in the machine file's `agree`" : "with `agree: true` in the machine file";
  return new BulkheadError({
    code: "not-agreed",
    subject: nameOf(plugin),
    expected: "the owner's agreement to the rights above",
    found: "no agreement and no terminal to ask at",
    remedy: `start it on a terminal, with ${flag}, or ${field}`,
    sentence: `${nameOf(plugin)} ${what}, and there is no terminal to ask at; ` +
      `start it on a terminal, with ${flag}, or ${field}`,
  });
}

/** Whether an earlier agreement allows all of it. */
function covered(plugin: BoundPlugin, lock: Lock): boolean {
  const known = Object.hasOwn(lock, plugin.content) ? lock[plugin.content]! : undefined;
  return known?.agreed.some((terms) => covers(terms, termsOf(plugin))) ?? false;
}

/** How much a placement holds: what was agreed to run in one may run in another that holds no less. */
const HOLDS: Readonly<Record<Placement, number>> = { inline: 0, worker: 1, confined: 2, process: 2 };

function covers(agreed: AgreedTerms, asked: AgreedTerms): boolean {
  if (HOLDS[asked.placement] < HOLDS[agreed.placement]) return false;
  return Object.entries(asked.rights).every(([name, right]) => {
    const before = Object.hasOwn(agreed.rights, name) ? agreed.rights[name] : undefined;
    if (before?.kind !== right.kind || before.value !== right.value) return false;
    if (right.kind !== "file" || before.kind !== "file") return true;
    return right.access === before.access || (right.access === "read" && before.access === "read-write");
  });
}

function recorded(lock: Lock, plugin: BoundPlugin): Lock {
  const { content, origin, manifest: { id, version } } = plugin;
  const before = Object.hasOwn(lock, content) ? lock[content]!.agreed : [];
  const add = needsAgreement(plugin) && !covered(plugin, lock);
  const entry = { id, version, origin, agreed: add ? [...before, termsOf(plugin)] : before };
  // What came from the same place before is what this has taken the place of.
  const others = Object.entries(lock).filter(([hash, other]) => hash !== content && other.origin !== origin);
  return { ...Object.fromEntries(others), [content]: entry };
}

function altered({ content, origin }: BoundPlugin, lock: Lock): boolean {
  return !Object.hasOwn(lock, content) && Object.values(lock).some((other) => other.origin === origin);
}

function nameOf({ name, manifest }: BoundPlugin): string {
  return `plugin "${name}" (${printable(manifest.id)})`;
}
