/**
 * Where `--gdb` listens.
 *
 * @module
 */
import { usage } from "./options.ts";

/** Reads `:PORT` (on the loopback address) or `HOST:PORT`; port 0 is any that is free. @throws {BulkheadError} `usage`. */
export function parseGdbAddress(text: string, option: string): { hostname: string; port: number } {
  const [, hostname, digits] = /^([0-9A-Za-z.-]*|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) > 65535) {
    throw usage(option, "an address such as :1234 or 127.0.0.1:0", `"${text}"`);
  }
  return { hostname: hostname === "" ? "127.0.0.1" : hostname!, port: Number(digits) };
}
