/**
 * Random programs as lists of pieces, from which a shrinker can take any away.
 *
 * @module
 */
import { disassemble } from "../../x86/disassemble.ts";

/** Where a piece comes to stand. */
export interface Place {
  /** EIP of its first byte. */
  readonly here: number;
  /** EIP of a label; that of the program's end where its piece was taken away. */
  at(label: number): number;
}

/** A few bytes that stay together: an instruction, a table, or a label. */
export interface Piece {
  /** CS.D where it is meant to run. */
  readonly big: boolean;
  /** The label that stands in front of it. */
  readonly label?: number;
  /** It is data: no instruction begins in it. */
  readonly data?: boolean;
  /** Its last so many bytes differ in the second address space. */
  readonly variable?: number;
  /** Its bytes; their number may depend on where things are. */
  readonly bytes: readonly number[] | ((place: Place) => readonly number[]);
}

/** The label of the program's end. */
export const END = 0;

/** A program in its place. */
export interface Laid {
  readonly origin: number;
  readonly bytes: Uint8Array;
  /** EIP of each piece. */
  readonly addresses: readonly number[];
  readonly lengths: readonly number[];
  readonly labels: ReadonlyMap<number, number>;
}

/** After so many passes the lengths stay what they are. */
const PASSES = 12;

/** Puts pieces one behind the other. */
export function lay(pieces: readonly Piece[], origin: number): Laid {
  let labels = new Map<number, number>();
  for (let pass = 0;; pass++) {
    const found = new Map<number, number>();
    const bytes: number[] = [], addresses: number[] = [], lengths: number[] = [];
    const end = labels.get(END) ?? origin;
    let moved = false;
    for (const { label, bytes: made } of pieces) {
      const here = origin + bytes.length;
      if (label !== undefined) found.set(label, here);
      const known = labels;
      const emitted = typeof made === "function" ? made({ here, at: (name) => known.get(name) ?? end }) : made;
      addresses.push(here);
      lengths.push(emitted.length);
      for (const byte of emitted) bytes.push(byte);
    }
    if (!found.has(END)) found.set(END, origin + bytes.length);
    for (const [label, at] of found) moved ||= labels.get(label) !== at;
    labels = found;
    if (!moved || pass === PASSES) return { origin, bytes: Uint8Array.from(bytes), addresses, lengths, labels };
  }
}

/** A program as text: a line for each instruction. */
export function listing(pieces: readonly Piece[], laid: Laid): string[] {
  const lines: string[] = [];
  for (const [i, { big, label, data }] of pieces.entries()) {
    const address = laid.addresses[i]!, at = address - laid.origin;
    const bytes = laid.bytes.subarray(at, at + laid.lengths[i]!);
    if (label !== undefined) lines.push(`l${label}:`);
    if (bytes.length === 0) continue;
    if (data === true) {
      const shown = Array.from(bytes.subarray(0, 32), (byte) => `0x${byte.toString(16)}`).join(", ");
      lines.push(`${hex(address)}  db ${shown}${bytes.length > 32 ? ` ... (${bytes.length} bytes)` : ""}`);
      continue;
    }
    for (const line of disassemble(bytes, { bits: big ? 32 : 16, address })) {
      lines.push(`${hex(line.address)}  ${line.hex.padEnd(22)} ${line.text}${big ? "" : "  ; 16 bits"}`);
    }
  }
  return lines;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
