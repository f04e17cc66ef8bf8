/**
 * The contract of a back end: a plugin that touches the host, or knows a format, on behalf of a device.
 *
 * A back end is a value made by {@linkcode backend}. It has no access to the guest, and to the host only by the handles that it named: the
 * machine's owner binds each name to a real thing. It runs in a compartment of its own.
 *
 * @module
 */
import type { BackendKind, BackendKinds } from "./backend_kinds.ts";
import type { ConfigOf, ConfigSchema } from "./config.ts";
import type { Connection, FileHandle, HostRights, Listener, RightsOf } from "./host_rights.ts";
import type { LogLevel } from "./log.ts";

/** What a back end is given: what it named, and nothing else. */
export interface BackendContext<C extends ConfigSchema, H extends HostRights, K extends BackendKind> {
  /** The checked configuration. */
  readonly config: ConfigOf<C>;
  /** The side of its kind that the core implements. */
  readonly port: BackendKinds[K]["port"];
  /**
   * The file that the owner bound.
   *
   * @throws {BulkheadError} `host-io`: it cannot be opened.
   */
  file(name: RightsOf<H, "file">): FileHandle;
  /** Connects to the peer that the owner bound. @throws {BulkheadError} `host-io`: nobody answers there. */
  connect(name: RightsOf<H, "connect">): Promise<Connection>;
  /** Listens at the address that the owner bound. @throws {BulkheadError} `host-io`: it is taken. */
  listen(name: RightsOf<H, "listen">): Promise<Listener>;
  /** Reports something. */
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, number | string | boolean>>): void;
  /** Adds to a counter of the back end's statistics. */
  count(metric: string, by?: number): void;
}

/** A back end: what {@linkcode backend} takes and returns. */
export interface Backend<
  K extends BackendKind = BackendKind,
  C extends ConfigSchema = ConfigSchema,
  H extends HostRights = HostRights,
> {
  /** Author and name, lower case: `acme/tape`. */
  readonly id: string;
  /** Version of this contract. */
  readonly api: 1;
  /** Version of the back end. */
  readonly version: number;
  /** Which kind it is. */
  readonly provides: K;
  /** What can be configured. */
  readonly config?: C;
  /** Rights on the host, each with its reason; none if absent. */
  readonly host?: H;
  /** Opens it. Refuse with a {@linkcode BulkheadError} what is not to be used: a file of another format, a corrupt header. */
  open(ctx: BackendContext<C, H, K>): BackendKinds[K]["backend"] | Promise<BackendKinds[K]["backend"]>;
}

/** Any back end, whatever its types. */
// deno-lint-ignore no-explicit-any
export type AnyBackend = Backend<BackendKind, any, any>;

/**
 * Defines a back end. A name that `host` does not declare is a type error here and refused when it is used.
 *
 * @example A disk of zeros
 * ```ts
 * import { backend } from "./backend_contract.ts";
 *
 * export default backend({
 *   id: "acme/zeros",
 *   api: 1,
 *   version: 1,
 *   provides: "block",
 *   config: { megabytes: { default: 16, min: 1, max: 4096, doc: "capacity in MB" } },
 *   open: ({ config }) => ({
 *     bytes: config.megabytes * 2 ** 20,
 *     sectorBytes: 512,
 *     readOnly: true,
 *     read: (_offset, into) => void into.fill(0),
 *     write: () => {},
 *     flush: () => {},
 *   }),
 * });
 * ```
 */
export function backend<
  const K extends BackendKind,
  const C extends ConfigSchema = Record<never, never>,
  const H extends HostRights = Record<never, never>,
>(definition: Backend<K, C, H>): Backend<K, C, H> {
  return definition;
}
