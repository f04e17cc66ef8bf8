/**
 * What an owner granted to a plugin, as data: bound to real things, and to the content that was granted.
 *
 * A plugin names the host rights it needs by placeholders; the owner binds each to a real file or peer. This file says how such an agreement
 * is written down and turned into the rights of a compartment. It holds no policy.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { HostRight, HostRights } from "../bus/host_rights.ts";
import { NO_RIGHTS, type Rights } from "./rights.ts";

/** A grant, version 1. Plain data: it is written to a lock file and into the audit. */
export interface Grant {
  /** Version of this form. */
  readonly version: 1;
  /** The plugin's id: `acme/heartbeat`. */
  readonly plugin: string;
  /** SHA-256 of the plugin's one JavaScript text and its manifest, in lower-case hexadecimal: another text has no grant. */
  readonly content: string;
  /** Real things by placeholder: an absolute real path, `host:port`, or `unix:` and an absolute path. */
  readonly bindings: Readonly<Record<string, string>>;
}

/**
 * The rights that a grant gives to a plugin with these needs: those that are both needed and bound, nothing else.
 *
 * @throws {BulkheadError} `right-not-granted` when a need is not bound.
 */
export function grantedRights(needs: HostRights | undefined, grant: Grant): Rights {
  const read = new Set<string>(), write = new Set<string>(), net = new Set<string>();
  for (const [name, right] of Object.entries(needs ?? {})) {
    const real = Object.hasOwn(grant.bindings, name) ? grant.bindings[name] : undefined;
    if (real === undefined) throw notGranted(grant.plugin, name, right);
    if (right.kind !== "file" && !real.startsWith("unix:")) {
      net.add(real);
      continue;
    }
    // A Unix socket is an address and a file, for Deno's permissions.
    if (right.kind !== "file") net.add(real);
    const path = real.replace(/^unix:/, "");
    if (right.kind !== "file" || right.access !== "write") read.add(path);
    if (right.kind !== "file" || right.access !== "read") write.add(path);
  }
  return { ...NO_RIGHTS, read: [...read], write: [...write], net: [...net] };
}

function notGranted(plugin: string, name: string, right: HostRight): BulkheadError {
  const what = right.kind === "file"
    ? `a file to ${right.access.replace("-", " and ")}`
    : `an address to ${right.kind}`;
  const real = right.kind === "file" ? "file" : "host:port";
  return new BulkheadError({
    code: "right-not-granted",
    subject: `plugin "${plugin}"`,
    expected: `a grant that binds "${name}" to ${what}`,
    found: "none",
    remedy: `bind "${name}" to a real ${real}; it is needed because ${right.why}`,
  });
}
