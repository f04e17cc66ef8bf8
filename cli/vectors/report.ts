/**
 * What `bulkhead vectors` prints.
 *
 * @module
 */
import type { FileResult } from "./run_file.ts";

/** Failures that are told in full, by file. */
const SHOWN = 3;

/** Counts over files. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly excepted: number;
}

/** Adds up. */
export function totals(results: readonly FileResult[]): Totals {
  let passed = 0, failed = 0, excepted = 0;
  for (const result of results) {
    passed += result.passed;
    failed += result.failures.length;
    for (const opcodes of result.excepted.values()) for (const count of opcodes.values()) excepted += count;
  }
  return { passed, failed, excepted };
}

/** The last line. */
export function summary({ passed, failed, excepted }: Totals): string {
  return `${passed} passed, ${failed} failed, ${excepted} excepted`;
}

/** A file's line, and its first failures. */
export function fileReport(result: FileResult, name: string): string {
  const lines = [`${name}: ${summary(totals([result]))}`];
  for (const { number, name, bytes, differences } of result.failures.slice(0, SHOWN)) {
    lines.push(`  vector ${number}, ${name} (${bytes}): ${differences.slice(0, 6).join("; ")}`);
  }
  if (result.failures.length > SHOWN) lines.push(`  and ${result.failures.length - SHOWN} more`);
  return lines.join("\n");
}

/** Exceptions of all files, by rule, with the opcodes that each names. */
export function exceptionReport(results: readonly FileResult[]): string[] {
  return [...byRule(results)].map(([rule, opcodes]) => {
    const count = [...opcodes.values()].reduce((sum, n) => sum + n, 0);
    return `excepted: ${rule}: ${count} (${opcodes.size === 1 ? "opcode" : "opcodes"} ${
      [...opcodes.keys()].join(", ")
    })`;
  });
}

function byRule(results: readonly FileResult[]): Map<string, Map<string, number>> {
  const rules = new Map<string, Map<string, number>>();
  for (const { excepted } of results) {
    for (const [rule, opcodes] of excepted) {
      const known = rules.get(rule) ?? new Map<string, number>();
      rules.set(rule, known);
      for (const [opcode, count] of opcodes) known.set(opcode, (known.get(opcode) ?? 0) + count);
    }
  }
  return rules;
}

/** Everything, for programs. */
export function jsonReport(results: readonly FileResult[]): string {
  const plain = (rules: ReadonlyMap<string, ReadonlyMap<string, number>>) =>
    Object.fromEntries([...rules].map(([rule, opcodes]) => [rule, Object.fromEntries(opcodes)]));
  return JSON.stringify(
    {
      ...totals(results),
      exceptions: plain(byRule(results)),
      files: results.map((result) => ({
        file: result.file,
        format: result.format,
        ...totals([result]),
        exceptions: plain(result.excepted),
        failures: result.failures,
      })),
    },
    null,
    2,
  );
}
