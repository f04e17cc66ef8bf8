/**
 * The two packages that plugins need, at their owner's side. They are named in full where they are imported, so that a program with a
 * configuration of its own, or with none, finds them as well.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { printable } from "./printable.ts";

/** Loads one. @throws {BulkheadError} `no-package`: it cannot be loaded, and what to do. */
export async function loadPackage<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const found = printable((cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!).slice(0, 300);
    const sentence =
      `the package ${name}, which ${what}, cannot be loaded: ${found}; "deno cache npm:${name}" fetches it, ` +
      `and where the program has a node_modules folder of its own, "deno add npm:${name}" puts it there`;
    throw new BulkheadError({ code: "no-package", subject: name, sentence }, { cause });
  }
}
