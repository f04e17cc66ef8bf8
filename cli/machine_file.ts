/**
 * Machine files: modules whose default export is a machine definition.
 *
 * @module
 */
import { toFileUrl } from "@std/path";
import { BulkheadError } from "../core/bus/error.ts";
import type { MachineDefinition } from "../core/machine/definition.ts";

/**
 * Loads a machine file. What it exports is checked with the definition, later.
 *
 * @throws {BulkheadError} `machine-file`: no such file, a folder, no module, a module that throws, or one without a default export.
 */
export async function loadMachineFile(path: string): Promise<MachineDefinition> {
  const bad = (expected: string, found: string, cause?: unknown) =>
    new BulkheadError({ code: "machine-file", subject: `machine file "${path}"`, expected, found }, { cause });
  let real: string;
  try {
    real = await Deno.realPath(path);
    if ((await Deno.stat(real)).isDirectory) throw bad("a module", "a folder");
  } catch (error) {
    if (error instanceof BulkheadError) throw error;
    const missing = error instanceof Deno.errors.NotFound;
    throw bad("a module that can be read", missing ? "nothing of that name" : firstLine(error), error);
  }
  let module: { default?: unknown };
  try {
    module = await import(toFileUrl(real).href);
  } catch (error) {
    throw bad("a module that loads", firstLine(error), error);
  }
  if (module.default === undefined) {
    throw bad("a default export that is a machine definition", `only ${Object.keys(module).join(", ") || "nothing"}`);
  }
  const definition = module.default;
  if (typeof definition !== "object" || definition === null || Array.isArray(definition)) {
    throw bad("a default export that is a machine definition", describe(definition));
  }
  return definition as MachineDefinition;
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split("\n")[0]!;
}
