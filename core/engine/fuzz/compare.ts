/**
 * Finds the first piece of state in which two machines differ.
 *
 * @module
 */
import { SEG, SEGMENT, STATE } from "../../x86/registers.ts";
import { SEGMENT_NAMES } from "../../x86/names.ts";
import { architecturalState } from "../cpu_start.ts";
import { ENDLESS, ENTRY, type FuzzMachine, LOG } from "./fuzz_machine.ts";

const REGISTERS = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];

const LOG_NAMES = Object.fromEntries(
  Object.entries(LOG).map(([name, kind]) => [kind, name.toLowerCase().replace("_", " ")]),
);

/** Fields by their place in the state block. */
const FIELDS = Object.entries(STATE).sort(([, a], [, b]) => a - b);

/** Derived from the segment registers, differently while accesses are observed. */
function isDerived(at: number): boolean {
  return (at >= STATE.WINDOWS && at < STATE.MSR) || at === STATE.CS_LIMIT;
}

/** What differs first between two machines that ran the same; undefined: nothing. */
export function difference(first: FuzzMachine, second: FuzzMachine): string | undefined {
  const logged = log(first, second);
  // Broken off in the middle of an instruction.
  if (logged !== undefined || (first.ended === ENDLESS && second.ended === ENDLESS)) return logged;
  return ended(first, second) ?? registers(first, second) ?? memory(first, second);
}

function ended(first: FuzzMachine, second: FuzzMachine): string | undefined {
  if (first.ended !== second.ended) return said("the run's end", first.ended, second.ended);
  if (first.retired !== second.retired) return said("instructions retired", first.retired, second.retired);
  return undefined;
}

function entry(log: readonly number[], at: number): string {
  if (at >= log.length) return "nothing";
  const [kind, retired, a, b] = log.slice(at, at + ENTRY) as [number, number, number, number];
  const values = kind === LOG.FAULT
    ? `vector ${a}, error code ${b < 0 ? "none" : hex(b)}`
    : kind === LOG.INTERRUPT
    ? `vector ${a}`
    : kind === LOG.PORT_WRITE || kind === LOG.MMIO_WRITE
    ? `${hex(Math.floor(a / 8))}, ${a % 8} bytes, ${hex(b)}`
    : `${hex(a)}, ${hex(b)}`;
  return `${LOG_NAMES[kind]} after ${retired} instructions: ${values}`;
}

function log(first: FuzzMachine, second: FuzzMachine): string | undefined {
  const length = Math.max(first.log.length, second.log.length);
  for (let at = 0; at < length; at += ENTRY) {
    for (let i = at; i < at + ENTRY; i++) {
      if (first.log[i] !== second.log[i]) {
        return said(`entry ${at / ENTRY} of the log`, entry(first.log, at), entry(second.log, at));
      }
    }
  }
  return undefined;
}

function registers(first: FuzzMachine, second: FuzzMachine): string | undefined {
  const a = new Uint32Array(architecturalState(first.vcpu.cpu).buffer);
  const b = new Uint32Array(architecturalState(second.vcpu.cpu).buffer);
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !isDerived(i * 4)) return said(field(i * 4), hex(a[i]!), hex(b[i]!));
  }
  const flags = ["halted", "shutdown", "lastVector", "lastError"] as const;
  for (const name of flags) {
    const one = first.vcpu.cpu[name], other = second.vcpu.cpu[name];
    if (one !== other) return said(name, one, other);
  }
  return undefined;
}

/** The name of a place in the state block. */
function field(at: number): string {
  if (at < STATE.ZERO) return REGISTERS[at >> 3] ?? `register ${at >> 3}`;
  if (at >= STATE.SEGMENTS && at < STATE.WINDOWS) {
    const segment = Math.floor((at - STATE.SEGMENTS) / SEGMENT.SIZE), inside = (at - STATE.SEGMENTS) % SEGMENT.SIZE;
    const part = inside === SEGMENT.SELECTOR
      ? "selector"
      : inside === SEGMENT.ATTRIBUTES
      ? "attributes"
      : inside < SEGMENT.LIMIT
      ? "base"
      : "limit";
    return `${SEGMENT_NAMES[segment] ?? (segment === SEG.TR ? "tr" : "ldtr")}.${part}`;
  }
  const [name, start] = FIELDS.findLast(([, place]) => place <= at)!;
  return at === start ? name : `${name} + ${at - start}`;
}

function memory(first: FuzzMachine, second: FuzzMachine): string | undefined {
  const { ram: a } = first, { ram: b } = second;
  const words = (ram: Uint8Array) => new Int32Array(ram.buffer, ram.byteOffset, ram.byteLength >> 2);
  const x = words(a), y = words(b);
  for (let i = 0; i < x.length; i++) {
    if (x[i] === y[i]) continue;
    let at = i * 4;
    while (a[at] === b[at]) at++;
    return said(`the byte of RAM at ${hex(at)}`, hex(a[at]!), hex(b[at]!));
  }
  return undefined;
}

function said(what: string, first: unknown, second: unknown): string {
  return `${what}: ${first} and ${second}`;
}

function hex(value: number): string {
  return `0x${(value < 0 ? value >>> 0 : value).toString(16)}`;
}
