/**
 * SSE floating point where it is quiet: all numbers are zero or normal, results far from underflow and overflow, MXCSR rounds to nearest,
 * and PE is masked and set already, or the result is exact. Then WebAssembly's arithmetic gives the same bits and no flag changes.
 * Everything else - NaNs, denormals, infinities, other rounding modes, the first inexact result - is left to the exact definitions in
 * `core/x86/simd`.
 *
 * @module
 */
import { constantOf, f32, f32x4, f64, f64x2, i32, i32x4, i8x16, v128 } from "../../wasm/mod.ts";
import type { Semantics, Value } from "./builder.ts";
import { EXACT, requireQuiet, unlessQuiet } from "./vector_exact.ts";
import { joined, lanes, ZERO } from "./vector_form.ts";
import type { Vector, VectorBytes } from "./vector_builder.ts";
import {
  allHold,
  compared,
  DOUBLE,
  Facts,
  type LaneFormat,
  plainFact,
  requireOrdered,
  requirePlain,
  SINGLE,
  type Two,
  unless,
  type ZeroRule,
} from "./vector_number.ts";

/** Arithmetic of two vectors made of destination and source. */
function arithmetic(
  f: LaneFormat,
  scalar: boolean,
  compute: Two,
  zeros: ZeroRule,
  exact: keyof typeof EXACT,
  operands: (x: Vector, y: Vector) => readonly [Vector, Vector] = (x, y) => [x, y],
): Semantics {
  return (b) => {
    b.requireSse();
    const source = b.letVector(b.readVector(1, scalar ? f.bits / 8 as VectorBytes : 16));
    const destination = b.letVector(b.readVector(0, 16));
    const [left, right] = operands(destination, source);
    const x = b.letVector(left), y = b.letVector(right);
    const r = b.letVector(compute(x, y));
    requirePlain(b, f, scalar, zeros, [x, y], r);
    requireQuiet(b, exact, f, scalar, x, y, r);
    if (scalar) b.writeLow(0, r, f.bits / 8 as 4 | 8);
    else b.writeVector(0, r, 16);
  };
}

function root(f: LaneFormat, scalar: boolean, compute: (y: Vector) => Vector): Semantics {
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, scalar ? f.bits / 8 as VectorBytes : 16));
    const r = b.letVector(compute(y));
    requirePlain(b, f, scalar, "any", [y], r);
    requireQuiet(b, "root", f, scalar, y, y, r);
    if (scalar) b.writeLow(0, r, f.bits / 8 as 4 | 8);
    else b.writeVector(0, r, 16);
  };
}

/** MIN and MAX, which round nothing: `pseudo` picks its second operand if that is beyond the first. */
function extremum(f: LaneFormat, scalar: boolean, pseudo: Two): Semantics {
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, scalar ? f.bits / 8 as VectorBytes : 16));
    const x = b.letVector(b.readVector(0, 16));
    requireOrdered(b, f, scalar, x, y);
    const fact = plainFact(f, scalar);
    const r = b.letVector(pseudo(y, x));
    if (b.knows(x, fact) && b.knows(y, fact)) b.learn(r, fact);
    if (scalar) b.writeLow(0, r, f.bits / 8 as 4 | 8);
    else b.writeVector(0, r, 16);
  };
}

/** CMPPS and its like: the predicates of the low two bits, turned around by bit 2. */
function comparison(f: LaneFormat, scalar: boolean, equal: Two, less: Two, lessOrEqual: Two): Semantics {
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, scalar ? f.bits / 8 as VectorBytes : 16));
    const x = b.letVector(b.readVector(0, 16));
    requireOrdered(b, f, scalar, x, y);
    const predicate = b.let(b.read(2, "u"));
    const number = (value: number) => i32.eq(i32.and(predicate, i32.const(3)), i32.const(value));
    const mask = (holds: Value) => i32x4.splat(i32.sub(i32.const(0), holds));
    // Of ordered numbers none is unordered: predicate 3 is false.
    const known = constantOf(predicate);
    const plain = known !== undefined ? [equal(x, y), less(x, y), lessOrEqual(x, y), ZERO][known & 3]! : v128.or(
      v128.or(v128.and(equal(x, y), mask(number(0))), v128.and(less(x, y), mask(number(1)))),
      v128.and(lessOrEqual(x, y), mask(number(2))),
    );
    const inverted = mask(i32.and(i32.shr_u(predicate, i32.const(2)), i32.const(1)));
    const r = v128.xor(plain, inverted);
    if (scalar) b.writeLow(0, r, f.bits / 8 as 4 | 8);
    else b.writeVector(0, r, 16);
  };
}

/** COMISS and its like. */
function flags(f: LaneFormat): Semantics {
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, f.bits / 8 as VectorBytes));
    const x = b.letVector(b.readVector(0, 16));
    requireOrdered(b, f, true, x, y);
    const { less, equal } = compared(f, x, y);
    b.flagsCompared(less, equal);
  };
}

/** CVTSI2SD and CVTDQ2PD are always exact. */
const cvtsi2sd: Semantics = (b) => {
  b.requireSse();
  b.writeLow(0, f64x2.splat(f64.convert_i32_s(b.read(1))), 8);
};

const cvtdq2pd: Semantics = (b) => {
  b.requireSse();
  b.writeVector(0, f64x2.convert_low_i32x4_s(b.readVector(1, 8)), 16);
};

const cvtsi2ss: Semantics = (b) => {
  b.requireSse();
  const integer = b.let(b.read(1));
  const r = f32.convert_i32_s(integer);
  unlessQuiet(b, () => f64.eq(f64.promote_f32(r), f64.convert_i32_s(integer)));
  b.writeLow(0, f32x4.splat(r), 4);
};

const cvtdq2ps: Semantics = (b) => {
  b.requireSse();
  const integers = b.letVector(b.readVector(1, 16));
  const r = b.letVector(f32x4.convert_i32x4_s(integers));
  // Saturated: what was rounded up to 2^31 comes back as less. The greatest integer itself is not exact.
  const back = i32x4.eq(i32x4.trunc_sat_f32x4_s(r), integers);
  const greatest = i32x4.eq(integers, lanes(32, new Array(4).fill(0x7fff_ffff)));
  unlessQuiet(b, () => i32x4.all_true(v128.andnot(back, greatest)));
  b.writeVector(0, r, 16);
};

/** To doubleword integers: within range, and exact or quiet. */
function toIntegers(
  f: LaneFormat,
  scalar: boolean,
  round: (y: Vector) => Vector,
  convert: (y: Vector) => Vector,
): Semantics {
  const packed = f.bits === 32 ? f32x4 : f64x2;
  // Rounding to nearest may reach 2^31 from below it.
  const limit = f.bits === 32 ? f32x4.splat(f32.const(0x7fff_ff80)) : f64x2.splat(f64.const(0x7fff_ffff));
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, scalar ? f.bits / 8 as VectorBytes : 16));
    const whole = b.letVector(round(y));
    unless(b, f, scalar, packed.lt(packed.abs(y), limit));
    b.if(
      i32.eqz(b.roundsQuietly()),
      () => unless(b, f, scalar, packed.eq(whole, y)),
      undefined,
      "unlikely",
    );
    if (scalar) b.write(0, i32x4.extract_lane(convert(whole), 0));
    else b.writeVector(0, convert(whole), 16);
  };
}

const singlesToIntegers = i32x4.trunc_sat_f32x4_s;
const doublesToIntegers = i32x4.trunc_sat_f64x2_s_zero;

/** To double precision: exact but for NaNs and denormals. */
function widen(scalar: boolean): Semantics {
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, scalar ? 4 : 8));
    const plain = b.knows(y, plainFact(SINGLE, scalar));
    // Of a pair the upper half is not looked at.
    requireOrdered(b, SINGLE, scalar, plain || scalar ? y : b.letVector(joined(y, y)));
    const r = b.letVector(f64x2.promote_low_f32x4(y));
    if (plain) b.learn(r, plainFact(DOUBLE, scalar));
    if (scalar) b.writeLow(0, r, 8);
    else b.writeVector(0, r, 16);
  };
}

/** To single precision. */
function narrow(scalar: boolean): Semantics {
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, scalar ? 8 : 16));
    const r = b.letVector(f32x4.demote_f64x2_zero(y));
    unless(b, DOUBLE, scalar, new Facts(b, DOUBLE, y).plain);
    const result = new Facts(b, SINGLE, r);
    // A zero that a normal number shrank to is found by its own look at the source's low lanes, which are zero only with the result.
    const sources = new Facts(b, DOUBLE, y).zero;
    const zeros = i8x16.shuffle(sources, sources, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
    const quiet = v128.or(result.ample, v128.and(result.zero, zeros));
    unless(b, SINGLE, scalar, scalar ? quiet : joined(quiet, quiet));
    unlessQuiet(b, () => allHold(DOUBLE, scalar, f64x2.eq(f64x2.promote_low_f32x4(r), y)));
    b.learn(r, SINGLE.one);
    if (scalar) b.writeLow(0, r, 4);
    else b.writeVector(0, r, 16);
  };
}

/** Packed and scalar, single and double. */
function all(
  name: string,
  make: (f: LaneFormat, scalar: boolean, operations: typeof f32x4 | typeof f64x2) => Semantics,
): [string, Semantics][] {
  return [
    [`${name}ps`, make(SINGLE, false, f32x4)],
    [`${name}pd`, make(DOUBLE, false, f64x2)],
    [`${name}ss`, make(SINGLE, true, f32x4)],
    [`${name}sd`, make(DOUBLE, true, f64x2)],
  ];
}

/** Even and odd elements of destination and source. */
function pairs(f: LaneFormat): Two[] {
  const size = f.bits / 8;
  return [0, 1].map((odd) => (x, y) =>
    i8x16.shuffle(
      x,
      y,
      Array.from({ length: 16 }, (_, i) => Math.floor(i / size) * 2 * size + odd * size + i % size),
    )
  );
}

function horizontal(f: LaneFormat, compute: Two, exact: "sum" | "difference"): Semantics {
  const [even, odd] = pairs(f);
  return arithmetic(f, false, compute, "any", exact, (x, y) => [even!(x, y), odd!(x, y)]);
}

/** Even elements are subtracted: their signs are turned around. */
function alternating(f: LaneFormat, add: Two): Semantics {
  const signs = f.bits === 32 ? lanes(32, [1 << 31, 0, 1 << 31, 0]) : lanes(32, [0, 1 << 31, 0, 0]);
  return arithmetic(f, false, add, "any", "sum", (x, y) => [x, v128.xor(y, signs)]);
}

/** This family by semantics name. */
export const VECTOR_FLOAT: Record<string, Semantics> = {
  ...Object.fromEntries([
    ...all("add", (f, scalar, operations) => arithmetic(f, scalar, operations.add, "any", "sum")),
    ...all("sub", (f, scalar, operations) => arithmetic(f, scalar, operations.sub, "any", "difference")),
    ...all("mul", (f, scalar, operations) => arithmetic(f, scalar, operations.mul, "either", "product")),
    ...all("div", (f, scalar, operations) => arithmetic(f, scalar, operations.div, "first", "quotient")),
    ...all("sqrt", (f, scalar, operations) => root(f, scalar, operations.sqrt)),
    ...all("min", (f, scalar, operations) => extremum(f, scalar, operations.pmin)),
    ...all("max", (f, scalar, operations) => extremum(f, scalar, operations.pmax)),
    ...all("cmp", (f, scalar, operations) => comparison(f, scalar, operations.eq, operations.lt, operations.le)),
  ]),
  ucomiss: flags(SINGLE),
  ucomisd: flags(DOUBLE),
  comiss: flags(SINGLE),
  comisd: flags(DOUBLE),
  haddps: horizontal(SINGLE, f32x4.add, "sum"),
  haddpd: horizontal(DOUBLE, f64x2.add, "sum"),
  hsubps: horizontal(SINGLE, f32x4.sub, "difference"),
  hsubpd: horizontal(DOUBLE, f64x2.sub, "difference"),
  addsubps: alternating(SINGLE, f32x4.add),
  addsubpd: alternating(DOUBLE, f64x2.add),
  cvtsi2ss,
  cvtsi2sd,
  cvtdq2ps,
  cvtdq2pd,
  cvtps2dq: toIntegers(SINGLE, false, f32x4.nearest, singlesToIntegers),
  cvttps2dq: toIntegers(SINGLE, false, f32x4.trunc, singlesToIntegers),
  cvtpd2dq: toIntegers(DOUBLE, false, f64x2.nearest, doublesToIntegers),
  cvttpd2dq: toIntegers(DOUBLE, false, f64x2.trunc, doublesToIntegers),
  cvtss2si: toIntegers(SINGLE, true, f32x4.nearest, singlesToIntegers),
  cvttss2si: toIntegers(SINGLE, true, f32x4.trunc, singlesToIntegers),
  cvtsd2si: toIntegers(DOUBLE, true, f64x2.nearest, doublesToIntegers),
  cvttsd2si: toIntegers(DOUBLE, true, f64x2.trunc, doublesToIntegers),
  cvtss2sd: widen(true),
  cvtps2pd: widen(false),
  cvtsd2ss: narrow(true),
  cvtpd2ps: narrow(false),
};

/** Those that may hand themselves to their exact definition: all but the conversions that cannot raise anything. */
export const VECTOR_FLOAT_CALLOUTS: readonly string[] = Object.keys(VECTOR_FLOAT).filter((name) =>
  name !== "cvtsi2sd" && name !== "cvtdq2pd"
);
