/**
 * Interfaces of devices that are known by what they declared.
 *
 * @module
 */
import * as contract from "../bus/mod.ts";
import { defineInterface, type Interface } from "../bus/interface.ts";
import type { InterfaceManifest } from "./description.ts";

/** The contract's own as they are, a plugin's own by their members. `open` makes a method of an open connector. */
export function revived(
  described: Readonly<Record<string, InterfaceManifest>>,
  open: (use: string, member: string) => (...args: unknown[]) => unknown,
): Record<string, Interface<object>> {
  return Object.fromEntries(
    Object.entries(described).map(([use, { name, members }]) => {
      const known = Object.values(contract as Record<string, unknown>).find((value): value is Interface<object> =>
        typeof value === "object" && value !== null && "unconnected" in value &&
        (value as unknown as { name: unknown }).name === name
      );
      if (known !== undefined && Object.keys(known.unconnected).join() === Object.keys(members).join()) {
        return [use, known];
      }
      const fallbacks = Object.entries(members).map(([member, what]) => [
        member,
        "method" in what ? open(use, member) : what.value,
      ]);
      return [use, defineInterface(name, Object.fromEntries(fallbacks))];
    }),
  );
}
