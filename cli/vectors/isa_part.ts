/**
 * Which part of the instruction set an opcode belongs to: names what is not built.
 *
 * @module
 */
import { bytesOf } from "./real_mode_format.ts";

const SEGMENT_LOCK_ADDRESS = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0x67];
const OPERAND_SIZE = 0x66, REPNE = 0xf2, REP = 0xf3, TWO_BYTE = 0x0f;

/** MMX as the Pentium had it: without a prefix. */
const MMX = new Set<number>();
for (
  const [from, to] of [[0x60, 0x6b], [0x6e, 0x6f], [0x71, 0x77], [0x7e, 0x7f], [0xd1, 0xd3], [0xdb, 0xdd]] as const
) {
  for (let opcode = from; opcode <= to; opcode++) MMX.add(opcode);
}
for (const row of [0xd0, 0xe0, 0xf0]) for (const column of [1, 2, 5, 8, 9, 0xb, 0xc, 0xd, 0xf]) MMX.add(row + column);
for (const opcode of [0xdf, 0xef, 0xf3, 0xfa, 0xfe]) MMX.add(opcode);
MMX.delete(0xff);

/** An instruction's opcode and what it belongs to; `part` is undefined for the integer and x87 instructions. */
export interface Opcode {
  readonly text: string;
  readonly part: string | undefined;
}

/** Finds both in an instruction's bytes, given in hexadecimal. */
export function opcodeOf(code: string): Opcode {
  const bytes = bytesOf(code);
  let prefix = 0, at = 0;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === REP || byte === REPNE || (byte === OPERAND_SIZE && prefix === 0)) prefix = byte;
    else if (byte !== OPERAND_SIZE && !SEGMENT_LOCK_ADDRESS.includes(byte)) break;
  }
  const opcode = [bytes[at]!];
  if (opcode[0] === TWO_BYTE) {
    opcode.push(bytes[at + 1]!);
    if (opcode[1] === 0x38 || opcode[1] === 0x3a) opcode.push(bytes[at + 2]!);
  }
  const part = opcode.length === 1 ? undefined : partOf(opcode, prefix);
  const named = part === undefined || prefix === 0 ? opcode : [prefix, ...opcode];
  return { text: named.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" "), part };
}

function partOf([, second, third]: readonly number[], prefix: number): string | undefined {
  if (second === 0x38) return partOf38(third!);
  if (second === 0x3a) return partOf3A(third!);
  const opcode = second!;
  const simd = (opcode >= 0x10 && opcode <= 0x17) || (opcode >= 0x28 && opcode <= 0x2f) ||
    (opcode >= 0x50 && opcode <= 0x7f) || opcode === 0xae || opcode === 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6) ||
    opcode >= 0xd0;
  if (!simd) return undefined;
  if (isSse3(opcode, prefix)) return "SSE3";
  if (prefix === 0) return MMX.has(opcode) ? "MMX" : "SSE";
  return prefix === REP && !(opcode >= 0x6f && opcode !== 0xc2) && opcode !== 0x5b && opcode !== 0xe6 ? "SSE" : "SSE2";
}

function isSse3(opcode: number, prefix: number): boolean {
  if (opcode === 0x7c || opcode === 0x7d || opcode === 0xd0) return true;
  return (prefix === REPNE && (opcode === 0xf0 || opcode === 0x12)) ||
    (prefix === REP && (opcode === 0x12 || opcode === 0x16));
}

function partOf38(third: number): string | undefined {
  if (third >= 0xf0) return undefined;
  if (third <= 0x0b || (third >= 0x1c && third <= 0x1e)) return "SSSE3";
  if (third >= 0xdb && third <= 0xdf) return "AES";
  return third === 0x37 ? "SSE4.2" : "SSE4.1";
}

function partOf3A(third: number): string {
  if (third === 0x0f) return "SSSE3";
  if (third === 0x44) return "PCLMULQDQ";
  if (third === 0xdf) return "AES";
  return third >= 0x60 && third <= 0x63 ? "SSE4.2" : "SSE4.1";
}
