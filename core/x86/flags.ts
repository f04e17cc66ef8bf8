/**
 * The lazy arithmetic flags: how six flags are kept as operands and results, and how EFLAGS is made of them.
 *
 * Emitted code stores what an instruction computed instead of the flags (see `STATE.RESULT` to `STATE.CY`):
 * - ZF = (RESULT == 0); SF = sign of RESULT ^ PATCH; PF = parity of the low byte of RESULT ^ PATCH;
 * - OF = sign of (OX ^ OY) & (OX ^ (OX - OY)); AF = bit 4 of OX ^ OY ^ (OX - OY);
 * - CF = CX below CY, unsigned.
 *
 * @module
 */
import { ARITHMETIC_FLAGS, FLAG, STATE } from "./registers.ts";

const RESULT = STATE.RESULT >> 2;
const PATCH = STATE.PATCH >> 2;
const OX = STATE.OX >> 2;
const OY = STATE.OY >> 2;
const CX = STATE.CX >> 2;
const CY = STATE.CY >> 2;
const EFLAGS = STATE.EFLAGS >> 2;

const SIGN = -0x8000_0000;

/** The six arithmetic flags of a state block, in their EFLAGS positions. `state`: the block as 32-bit words. */
export function arithmeticFlags(state: Int32Array): number {
  const result = state[RESULT]!;
  const signed = result ^ state[PATCH]!;
  const ox = state[OX]!;
  const oy = state[OY]!;
  const difference = (ox - oy) | 0;
  // Bit n of 0x9669 is 1 when n, a four-bit number, has an even number of ones.
  const parity = (0x9669 >> ((signed ^ (signed >> 4)) & 15)) & 1;
  return ((state[CX]! >>> 0) < (state[CY]! >>> 0) ? FLAG.CF : 0) |
    (parity << 2) |
    ((ox ^ oy ^ difference) & FLAG.AF) |
    (result === 0 ? FLAG.ZF : 0) |
    ((signed >>> 24) & FLAG.SF) |
    ((((ox ^ oy) & (ox ^ difference)) >>> 20) & FLAG.OF);
}

/** EFLAGS of a state block, all flags materialised. */
export function readEflags(state: Int32Array): number {
  return state[EFLAGS]! | arithmeticFlags(state);
}

/** Stores EFLAGS whole: the six arithmetic flags in their lazy form, the rest as they are. Bit 1 is kept set. */
export function writeEflags(state: Int32Array, value: number): void {
  const result = (value & FLAG.ZF) !== 0 ? 0 : 1;
  const signed = ((value & FLAG.SF) !== 0 ? SIGN : 0) | ((value & FLAG.PF) !== 0 ? 0 : 1);
  state[RESULT] = result;
  state[PATCH] = result ^ signed;
  if ((value & FLAG.OF) !== 0) {
    state[OX] = SIGN;
    state[OY] = (value & FLAG.AF) !== 0 ? 1 : 0x10;
  } else {
    state[OX] = 0;
    state[OY] = (value & FLAG.AF) !== 0 ? 1 : 0;
  }
  state[CX] = 0;
  state[CY] = value & FLAG.CF;
  state[EFLAGS] = (value & ~ARITHMETIC_FLAGS) | 2;
}
