/**
 * What the audit tells of an access to the host.
 *
 * @module
 */
import type { HostUse } from "./host_uses.ts";

/** A line of the audit. */
export interface AuditRecord {
  /** When the first of its accesses was told: ISO 8601, UTC. */
  readonly time: string;
  /** The plugin's id. */
  readonly plugin: string;
  /** Its name in the machine. */
  readonly name: string;
  /** The hash of its content. */
  readonly content: string;
  /** Its placeholder for what it accessed; as it was asked for, where nothing of that name was agreed to. */
  readonly right: string;
  /** The real thing; empty where there is none. */
  readonly value: string;
  /** What was done: `open`, `read`, `write`, `connect` and the like. */
  readonly action: string;
  /** How many equal accesses this is. */
  readonly uses: number;
  /** Bytes that they moved; left out where there are none. */
  readonly bytes?: number;
  /** `denied`: by a rule; `failed`: by the host's system. */
  readonly outcome: HostUse["outcome"];
  /** Why it happened, or why it did not. */
  readonly cause: string;
}
