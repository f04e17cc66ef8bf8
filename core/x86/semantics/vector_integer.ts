/**
 * Packed integer arithmetic, comparison and logic of MMX, SSE2, SSSE3 and SSE4 (Intel SDM volume 1, 9.4, 11.4.2, 12.6, 12.10).
 *
 * @module
 */
import { i16x8, i32, i32x4, i64, i64x2, i8x16, v128 } from "../../wasm/mod.ts";
import type { Semantics } from "./builder.ts";
import { binary, bytes, fromScalar, joined, lanes, unary, ZERO } from "./vector_form.ts";
import type { Vector } from "./vector_builder.ts";

type Two = (x: Vector, y: Vector) => Vector;

/** Operations that treat every lane alike, whichever file the registers are of. */
const LANEWISE: Readonly<Record<string, Two>> = {
  paddb: i8x16.add,
  paddw: i16x8.add,
  paddd: i32x4.add,
  paddq: i64x2.add,
  psubb: i8x16.sub,
  psubw: i16x8.sub,
  psubd: i32x4.sub,
  psubq: i64x2.sub,
  paddsb: i8x16.add_sat_s,
  paddsw: i16x8.add_sat_s,
  paddusb: i8x16.add_sat_u,
  paddusw: i16x8.add_sat_u,
  psubsb: i8x16.sub_sat_s,
  psubsw: i16x8.sub_sat_s,
  psubusb: i8x16.sub_sat_u,
  psubusw: i16x8.sub_sat_u,
  pmullw: i16x8.mul,
  pmulld: i32x4.mul,
  pmaddwd: i32x4.dot_i16x8_s,
  pavgb: i8x16.avgr_u,
  pavgw: i16x8.avgr_u,
  pminub: i8x16.min_u,
  pminsb: i8x16.min_s,
  pminuw: i16x8.min_u,
  pminsw: i16x8.min_s,
  pminud: i32x4.min_u,
  pminsd: i32x4.min_s,
  pmaxub: i8x16.max_u,
  pmaxsb: i8x16.max_s,
  pmaxuw: i16x8.max_u,
  pmaxsw: i16x8.max_s,
  pmaxud: i32x4.max_u,
  pmaxsd: i32x4.max_s,
  pcmpeqb: i8x16.eq,
  pcmpeqw: i16x8.eq,
  pcmpeqd: i32x4.eq,
  pcmpeqq: i64x2.eq,
  pcmpgtb: i8x16.gt_s,
  pcmpgtw: i16x8.gt_s,
  pcmpgtd: i32x4.gt_s,
  pcmpgtq: i64x2.gt_s,
  pand: v128.and,
  por: v128.or,
  pxor: v128.xor,
  pandn: (x, y) => v128.andnot(y, x),
  andps: v128.and,
  andpd: v128.and,
  orps: v128.or,
  orpd: v128.or,
  xorps: v128.xor,
  xorpd: v128.xor,
  andnps: (x, y) => v128.andnot(y, x),
  andnpd: (x, y) => v128.andnot(y, x),
};

const LOW_DOUBLEWORDS = lanes(64, [-1, -1]);

const pmuludq: Two = (x, y) => i64x2.mul(v128.and(x, LOW_DOUBLEWORDS), v128.and(y, LOW_DOUBLEWORDS));

function pmuldq(x: Vector, y: Vector): Vector {
  const signed = (v: Vector) => i64x2.shr_s(i64x2.shl(v, i32.const(32)), i32.const(32));
  return i64x2.mul(signed(x), signed(y));
}

/** The upper words of products. */
function highProducts(low: Two, high: Two): Two {
  const words = Array.from({ length: 16 }, (_, i) => (i >> 1) * 4 + 2 + (i & 1));
  return (x, y) => i8x16.shuffle(low(x, y), high(x, y), words);
}

function psadbw(x: Vector, y: Vector): Vector {
  const differences = v128.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x));
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(differences));
}

/** Adds the two doublewords of each quadword, which do not overflow. */
function quadwordSums(v: Vector): Vector {
  return i64x2.add(i64x2.shr_u(v, i32.const(32)), v128.and(v, LOW_DOUBLEWORDS));
}

/** Where the source is negative the destination is negated, where it is zero cleared. */
function sign(neg: (x: Vector) => Vector, less: Two, equal: Two): Two {
  return (x, y) => v128.andnot(v128.bitselect(neg(x), x, less(y, ZERO)), equal(y, ZERO));
}

/** Combines adjacent elements: those of the destination, then those of the source. */
function horizontal(size: 2 | 4, combine: Two): Semantics {
  const pick = (odd: number) =>
    Array.from({ length: 16 }, (_, i) => Math.floor(i / size) * 2 * size + odd * size + i % size);
  return binary((x, y, mmx, b) => {
    if (mmx) {
      const both = b.letVector(joined(x, y));
      return combine(i8x16.shuffle(both, both, wrapped(pick(0))), i8x16.shuffle(both, both, wrapped(pick(1))));
    }
    return combine(i8x16.shuffle(x, y, pick(0)), i8x16.shuffle(x, y, pick(1)));
  });
}

const wrapped = (places: readonly number[]) => places.map((place) => place & 15);

/** Unsigned bytes of the destination times signed ones of the source; adjacent products are added and saturated. */
function pmaddubsw(x: Vector, y: Vector): Vector {
  const eight = i32.const(8);
  const even = i16x8.mul(
    v128.and(x, lanes(16, new Array(8).fill(0xff))),
    i16x8.shr_s(i16x8.shl(y, eight), eight),
  );
  return i16x8.add_sat_s(even, i16x8.mul(i16x8.shr_u(x, eight), i16x8.shr_s(y, eight)));
}

/** Rounded and scaled products. Unlike q15mulr, 8000h by 8000h is not saturated. */
function pmulhrsw(x: Vector, y: Vector): Vector {
  const least = lanes(16, new Array(8).fill(0x8000));
  const both = v128.and(i16x8.eq(x, least), i16x8.eq(y, least));
  return v128.xor(i16x8.q15mulr_sat_s(x, y), both);
}

/** The least word and its place. */
const phminposuw: Semantics = unary((y, _mmx, b) => {
  const rotate = (v: Vector, by: number) => i8x16.shuffle(v, v, wrapped(Array.from({ length: 16 }, (_, i) => i + by)));
  let least = y;
  for (const by of [8, 4, 2]) least = b.letVector(i16x8.min_u(least, rotate(least, by)));
  const place = i32.ctz(i16x8.bitmask(i16x8.eq(y, least)));
  return fromScalar(i32.or(i16x8.extract_lane_u(least, 0), i32.shl(place, i32.const(16))));
});

/** Sums of absolute differences of four bytes: eight places of the destination against one block of the source. */
const mpsadbw: Semantics = binary((x, y, _mmx, b) => {
  const control = b.let(b.read(2));
  const bit2 = i32.and(control, i32.const(4));
  const block = i32.shl(i32.and(control, i32.const(3)), i32.const(2));
  const sliding = b.letVector(i8x16.splat(bit2));
  const fixed = b.letVector(i8x16.splat(block));
  let sum: Vector | undefined;
  for (let at = 0; at < 4; at++) {
    const these = i16x8.extend_low_i8x16_u(i8x16.swizzle(x, i8x16.add(sliding, bytes((i) => i + at))));
    const those = i16x8.extend_low_i8x16_u(i8x16.swizzle(y, i8x16.add(fixed, bytes(() => at))));
    const difference = i16x8.abs(i16x8.sub(these, those));
    sum = b.letVector(sum === undefined ? difference : i16x8.add(sum, difference));
  }
  return sum!;
});

const ptest: Semantics = (b) => {
  b.requireSse();
  const y = b.letVector(b.readVector(1, 16));
  const x = b.letVector(b.readVector(0, 16));
  const none = (v: Vector) => i32.eqz(v128.any_true(v));
  b.flagsCompared(none(v128.andnot(y, x)), none(v128.and(x, y)));
};

/** A count of 64 bits in the low half of a register, or an immediate: how far, and all ones if it is less than the width. */
function shift(
  width: 16 | 32 | 64,
  operation: (x: Vector, count: ReturnType<typeof i32.const>) => Vector,
  arithmetic = false,
): Semantics {
  return (b) => {
    const mmx = b.isMmx(0);
    if (mmx) b.requireMmx();
    else b.requireSse();
    const vector = b.isMmx(1) || b.isXmm(1) || b.isMemory(1);
    const wide = vector
      ? b.let64(i64x2.extract_lane(b.readVector(1, mmx ? 8 : 16), 0))
      : b.let64(i64.extend_i32_u(i32.and(b.read(1), i32.const(0xff))));
    const within = b.let(i64.lt_u(wide, i64.const(width)));
    const x = b.readVector(0, 16);
    const count = i32.wrap_i64(wide);
    let result: Vector;
    if (arithmetic) {
      const beyond = b.variable();
      b.set(beyond, i32.const(width - 1));
      b.if(within, () => b.set(beyond, count));
      result = operation(x, beyond.get());
    } else {
      result = v128.and(operation(x, count), i32x4.splat(i32.sub(i32.const(0), within)));
    }
    if (mmx) b.enterMmx();
    b.writeVector(0, result, 16);
  };
}

/** Shifts a register by whole bytes. */
function byteShift(direction: 1 | -1): Semantics {
  return (b) => {
    b.requireSse();
    const count = i32.and(b.read(1), i32.const(0xff));
    const clamped = b.let(count);
    const sixteen = b.variable();
    b.set(sixteen, i32.const(16));
    b.if(i32.lt_u(clamped, i32.const(16)), () => b.set(sixteen, clamped));
    const places = bytes((i) => i);
    const by = i8x16.splat(sixteen.get());
    const from = direction === 1 ? i8x16.add(places, by) : i8x16.sub(places, by);
    b.writeVector(0, i8x16.swizzle(b.readVector(0, 16), from), 16);
  };
}

/** This family by semantics name. */
export const VECTOR_INTEGER: Record<string, Semantics> = {
  ...Object.fromEntries(Object.entries(LANEWISE).map(([name, operation]) => [name, binary(operation)])),
  pmuludq: binary(pmuludq),
  pmuldq: binary(pmuldq),
  pmulhw: binary(highProducts(i32x4.extmul_low_i16x8_s, i32x4.extmul_high_i16x8_s)),
  pmulhuw: binary(highProducts(i32x4.extmul_low_i16x8_u, i32x4.extmul_high_i16x8_u)),
  psadbw: binary((x, y, _mmx, b) => quadwordSums(b.letVector(psadbw(x, y)))),
  psignb: binary(sign(i8x16.neg, i8x16.lt_s, i8x16.eq)),
  psignw: binary(sign(i16x8.neg, i16x8.lt_s, i16x8.eq)),
  psignd: binary(sign(i32x4.neg, i32x4.lt_s, i32x4.eq)),
  pabsb: unary(i8x16.abs),
  pabsw: unary(i16x8.abs),
  pabsd: unary(i32x4.abs),
  phaddw: horizontal(2, i16x8.add),
  phaddd: horizontal(4, i32x4.add),
  phaddsw: horizontal(2, i16x8.add_sat_s),
  phsubw: horizontal(2, i16x8.sub),
  phsubd: horizontal(4, i32x4.sub),
  phsubsw: horizontal(2, i16x8.sub_sat_s),
  pmaddubsw: binary(pmaddubsw),
  pmulhrsw: binary(pmulhrsw),
  phminposuw,
  mpsadbw,
  ptest,
  psllw: shift(16, i16x8.shl),
  pslld: shift(32, i32x4.shl),
  psllq: shift(64, i64x2.shl),
  psrlw: shift(16, i16x8.shr_u),
  psrld: shift(32, i32x4.shr_u),
  psrlq: shift(64, i64x2.shr_u),
  psraw: shift(16, i16x8.shr_s, true),
  psrad: shift(32, i32x4.shr_s, true),
  psrldq: byteShift(1),
  pslldq: byteShift(-1),
};
