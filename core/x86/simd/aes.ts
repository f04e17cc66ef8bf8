/**
 * AES-NI (Intel SDM volume 1, 12.13; FIPS 197) and PCLMULQDQ.
 *
 * @module
 */
import type { Callout } from "../system/callout.ts";
import { Lanes } from "./lanes.ts";
import { requireSse } from "./unit.ts";

/** Multiplication by x in the field of FIPS 197, 4.2. */
function doubled(value: number): number {
  return (value << 1 ^ (value & 0x80 ? 0x11b : 0)) & 0xff;
}

function product(a: number, b: number): number {
  let sum = 0;
  for (; b !== 0; b >>= 1, a = doubled(a)) if ((b & 1) !== 0) sum ^= a;
  return sum;
}

/** FIPS 197, 5.1.1: the inverse in the field, then an affine map. */
const SUBSTITUTION = Uint8Array.from({ length: 256 }, (_, value) => {
  let inverse = 0;
  for (let candidate = 1; candidate < 256; candidate++) if (product(value, candidate) === 1) inverse = candidate;
  const spread = inverse * 0x101;
  return (spread ^ spread >> 4 ^ spread >> 5 ^ spread >> 6 ^ spread >> 7 ^ 0x63) & 0xff;
});
const INVERSE_SUBSTITUTION = new Uint8Array(256);
SUBSTITUTION.forEach((to, from) => INVERSE_SUBSTITUTION[to] = from);

/** Columns that MixColumns multiplies with (5.1.3 and 5.3.3). */
const MIX = [2, 3, 1, 1];
const INVERSE_MIX = [14, 11, 13, 9];

/** Products of every byte with each factor that occurs. */
const PRODUCTS = new Map(
  [...new Set([...MIX, ...INVERSE_MIX])].map((factor) => [
    factor,
    Uint8Array.from({ length: 256 }, (_, value) => product(value, factor)),
  ]),
);

const state = new Lanes();
const source = new Lanes();
const work = new Uint8Array(16);

/** Rows move by their number: to the left, or back. Bytes are substituted on the way. */
function shiftAndSubstitute(direction: 1 | -1, table: Uint8Array): void {
  for (let at = 0; at < 16; at++) {
    const row = at & 3;
    work[at] = table[state.u8[(at + direction * 4 * row) & 15]!]!;
  }
  state.u8.set(work);
}

function mixColumns(factors: readonly number[]): void {
  const tables = factors.map((factor) => PRODUCTS.get(factor)!);
  for (let at = 0; at < 16; at++) {
    const row = at & 3, column = at & ~3;
    let sum = 0;
    for (let i = 0; i < 4; i++) sum ^= tables[i]![state.u8[column + ((row + i) & 3)]!]!;
    work[at] = sum;
  }
  state.u8.set(work);
}

/** A round: the source is its key. */
function round(direction: 1 | -1, table: Uint8Array, mix?: readonly number[]): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    source.read(cpu, instruction, 1, 16);
    const { register } = instruction.operands[0];
    state.readXmm(cpu, register);
    shiftAndSubstitute(direction, table);
    if (mix !== undefined) mixColumns(mix);
    for (let i = 0; i < 4; i++) state.i32[i]! ^= source.i32[i]!;
    state.writeXmm(cpu, register);
  };
}

const aesimc: Callout = (cpu, instruction) => {
  requireSse(cpu);
  state.read(cpu, instruction, 1, 16);
  mixColumns(INVERSE_MIX);
  state.writeXmm(cpu, instruction.operands[0].register);
};

const aeskeygenassist: Callout = (cpu, instruction) => {
  requireSse(cpu);
  source.read(cpu, instruction, 1, 16);
  const constant = instruction.operands[2].value & 0xff;
  for (const half of [0, 1]) {
    for (let at = 0; at < 4; at++) {
      // SubWord of doublewords 1 and 3, and the same rotated by a byte with the round constant.
      state.u8[half * 8 + at] = SUBSTITUTION[source.u8[half * 8 + 4 + at]!]!;
      state.u8[half * 8 + 4 + at] = SUBSTITUTION[source.u8[half * 8 + 4 + ((at + 1) & 3)]!]!;
    }
    state.u8[half * 8 + 4]! ^= constant;
  }
  state.writeXmm(cpu, instruction.operands[0].register);
};

const quadword = (lanes: Lanes, which: number) =>
  BigInt(lanes.u32[which * 2 + 1]!) << 32n | BigInt(lanes.u32[which * 2]!);

const pclmulqdq: Callout = (cpu, instruction) => {
  requireSse(cpu);
  source.read(cpu, instruction, 1, 16);
  const { register } = instruction.operands[0];
  state.readXmm(cpu, register);
  const control = instruction.operands[2].value;
  const multiplicand = quadword(state, control & 1);
  let sum = 0n;
  for (let rest = quadword(source, control >> 4 & 1), at = 0n; rest !== 0n; rest >>= 1n, at++) {
    if ((rest & 1n) !== 0n) sum ^= multiplicand << at;
  }
  for (let i = 0; i < 4; i++) state.u32[i] = Number(sum >> BigInt(32 * i) & 0xffff_ffffn);
  state.writeXmm(cpu, register);
};

/** By semantics name. */
export const AES_CALLOUTS: Readonly<Record<string, Callout>> = {
  aesenc: round(1, SUBSTITUTION, MIX),
  aesenclast: round(1, SUBSTITUTION),
  aesdec: round(-1, INVERSE_SUBSTITUTION, INVERSE_MIX),
  aesdeclast: round(-1, INVERSE_SUBSTITUTION),
  aesimc,
  aeskeygenassist,
  pclmulqdq,
};
