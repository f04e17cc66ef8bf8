/**
 * Assembled code as discovery sees it, for tests.
 *
 * @module
 */
import { assemble } from "../../x86/assemble.ts";
import { DECODE, decode } from "../../x86/decode.ts";
import { Instruction } from "../../x86/instruction.ts";
import { MODE } from "../../x86/registers.ts";
import { type CodeSource, discover } from "./discover.ts";
import type { Region } from "./region.ts";

/** What a test says of its code, where it matters. */
export interface PageOptions {
  /** Page offset of the first byte. */
  readonly at?: number;
  /** Where discovery begins: the first byte if not said. */
  readonly entry?: number;
  readonly bits?: 16 | 32;
  /** Offsets that the interpreter has not met. */
  readonly unreached?: readonly number[];
  /** Offsets whose fast path has proved not to serve. */
  readonly slow?: readonly number[];
  readonly calledOut?: readonly string[];
  /** What any table of addresses names. */
  readonly table?: readonly number[];
  /** Regions that exist: how long they are, by where they begin. */
  readonly translated?: ReadonlyMap<number, number>;
  /** Most instructions. */
  readonly limit?: number;
}

/** The region of a 4 KB page that holds the code at an offset, and NOPs elsewhere. */
export function regionOf(source: string, options: PageOptions = {}): Region | undefined {
  const { at = 0, bits = 32 } = options;
  const page = new Uint8Array(4096).fill(0x90);
  page.set(assemble(source, { bits, origin: at }).bytes, at);
  const code: CodeSource = {
    decode(offset) {
      const instruction = new Instruction();
      return decode(page, offset, 4096 - offset, bits === 32, instruction) === DECODE.OK ? instruction : undefined;
    },
    reached: (offset) => options.unreached?.includes(offset) !== true,
    slow: (offset) => options.slow?.includes(offset) === true,
    alone: () => false,
    table: () => options.table ?? [],
    translated: (offset) => options.translated?.get(offset) ?? 0,
    calledOut: new Set(options.calledOut),
  };
  const mode = bits === 32 ? MODE.D | MODE.FLAT : 0;
  return discover({ page: 1, offset: options.entry ?? at, mode, user: false }, code, options.limit);
}
