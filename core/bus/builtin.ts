/**
 * Node's built-in modules, loaded when they are first used: an import would cost every process and every thread 10 to 30 ms of its start.
 *
 * @module
 */

/** The ones that Bulkhead uses. */
export interface Builtins {
  /** Hashes in pieces. */
  readonly "node:crypto": typeof import("node:crypto");
  /** CPU time of a thread. */
  readonly "node:process": typeof import("node:process");
  /** Settings of V8. */
  readonly "node:v8": typeof import("node:v8");
  /** Contexts of V8. */
  readonly "node:vm": typeof import("node:vm");
  /** Zstandard and gzip. */
  readonly "node:zlib": typeof import("node:zlib");
}

/** A built-in module. */
export function builtin<K extends keyof Builtins>(name: K): Builtins[K] {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): Builtins[K] } };
  return process.getBuiltinModule(name);
}
