/**
 * Reads the opcode column of the table (the notation that `Form` documents).
 *
 * @module
 */

/** Mandatory prefixes as a decoder's column: none of the three, 66, F3, F2. `ANY`: the form does not look at them. */
export const SIMD = { NONE: 0, P66: 1, PF3: 2, PF2: 3, ANY: -1 } as const;

/** Opcode maps: one-byte, 0F, 0F 38, 0F 3A (Intel SDM volume 2, 2.1.2). */
export const MAP_ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/** An opcode column, read. */
export interface Encoding {
  /** A SIMD value. */
  readonly simd: number;
  /** Index in MAP_ESCAPES. */
  readonly map: number;
  /** Last opcode byte. */
  readonly byte: number;
  /** Operand size that the form demands: 0 (any), 2, 4. */
  readonly operandSize: number;
  /** Address size that the form demands: 0 (any), 2, 4. */
  readonly addressSize: number;
  /** The low three opcode bits name a register. */
  readonly register: boolean;
  /** A ModRM byte follows. */
  readonly modrm: boolean;
  /** Opcode extension in ModRM.reg, or -1. */
  readonly digit: number;
  /** Whole ModRM byte of a register form, or -1. */
  readonly fixed: number;
  /** With `fixed`: its low three bits are free. */
  readonly fixedLow: boolean;
}

const SIMD_PREFIXES: Readonly<Record<string, number>> = { NP: SIMD.NONE, 66: SIMD.P66, F3: SIMD.PF3, F2: SIMD.PF2 };
const SIZES: Readonly<Record<string, number>> = { o16: 2, o32: 4 };
const ADDRESS_SIZES: Readonly<Record<string, number>> = { a16: 2, a32: 4 };

/**
 * Reads an opcode column.
 *
 * @throws {Error} The column is not in the notation: a mistake in the table.
 */
export function parseOpcode(opcode: string): Encoding {
  const words = opcode.split(" ");
  let simd: number = SIMD.ANY;
  let operandSize = 0;
  let addressSize = 0;
  // A mandatory prefix is one only in front of something: the opcodes 66, F2 and F3 are prefixes and never forms.
  while (words.length > 1) {
    const word = words[0]!;
    if (word in SIMD_PREFIXES) simd = SIMD_PREFIXES[word]!;
    else if (word in SIZES) operandSize = SIZES[word]!;
    else if (word in ADDRESS_SIZES) addressSize = ADDRESS_SIZES[word]!;
    else break;
    words.shift();
  }
  let map = 0;
  if (words[0] === "0F") {
    map = words[1] === "38" ? 2 : words[1] === "3A" ? 3 : 1;
    words.splice(0, map === 1 ? 1 : 2);
  }
  const match = /^([0-9A-F]{2})(\+r)?$/.exec(words[0] ?? "");
  const rest = words[1] ?? "";
  const modrm = /^(?:\/(r|[0-7])|([0-9A-F]{2})(\+i)?)$/.exec(rest);
  if (match === null || words.length > 2 || (rest !== "" && modrm === null)) {
    throw new Error(`the opcode "${opcode}" of the instruction table is not in its notation`);
  }
  return {
    simd,
    map,
    byte: parseInt(match[1]!, 16),
    operandSize,
    addressSize,
    register: match[2] !== undefined,
    modrm: modrm !== null,
    digit: modrm?.[1] !== undefined && modrm[1] !== "r" ? Number(modrm[1]) : -1,
    fixed: modrm?.[2] === undefined ? -1 : parseInt(modrm[2], 16),
    fixedLow: modrm?.[3] !== undefined,
  };
}
