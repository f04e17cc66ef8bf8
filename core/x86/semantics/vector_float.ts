/**
 * SSE floating point where it is quiet: all numbers are zero or normal, results far from underflow and overflow, and MXCSR rounds to
 * nearest with PE masked and set already. Then WebAssembly's arithmetic gives the same bits and no flag changes. Everything else - NaNs,
 * denormals, infinities, other rounding modes, the first inexact result - is left to the exact definitions in `core/x86/simd`.
 *
 * @module
 */
import { f32, f32x4, f64, f64x2, i32, i32x4, i64x2, i8x16, v128 } from "../../wasm/mod.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import { joined, lanes, ZERO } from "./vector_form.ts";
import type { Vector, VectorBytes } from "./vector_builder.ts";

type Two = (x: Vector, y: Vector) => Vector;

/** A format as lanes: what tells its numbers apart. */
interface LaneFormat {
  readonly bits: 32 | 64;
  readonly magnitude: Vector;
  /** Bits of the greatest denormal, of the greatest number of the next exponent, and of infinity. */
  readonly denormal: Vector;
  readonly small: Vector;
  readonly infinity: Vector;
  readonly greater: Two;
  readonly equal: Two;
  readonly allTrue: (v: Vector) => Value;
}

const each32 = (value: number) => lanes(32, [value, value, value, value]);
const each64 = (high: number, low: number) => lanes(32, [low, high, low, high]);

const SINGLE: LaneFormat = {
  bits: 32,
  magnitude: each32(0x7fff_ffff),
  denormal: each32(0x007f_ffff),
  small: each32(0x00ff_ffff),
  infinity: each32(0x7f80_0000),
  greater: i32x4.gt_s,
  equal: i32x4.eq,
  allTrue: i32x4.all_true,
};

const DOUBLE: LaneFormat = {
  bits: 64,
  magnitude: each64(0x7fff_ffff, -1),
  denormal: each64(0x000f_ffff, -1),
  small: each64(0x001f_ffff, -1),
  infinity: each64(0x7ff0_0000, 0),
  greater: i64x2.gt_s,
  equal: i64x2.eq,
  allTrue: i64x2.all_true,
};

/** Facts about a vector's lanes, as masks. */
class Facts {
  readonly zero: Vector;
  readonly #magnitude: Vector;

  constructor(b: Builder, readonly f: LaneFormat, value: Vector) {
    this.#magnitude = b.letVector(v128.and(value, f.magnitude));
    this.zero = f.equal(this.#magnitude, ZERO);
  }

  #between(above: Vector): Vector {
    return v128.and(this.f.greater(this.#magnitude, above), this.f.greater(this.f.infinity, this.#magnitude));
  }

  /** Zero or normal. */
  get plain(): Vector {
    return v128.or(this.zero, this.#between(this.f.denormal));
  }

  /** Normal, and not the result of rounding something smaller. */
  get ample(): Vector {
    return this.#between(this.f.small);
  }

  /** Neither NaN nor denormal. */
  get ordered(): Vector {
    const denormalOrZero = this.f.greater(this.#magnitude, this.f.denormal);
    const notNan = this.f.equal(this.f.greater(this.#magnitude, this.f.infinity), ZERO);
    return v128.or(this.zero, v128.and(denormalOrZero, notNan));
  }
}

/** Leaves to the exact definition unless the lanes that count are all ones. */
function unless(b: Builder, f: LaneFormat, scalar: boolean, holds: Vector): void {
  const all = scalar
    ? f.bits === 32 ? i32x4.extract_lane(holds, 0) : i32.wrap_i64(i64x2.extract_lane(holds, 0))
    : f.allTrue(holds);
  b.calloutIf(i32.eqz(all));
}

/** When a result of zero is exact: always, or where a factor or the dividend is. */
type ZeroRule = "any" | "either" | "first";

/** Arithmetic of two vectors made of destination and source. */
function arithmetic(
  f: LaneFormat,
  scalar: boolean,
  compute: Two,
  zeros: ZeroRule,
  operands: (x: Vector, y: Vector) => readonly [Vector, Vector] = (x, y) => [x, y],
): Semantics {
  return (b) => {
    b.requireSse();
    b.calloutIf(i32.eqz(b.roundsQuietly()));
    const source = b.letVector(b.readVector(1, scalar ? f.bits / 8 as VectorBytes : 16));
    const destination = b.letVector(b.readVector(0, 16));
    const [left, right] = operands(destination, source);
    const x = b.letVector(left), y = b.letVector(right);
    const r = b.letVector(compute(x, y));
    const first = new Facts(b, f, x), second = new Facts(b, f, y), result = new Facts(b, f, r);
    const exactZero = zeros === "any"
      ? result.zero
      : v128.and(result.zero, zeros === "first" ? first.zero : v128.or(first.zero, second.zero));
    const quiet = v128.and(v128.and(first.plain, second.plain), v128.or(result.ample, exactZero));
    unless(b, f, scalar, quiet);
    if (scalar) b.writeLow(0, r, f.bits / 8 as 4 | 8);
    else b.writeVector(0, r, 16);
  };
}

function root(f: LaneFormat, scalar: boolean, compute: (y: Vector) => Vector): Semantics {
  return (b) => {
    b.requireSse();
    b.calloutIf(i32.eqz(b.roundsQuietly()));
    const y = b.letVector(b.readVector(1, scalar ? f.bits / 8 as VectorBytes : 16));
    const r = b.letVector(compute(y));
    const operand = new Facts(b, f, y), result = new Facts(b, f, r);
    unless(b, f, scalar, v128.and(operand.plain, v128.or(result.ample, result.zero)));
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
    unless(b, f, scalar, v128.and(new Facts(b, f, x).ordered, new Facts(b, f, y).ordered));
    const r = pseudo(y, x);
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
    unless(b, f, scalar, v128.and(new Facts(b, f, x).ordered, new Facts(b, f, y).ordered));
    const predicate = b.let(b.read(2, "u"));
    const number = (value: number) => i32.eq(i32.and(predicate, i32.const(3)), i32.const(value));
    const mask = (holds: Value) => i32x4.splat(i32.sub(i32.const(0), holds));
    // Of ordered numbers none is unordered: predicate 3 is false.
    const plain = v128.or(
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
function flags(f: LaneFormat, equal: Two, less: Two): Semantics {
  return (b) => {
    b.requireSse();
    const y = b.letVector(b.readVector(1, f.bits / 8 as VectorBytes));
    const x = b.letVector(b.readVector(0, 16));
    unless(b, f, true, v128.and(new Facts(b, f, x).ordered, new Facts(b, f, y).ordered));
    const ZF = 0x40, CF = 1;
    const bit = (holds: Vector, flag: number) => i32.and(i32x4.extract_lane(holds, 0), i32.const(flag));
    b.setArithmeticFlags(b.let(i32.or(bit(equal(x, y), ZF), bit(less(x, y), CF))), false);
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
  b.calloutIf(i32.eqz(b.roundsQuietly()));
  b.writeLow(0, f32x4.splat(f32.convert_i32_s(b.read(1))), 4);
};

const cvtdq2ps: Semantics = (b) => {
  b.requireSse();
  b.calloutIf(i32.eqz(b.roundsQuietly()));
  b.writeVector(0, f32x4.convert_i32x4_s(b.readVector(1, 16)), 16);
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
    const quiet = i32x4.splat(i32.sub(i32.const(0), b.roundsQuietly()));
    const fits = packed.lt(packed.abs(y), limit);
    unless(b, f, scalar, v128.and(fits, v128.or(packed.eq(whole, y), quiet)));
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
    const ordered = new Facts(b, SINGLE, y).ordered;
    unless(b, SINGLE, scalar, scalar ? ordered : joined(ordered, ordered));
    const r = f64x2.promote_low_f32x4(y);
    if (scalar) b.writeLow(0, r, 8);
    else b.writeVector(0, r, 16);
  };
}

/** To single precision. */
function narrow(scalar: boolean): Semantics {
  return (b) => {
    b.requireSse();
    b.calloutIf(i32.eqz(b.roundsQuietly()));
    const y = b.letVector(b.readVector(1, scalar ? 8 : 16));
    const r = b.letVector(f32x4.demote_f64x2_zero(y));
    unless(b, DOUBLE, scalar, new Facts(b, DOUBLE, y).plain);
    const result = new Facts(b, SINGLE, r);
    // A zero that a normal number shrank to is found by its own look at the source's low lanes, which are zero only with the result.
    const sources = new Facts(b, DOUBLE, y).zero;
    const zeros = i8x16.shuffle(sources, sources, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
    const quiet = v128.or(result.ample, v128.and(result.zero, zeros));
    unless(b, SINGLE, scalar, scalar ? quiet : joined(quiet, quiet));
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

function horizontal(f: LaneFormat, compute: Two): Semantics {
  const [even, odd] = pairs(f);
  return arithmetic(f, false, compute, "any", (x, y) => [even!(x, y), odd!(x, y)]);
}

/** Even elements are subtracted: their signs are turned around. */
function alternating(f: LaneFormat, add: Two): Semantics {
  const signs = f.bits === 32 ? lanes(32, [1 << 31, 0, 1 << 31, 0]) : lanes(32, [0, 1 << 31, 0, 0]);
  return arithmetic(f, false, add, "any", (x, y) => [x, v128.xor(y, signs)]);
}

/** This family by semantics name. */
export const VECTOR_FLOAT: Record<string, Semantics> = {
  ...Object.fromEntries([
    ...all("add", (f, scalar, operations) => arithmetic(f, scalar, operations.add, "any")),
    ...all("sub", (f, scalar, operations) => arithmetic(f, scalar, operations.sub, "any")),
    ...all("mul", (f, scalar, operations) => arithmetic(f, scalar, operations.mul, "either")),
    ...all("div", (f, scalar, operations) => arithmetic(f, scalar, operations.div, "first")),
    ...all("sqrt", (f, scalar, operations) => root(f, scalar, operations.sqrt)),
    ...all("min", (f, scalar, operations) => extremum(f, scalar, operations.pmin)),
    ...all("max", (f, scalar, operations) => extremum(f, scalar, operations.pmax)),
    ...all("cmp", (f, scalar, operations) => comparison(f, scalar, operations.eq, operations.lt, operations.le)),
  ]),
  ucomiss: flags(SINGLE, f32x4.eq, f32x4.lt),
  ucomisd: flags(DOUBLE, f64x2.eq, f64x2.lt),
  comiss: flags(SINGLE, f32x4.eq, f32x4.lt),
  comisd: flags(DOUBLE, f64x2.eq, f64x2.lt),
  haddps: horizontal(SINGLE, f32x4.add),
  haddpd: horizontal(DOUBLE, f64x2.add),
  hsubps: horizontal(SINGLE, f32x4.sub),
  hsubpd: horizontal(DOUBLE, f64x2.sub),
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
