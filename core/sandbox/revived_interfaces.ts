/**
 * The interfaces of a plugin in another compartment, made again of what its manifest says of them.
 *
 * @module
 */
import * as contract from "../bus/mod.ts";
import { defineInterface, type Interface } from "../bus/interface.ts";
import type { InterfaceManifest } from "./description.ts";

/** What an open connector of a plugin's own interface answers: the plugin's own definition of that is asked. */
export const UNCONNECTED = Symbol("unconnected");

/** Interfaces by what is known of them: the contract's own as they are, a plugin's own by their members. */
export function revived(described: Readonly<Record<string, InterfaceManifest>>): Record<string, Interface<object>> {
  return Object.fromEntries(
    Object.entries(described).map(([use, { name, members }]) => {
      const known = Object.values(contract as Record<string, unknown>).find((value): value is Interface<object> =>
        typeof value === "object" && value !== null && "unconnected" in value &&
        (value as unknown as { name: unknown }).name === name
      );
      if (known !== undefined && Object.keys(known.unconnected).join() === Object.keys(members).join()) {
        return [use, known];
      }
      const open = Object.entries(members).map(([member, what]) => [
        member,
        "method" in what ? () => UNCONNECTED : what.value,
      ]);
      return [use, defineInterface(name, Object.fromEntries(open))];
    }),
  );
}
