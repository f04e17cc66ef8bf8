/**
 * What an owner granted to a plugin, as data: bound to real things, and to the content that was granted.
 *
 * A plugin names the host rights it needs (`needs.host` of the device contract); the owner binds each name to a real file or peer. This
 * file says how such an agreement is written down and turned into the rights of a compartment. It holds no policy.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { HostRights } from "../bus/claims.ts";
import { NO_RIGHTS, type Rights } from "./rights.ts";

/** A grant, version 1. Plain data: it is written to a lock file and into the audit. */
export interface Grant {
  /** Version of this form. */
  readonly version: 1;
  /** The plugin's id: `acme/heartbeat`. */
  readonly plugin: string;
  /** SHA-256 of the plugin's one JavaScript text and its manifest, in lower-case hexadecimal: another text has no grant. */
  readonly content: string;
  /** Real things by the plugin's own names for them. */
  readonly bindings: {
    /** Absolute real paths of files to read. */
    readonly read?: Readonly<Record<string, string>>;
    /** Absolute real paths of files to write. */
    readonly write?: Readonly<Record<string, string>>;
    /** Network peers, `host:port`. */
    readonly net?: Readonly<Record<string, string>>;
  };
}

/**
 * The rights that a grant gives to a plugin with these needs: those that are both needed and bound, nothing else.
 *
 * @throws {BulkheadError} `right-not-granted` when a need is not bound.
 */
export function grantedRights(needs: HostRights | undefined, grant: Grant): Rights {
  const bound = (key: "read" | "write" | "net") =>
    (needs?.[key] ?? []).map((name) => {
      const real = Object.hasOwn(grant.bindings[key] ?? {}, name) ? grant.bindings[key]?.[name] : undefined;
      if (real !== undefined) return real;
      throw new BulkheadError({
        code: "right-not-granted",
        subject: `plugin "${grant.plugin}"`,
        expected: `a grant to ${key === "net" ? "reach" : key} "${name}"`,
        found: "none",
        remedy: `bind "${name}" to a real ${key === "net" ? "host:port" : "file"}; it is needed because ${needs?.why}`,
      });
    });
  return { ...NO_RIGHTS, read: bound("read"), write: bound("write"), net: bound("net") };
}
