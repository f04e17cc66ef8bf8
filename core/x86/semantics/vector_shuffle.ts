/**
 * Packing, interleaving, shuffling, blending, widening, insertion and extraction (Intel SDM volume 1, 9.4.3, 10.4.4, 11.4.2, 12.10).
 *
 * Where an immediate chooses places, a vector of them is computed and swizzled with: emitted code serves every immediate.
 *
 * @module
 */
import { i16x8, i32, i32x4, i64, i64x2, i8x16, v128 } from "../../wasm/mod.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import { binary, bytes, immediate, joined, lanes, requireUnit, unary, ZERO } from "./vector_form.ts";
import type { Vector, VectorBytes } from "./vector_builder.ts";

type Two = (x: Vector, y: Vector) => Vector;

/** Packs the elements of destination and source. */
function pack(narrow: Two): Semantics {
  return binary((x, y, mmx, b) => {
    if (!mmx) return narrow(x, y);
    const both = b.letVector(joined(x, y));
    return narrow(both, both);
  });
}

/** Interleaves elements of one half. */
function interleave(size: 1 | 2 | 4 | 8, high: boolean): Semantics {
  return (b) => {
    const mmx = requireUnit(b);
    // The MMX forms of the low halves read only those from memory.
    const y = b.letVector(b.readVector(1, mmx ? (high ? 8 : 4) : 16));
    const x = b.letVector(b.readVector(0, 16));
    if (mmx) b.enterMmx();
    const first = high ? (mmx ? 4 : 8) : 0;
    const places = Array.from({ length: 16 }, (_, i) => {
      const element = Math.floor(i / size);
      return first + (element >> 1) * size + i % size + (element & 1) * 16;
    });
    b.writeVector(0, i8x16.shuffle(x, y, places.map((place) => place & 31)), 16);
  };
}

/** A fixed choice of bytes of the source. */
function rearrange(places: readonly number[]): Semantics {
  return unary((y) => i8x16.shuffle(y, y, places));
}

/** Two bits of an immediate for each of four doublewords, as byte places. */
function doublewordPlaces(control: Value): Vector {
  const spread = i32x4.mul(i32x4.splat(control), lanes(32, [64, 16, 4, 1]));
  const chosen = v128.and(i32x4.shr_u(spread, i32.const(6)), lanes(32, [3, 3, 3, 3]));
  return i32x4.add(
    i32x4.mul(chosen, i32x4.splat(i32.const(0x0404_0404))),
    i32x4.splat(i32.const(0x0302_0100)),
  );
}

/** Two bits of an immediate for each of the four words that begin at `first`, as byte places; other words stay. */
function wordPlaces(control: Value, first: 0 | 4): Vector {
  const factors = [64, 16, 4, 1];
  const inside = (lane: number) => lane >= first && lane < first + 4;
  const spread = i16x8.mul(
    i16x8.splat(control),
    lanes(16, Array.from({ length: 8 }, (_, lane) => inside(lane) ? factors[lane - first]! : 0)),
  );
  const chosen = v128.and(i16x8.shr_u(spread, i32.const(6)), lanes(16, new Array(8).fill(3)));
  const base = lanes(16, Array.from({ length: 8 }, (_, lane) => (inside(lane) ? first : lane) * 0x0202 + 0x0100));
  return i16x8.add(i16x8.mul(chosen, lanes(16, new Array(8).fill(0x0202))), base);
}

const pshufd: Semantics = unary((y, _mmx, b) => i8x16.swizzle(y, doublewordPlaces(b.read(2))));
const pshuflw: Semantics = unary((y, _mmx, b) => i8x16.swizzle(y, wordPlaces(b.read(2, "u"), 0)));
const pshufhw: Semantics = unary((y, _mmx, b) => i8x16.swizzle(y, wordPlaces(b.read(2, "u"), 4)));

const pshufb: Semantics = binary((x, y, mmx) => i8x16.swizzle(x, v128.and(y, bytes(() => mmx ? 0x87 : 0x8f))));

const shufps: Semantics = binary((x, y, _mmx, b) => {
  const places = b.letVector(doublewordPlaces(b.read(2)));
  const halves = Array.from({ length: 16 }, (_, i) => i < 8 ? i : i + 16);
  return i8x16.shuffle(i8x16.swizzle(x, places), i8x16.swizzle(y, places), halves);
});

const shufpd: Semantics = binary((x, y, _mmx, b) => {
  const control = immediate(b, 2);
  const places = (bit: Value) =>
    i8x16.add(bytes((i) => i & 7), i8x16.splat(i32.shl(i32.and(bit, i32.const(1)), i32.const(3))));
  return joined(
    i8x16.swizzle(x, places(control)),
    i8x16.swizzle(y, places(i32.shr_u(control, i32.const(1)))),
  );
});

const palignr: Semantics = binary((x, y, mmx, b) => {
  const control = immediate(b, 2);
  const most = mmx ? 16 : 32;
  const count = b.variable();
  b.set(count, i32.const(most));
  b.if(i32.lt_u(control, i32.const(most)), () => b.set(count, control));
  const places = i8x16.add(bytes((i) => i), i8x16.splat(count.get()));
  if (mmx) return i8x16.swizzle(joined(y, x), places);
  // A place outside of its register gives zero: each register contributes what lies in it.
  const from = b.letVector(places);
  return v128.or(i8x16.swizzle(y, from), i8x16.swizzle(x, i8x16.sub(from, bytes(() => 16))));
});

/** All ones in the lanes whose bit of the immediate is set. */
function laneMask(width: 16 | 32 | 64, control: Value): Vector {
  const own = lanes(width, Array.from({ length: 128 / width }, (_, lane) => 1 << lane));
  if (width === 64) return i64x2.ne(v128.and(i64x2.splat(i64.extend_i32_u(control)), own), ZERO);
  const [splat, ne] = width === 32 ? [i32x4.splat, i32x4.ne] : [i16x8.splat, i16x8.ne];
  return ne(v128.and(splat(control), own), ZERO);
}

function blend(width: 16 | 32 | 64): Semantics {
  return binary((x, y, _mmx, b) => v128.bitselect(y, x, laneMask(width, b.read(2, "u"))));
}

/** Blends by the signs of XMM0. */
function blendVariable(less: Two): Semantics {
  return binary((x, y, _mmx, b) => v128.bitselect(y, x, less(b.xmm(0), ZERO)));
}

/** Byte places of lane `lane` of a width, repeated. */
function lanePlaces(width: 8 | 16 | 32, lane: Value): Vector {
  if (width === 8) return i8x16.splat(lane);
  if (width === 16) return i16x8.splat(i32.add(i32.mul(lane, i32.const(0x0202)), i32.const(0x0100)));
  return i32x4.splat(i32.add(i32.mul(lane, i32.const(0x0404_0404)), i32.const(0x0302_0100)));
}

const NUMBERS = {
  8: bytes((i) => i),
  16: lanes(16, [0, 1, 2, 3, 4, 5, 6, 7]),
  32: lanes(32, [0, 1, 2, 3]),
} as const;

/** `x` with lane `lane` replaced by that of `value`, which holds it in every lane. */
function withLane(width: 8 | 16 | 32, x: Vector, lane: Value, value: Vector): Vector {
  const { splat, eq } = width === 8 ? i8x16 : width === 16 ? i16x8 : i32x4;
  return v128.bitselect(value, x, eq(NUMBERS[width], splat(lane)));
}

function insert(width: 8 | 16 | 32): Semantics {
  return (b) => {
    const mmx = requireUnit(b);
    const value = b.let(b.read(1));
    const count = mmx ? 4 : 128 / width;
    const lane = i32.and(b.read(2), i32.const(count - 1));
    const { splat } = width === 8 ? i8x16 : width === 16 ? i16x8 : i32x4;
    if (mmx) b.enterMmx();
    b.writeVector(0, withLane(width, b.readVector(0, 16), lane, splat(value)), 16);
  };
}

/** Zero-extended into a register, or as wide as it is into memory. */
function extract(width: 8 | 16 | 32): Semantics {
  return (b) => {
    const mmx = requireUnit(b, 1);
    const count = mmx ? 4 : 128 / width;
    const places = lanePlaces(width, i32.and(b.read(2), i32.const(count - 1)));
    const moved = i8x16.swizzle(b.readVector(1, 16), places);
    const value = width === 8
      ? i8x16.extract_lane_u(moved, 0)
      : width === 16
      ? i16x8.extract_lane_u(moved, 0)
      : i32x4.extract_lane(moved, 0);
    const extracted = b.let(value);
    if (mmx) b.enterMmx();
    b.write(0, extracted);
  };
}

const insertps: Semantics = (b) => {
  b.requireSse();
  const source = b.letVector(b.readVector(1, 4));
  const control = immediate(b, 2);
  const value = b.isMemory(1)
    ? i8x16.swizzle(source, lanePlaces(32, i32.const(0)))
    : i8x16.swizzle(source, lanePlaces(32, i32.shr_u(control, i32.const(6))));
  const lane = i32.and(i32.shr_u(control, i32.const(4)), i32.const(3));
  const inserted = withLane(32, b.readVector(0, 16), lane, value);
  b.writeVector(0, v128.andnot(inserted, laneMask(32, control)), 16);
};

/** The lowest elements, widened. */
function widen(from: 2 | 4 | 8, extend: (y: Vector) => Vector): Semantics {
  return (b: Builder) => {
    b.requireSse();
    b.writeVector(0, extend(b.readVector(1, from as VectorBytes)), 16);
  };
}

const { extend_low_i8x16_s: bwS, extend_low_i8x16_u: bwU } = i16x8;
const { extend_low_i16x8_s: wdS, extend_low_i16x8_u: wdU } = i32x4;
const { extend_low_i32x4_s: dqS, extend_low_i32x4_u: dqU } = i64x2;

/** The signs of the elements as the low bits of a register. */
function signs(bitmask: (y: Vector) => Value): Semantics {
  return (b) => {
    const mmx = requireUnit(b, 1);
    const mask = b.let(bitmask(b.readVector(1, 16)));
    if (mmx) b.enterMmx();
    b.write(0, mmx ? i32.and(mask, i32.const(0xff)) : mask);
  };
}

const pairs = (size: number, odd: number) =>
  Array.from({ length: 16 }, (_, i) => Math.floor(i / (2 * size)) * 2 * size + odd * size + i % size);

/** Reads half a register, or 8 bytes of memory. */
const movddup: Semantics = (b) => {
  b.requireSse();
  const y = b.letVector(b.readVector(1, 8));
  b.writeVector(0, joined(y, y), 16);
};

/** This family by semantics name. */
export const VECTOR_SHUFFLE: Record<string, Semantics> = {
  packsswb: pack(i8x16.narrow_i16x8_s),
  packuswb: pack(i8x16.narrow_i16x8_u),
  packssdw: pack(i16x8.narrow_i32x4_s),
  packusdw: pack(i16x8.narrow_i32x4_u),
  punpcklbw: interleave(1, false),
  punpcklwd: interleave(2, false),
  punpckldq: interleave(4, false),
  punpcklqdq: interleave(8, false),
  punpckhbw: interleave(1, true),
  punpckhwd: interleave(2, true),
  punpckhdq: interleave(4, true),
  punpckhqdq: interleave(8, true),
  unpcklps: interleave(4, false),
  unpckhps: interleave(4, true),
  unpcklpd: interleave(8, false),
  unpckhpd: interleave(8, true),
  pshufb,
  pshufd,
  pshufw: pshuflw,
  pshuflw,
  pshufhw,
  shufps,
  shufpd,
  palignr,
  pblendw: blend(16),
  blendps: blend(32),
  blendpd: blend(64),
  pblendvb: blendVariable(i8x16.lt_s),
  blendvps: blendVariable(i32x4.lt_s),
  blendvpd: blendVariable(i64x2.lt_s),
  pinsrb: insert(8),
  pinsrw: insert(16),
  pinsrd: insert(32),
  pextrb: extract(8),
  pextrw: extract(16),
  pextrd: extract(32),
  extractps: extract(32),
  insertps,
  pmovsxbw: widen(8, bwS),
  pmovsxbd: widen(4, (y) => wdS(bwS(y))),
  pmovsxbq: widen(2, (y) => dqS(wdS(bwS(y)))),
  pmovsxwd: widen(8, wdS),
  pmovsxwq: widen(4, (y) => dqS(wdS(y))),
  pmovsxdq: widen(8, dqS),
  pmovzxbw: widen(8, bwU),
  pmovzxbd: widen(4, (y) => wdU(bwU(y))),
  pmovzxbq: widen(2, (y) => dqU(wdU(bwU(y)))),
  pmovzxwd: widen(8, wdU),
  pmovzxwq: widen(4, (y) => dqU(wdU(y))),
  pmovzxdq: widen(8, dqU),
  pmovmskb: signs(i8x16.bitmask),
  movmskps: signs(i32x4.bitmask),
  movmskpd: signs(i64x2.bitmask),
  movsldup: rearrange(pairs(4, 0)),
  movshdup: rearrange(pairs(4, 1)),
  movddup,
};
