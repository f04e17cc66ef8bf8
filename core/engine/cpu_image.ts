/**
 * A processor's state by the names of its fields: what a snapshot keeps, whatever the layout of the block becomes.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { Cpu } from "../x86/cpu.ts";
import { STATE } from "../x86/registers.ts";
import { ENGINE_FIELDS } from "./cpu_start.ts";

/** A processor at an instruction boundary, as plain data. */
export interface CpuImage {
  /** Fields of the block that are architecture, by their names in STATE, as hexadecimal bytes. */
  readonly fields: Readonly<Record<string, string>>;
  /** HLT has executed and no event has been delivered since. */
  readonly halted: boolean;
  /** The last exception, for reports: vector and error code, -1 for none. */
  readonly lastVector: number;
  readonly lastError: number;
}

interface Field {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
}

/** What is derived from other fields. */
const DERIVED: readonly number[] = [...ENGINE_FIELDS, STATE.ZERO, STATE.WINDOWS, STATE.CS_LIMIT];

/** Every byte of the block belongs to the field before it: a field that is added to STATE is saved without a word here. */
const FIELDS: readonly Field[] = Object.entries(STATE)
  .sort(([, a], [, b]) => a - b)
  .map(([name, at], index, all) => ({ name, at, bytes: (all[index + 1]?.[1] ?? at) - at }))
  .filter(({ at, bytes }) => bytes > 0 && !DERIVED.includes(at));

/** Copies a processor's architectural state. */
export function cpuImage(cpu: Cpu): CpuImage {
  const block = cpu.u8.slice();
  new Uint32Array(block.buffer)[STATE.EFLAGS >> 2] = cpu.eflags;
  return {
    fields: Object.fromEntries(FIELDS.map(({ name, at, bytes }) => [name, block.subarray(at, at + bytes).toHex()])),
    halted: cpu.halted,
    lastVector: cpu.lastVector,
    lastError: cpu.lastError,
  };
}

/**
 * Gives a processor that was just reset the state of an image, and derives the rest.
 *
 * @throws {BulkheadError} `cpu-image`: fields that are missing, unknown or of another size, or values that no processor has.
 */
export function restoreCpu(cpu: Cpu, image: CpuImage): void {
  const given = new Set(Object.keys(image.fields));
  for (const { name, at, bytes } of FIELDS) {
    const text = image.fields[name];
    if (!given.delete(name) || typeof text !== "string" || !/^[0-9a-f]*$/.test(text) || text.length !== 2 * bytes) {
      throw bad(name, `${bytes} bytes in hexadecimal`, typeof text === "string" ? `${text.length} characters` : "none");
    }
    cpu.u8.set(Uint8Array.fromHex(text), at);
  }
  for (const name of given) throw bad(name, "fields that this release knows", `"${name}"`);
  limit(cpu, "CPL", STATE.CPL, 3);
  limit(cpu, "SHADOW", STATE.SHADOW, 2);
  limit(cpu, "A20", STATE.A20, 1);
  if (typeof image.halted !== "boolean") throw bad("halted", "true or false", `${image.halted}`);
  cpu.setEflags(cpu.u32[STATE.EFLAGS >> 2]!, ~0);
  cpu.setCpl(cpu.cpl);
  cpu.refreshSegments();
  cpu.halted = image.halted;
  cpu.lastVector = number("lastVector", image.lastVector);
  cpu.lastError = number("lastError", image.lastError);
}

function limit(cpu: Cpu, name: string, at: number, most: number): void {
  const value = cpu.u32[at >> 2]!;
  if (value > most) throw bad(name, `a value up to ${most}`, `${value}`);
}

function number(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw bad(name, "a whole number", `${value}`);
}

function bad(field: string, expected: string, found: string): BulkheadError {
  return new BulkheadError({ code: "cpu-image", subject: "the saved processor", where: field, expected, found });
}
