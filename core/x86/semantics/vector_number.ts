/**
 * What must hold of numbers for SSE floating point to be quiet, and how it is checked: a short test of the exponents, which nearly all
 * numbers pass, and a full one for the others.
 *
 * @module
 */
import { f32, f32x4, f64, f64x2, i32, i32x4, i64, i64x2, v128 } from "../../wasm/mod.ts";
import type { Builder, Value } from "./builder.ts";
import { FACT, type Scratch, type Vector } from "./vector_builder.ts";
import { lanes, ZERO } from "./vector_form.ts";

/** Makes a vector of two. */
export type Two = (x: Vector, y: Vector) => Vector;

/** A format as lanes: what tells its numbers apart. */
export interface LaneFormat {
  readonly bits: 32 | 64;
  readonly magnitude: Vector;
  /** Bits of the greatest denormal, of the greatest number of the next exponent, and of infinity. */
  readonly denormal: Vector;
  readonly small: Vector;
  readonly infinity: Vector;
  /** The least normal number, and twice that. */
  readonly least: Vector;
  readonly twice: Vector;
  readonly greater: Two;
  readonly equal: Two;
  readonly allTrue: (v: Vector) => Value;
  /** Whether not all lanes are all ones. */
  readonly someFalse: (v: Vector) => Value;
  /** Comparisons as numbers. */
  readonly atLeast: Two;
  readonly below: Two;
  /** The exponent of the lowest lane, and the greatest one. */
  readonly exponent: (v: Vector) => Value;
  readonly special: number;
  /** Nonzero if the exponent of the lowest lane is 0. */
  readonly tiny: (v: Vector) => Value;
  /** Facts: the lowest lane, or all, are plain. */
  readonly one: number;
  readonly all: number;
}

const each32 = (value: number) => lanes(32, [value, value, value, value]);
const each64 = (high: number, low: number) => lanes(32, [low, high, low, high]);

/** Single precision. */
export const SINGLE: LaneFormat = {
  bits: 32,
  magnitude: each32(0x7fff_ffff),
  denormal: each32(0x007f_ffff),
  small: each32(0x00ff_ffff),
  infinity: each32(0x7f80_0000),
  least: each32(0x0080_0000),
  twice: each32(0x0100_0000),
  greater: i32x4.gt_s,
  equal: i32x4.eq,
  allTrue: i32x4.all_true,
  someFalse: (v) => i32.ne(i32x4.bitmask(v), i32.const(15)),
  atLeast: f32x4.ge,
  below: f32x4.lt,
  exponent: (v) => i32.and(i32.shr_u(i32x4.extract_lane(v, 0), i32.const(23)), i32.const(0xff)),
  special: 0xff,
  tiny: (v) => i32.eqz(i32.and(i32x4.extract_lane(v, 0), i32.const(0x7f80_0000))),
  one: FACT.SINGLE,
  all: FACT.SINGLE | FACT.SINGLES,
};

/** Double precision. */
export const DOUBLE: LaneFormat = {
  bits: 64,
  magnitude: each64(0x7fff_ffff, -1),
  denormal: each64(0x000f_ffff, -1),
  small: each64(0x001f_ffff, -1),
  infinity: each64(0x7ff0_0000, 0),
  least: each64(0x0010_0000, 0),
  twice: each64(0x0020_0000, 0),
  greater: i64x2.gt_s,
  equal: i64x2.eq,
  allTrue: i64x2.all_true,
  someFalse: (v) => i32.ne(i64x2.bitmask(v), i32.const(3)),
  atLeast: f64x2.ge,
  below: f64x2.lt,
  exponent: (v) => i32.and(i32.wrap_i64(i64.shr_u(i64x2.extract_lane(v, 0), i64.const(52))), i32.const(0x7ff)),
  special: 0x7ff,
  tiny: (v) => i64.eqz(i64.and(i64x2.extract_lane(v, 0), i64.const(0x7ffn << 52n))),
  one: FACT.DOUBLE,
  all: FACT.DOUBLE | FACT.DOUBLES,
};

/** Facts about a vector's lanes, as masks. */
export class Facts {
  readonly zero: Vector;
  readonly #magnitude: Vector;

  constructor(b: Scratch, readonly f: LaneFormat, value: Vector) {
    this.#magnitude = b.letVector(v128.and(value, f.magnitude));
    this.zero = b.letVector(f.equal(this.#magnitude, ZERO));
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

/** Nonzero if the lanes that count are all ones. */
export function allHold(f: LaneFormat, scalar: boolean, holds: Vector): Value {
  if (!scalar) return f.allTrue(holds);
  return f.bits === 32 ? i32x4.extract_lane(holds, 0) : i32.wrap_i64(i64x2.extract_lane(holds, 0));
}

/** Leaves to the exact definition unless the lanes that count are all ones. */
export function unless(b: Builder, f: LaneFormat, scalar: boolean, holds: Vector): void {
  b.calloutIf(i32.eqz(allHold(f, scalar, holds)));
}

/** The fact that the lanes that count are plain. */
export const plainFact = (f: LaneFormat, scalar: boolean): number => scalar ? f.one : f.all;

/** When a result of zero is exact: always, or where a factor or the dividend is. */
export type ZeroRule = "any" | "either" | "first";

/** Leaves unless operands are plain and their result is ample or exactly zero. */
export function requirePlain(
  b: Builder,
  f: LaneFormat,
  scalar: boolean,
  zeros: ZeroRule,
  operands: readonly Vector[],
  result: Vector,
): void {
  const fact = plainFact(f, scalar);
  const unknown = operands.filter((value) => !b.knows(value, fact));
  const full = () =>
    b.calloutIf(i32.eqz(
      b.shared(`plain ${f.bits} ${scalar} ${zeros} ${operands.length}`, [...operands, result], (s, ...values) => {
        const r = new Facts(s, f, values.pop()!);
        const each = values.map((value) => new Facts(s, f, value));
        const exact = zeros === "any"
          ? r.zero
          : v128.and(r.zero, zeros === "first" ? each[0]!.zero : v128.or(each[0]!.zero, each[1]!.zero));
        return allHold(f, scalar, each.reduce((sum, x) => v128.and(sum, x.plain), v128.or(r.ample, exact)));
      }),
    ));
  // With an ample result no operand is infinite or no number, so that only denormals are left to find.
  if (scalar) {
    b.if(i32.ge_u(i32.sub(f.exponent(result), i32.const(2)), i32.const(f.special - 2)), full, undefined, "unlikely");
    for (const value of unknown) {
      if (b.knows(value, fact)) continue;
      b.if(f.tiny(value), full, undefined, "unlikely");
      b.learn(value, fact);
    }
  } else {
    const magnitude = b.letVector(v128.and(result, f.magnitude));
    let quick = v128.and(f.atLeast(magnitude, f.twice), f.below(magnitude, f.infinity));
    for (const value of unknown) quick = v128.and(quick, f.atLeast(v128.and(value, f.magnitude), f.least));
    b.if(f.someFalse(quick), full, undefined, "unlikely");
    for (const value of unknown) b.learn(value, fact);
  }
  b.learn(result, fact);
}

/** Leaves if a value is no number or denormal. */
export function requireOrdered(b: Builder, f: LaneFormat, scalar: boolean, ...values: Vector[]): void {
  for (const value of values) {
    if (b.knows(value, plainFact(f, scalar))) continue;
    const full = () =>
      b.calloutIf(i32.eqz(
        b.shared(
          `ordered ${f.bits} ${scalar}`,
          [value],
          (s, x) => allHold(f, scalar, new Facts(s, f, x!).ordered),
        ),
      ));
    const magnitude = () => v128.and(value, f.magnitude);
    const unusual = scalar
      ? i32.ge_u(i32.sub(f.exponent(value), i32.const(1)), i32.const(f.special - 1))
      : f.someFalse(v128.and(f.atLeast(magnitude(), f.least), f.below(magnitude(), f.infinity)));
    b.if(unusual, full, undefined, "unlikely");
  }
}

/** The lowest lane as a number, compared. */
export function compared(f: LaneFormat, x: Vector, y: Vector): { less: Value; equal: Value } {
  if (f.bits === 32) {
    const [a, c] = [f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)];
    return { less: f32.lt(a, c), equal: f32.eq(a, c) };
  }
  const [a, c] = [f64x2.extract_lane(x, 0), f64x2.extract_lane(y, 0)];
  return { less: f64.lt(a, c), equal: f64.eq(a, c) };
}
