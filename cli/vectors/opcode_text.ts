/**
 * The opcode of an instruction as text.
 *
 * @module
 */
import { bytesOf } from "./real_mode_format.ts";

const SEGMENT_LOCK_ADDRESS = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0x67];
const OPERAND_SIZE = 0x66, REPNE = 0xf2, REP = 0xf3, TWO_BYTE = 0x0f;

/** An instruction's opcode, with the prefix that may be part of it. `code`: the instruction's bytes in hexadecimal. */
export function opcodeText(code: string): string {
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
  const named = opcode.length === 1 || prefix === 0 ? opcode : [prefix, ...opcode];
  return named.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}
