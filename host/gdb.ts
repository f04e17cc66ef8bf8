/**
 * Where a machine that a script starts listens for gdb.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { GdbListener } from "../core/machine/machine.ts";

/** A name, an IPv4 address, or an IPv6 address with or without its brackets. */
const HOSTNAME = /^([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$/;

/** Where a machine listens for gdb, and what it does until gdb comes. */
export interface GdbOptions {
  /** The host's address to listen at; 127.0.0.1 if absent. Whoever can reach it controls the guest. */
  readonly hostname?: string;
  /** The port; 0 is any that is free, and `VirtualMachine.gdb` tells which. */
  readonly port: number;
  /** Whether the guest stands before its next instruction until gdb lets it run; true if absent. Else it runs, and stops when gdb connects. */
  readonly hold?: boolean;
}

/**
 * Checks the options.
 *
 * @throws {BulkheadError} `bad-option`.
 */
export function gdbListener(options: GdbOptions | undefined): GdbListener | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null) throw bad("", "an object with a port", options);
  const { hostname = "127.0.0.1", port, hold = true } = options;
  if (typeof hostname !== "string" || !HOSTNAME.test(hostname)) {
    throw bad("hostname", "an address of this host", hostname);
  }
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw bad("port", "a port from 0 to 65535", port);
  if (typeof hold !== "boolean") throw bad("hold", "true or false", hold);
  // As Deno writes an address with a port.
  const bracketed = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  return { hostname: bracketed, port, hold };
}

function bad(field: string, expected: string, found: unknown): BulkheadError {
  return new BulkheadError({
    code: "bad-option",
    subject: "the option gdb",
    ...(field === "" ? {} : { where: field }),
    expected,
    found: found === undefined ? "nothing" : JSON.stringify(found) ?? String(found),
  });
}
