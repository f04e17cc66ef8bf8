/**
 * Whether rounding to nearest has lost anything: until MXCSR.PE is set, SSE arithmetic must know. Operands are zero or normal, results
 * zero or far from underflow and overflow.
 *
 * @module
 */
import { f32x4, f64, f64x2, i32, i64, i64x2, i8x16, v128 } from "../../wasm/mod.ts";
import { STATE } from "../registers.ts";
import { MXCSR } from "../simd/unit.ts";
import type { Builder, Value } from "./builder.ts";
import type { Wide } from "./fpu_builder.ts";
import type { Scratch, Vector } from "./vector_builder.ts";
import { ZERO } from "./vector_form.ts";
import { allHold, type LaneFormat } from "./vector_number.ts";

/** Nonzero if an operation's result is exact in the lanes that count. */
export type Exactness = (s: Scratch, f: LaneFormat, scalar: boolean, x: Vector, y: Vector, r: Vector) => Value;

/** The rounding error of a sum is a number (Knuth, The Art of Computer Programming, volume 2, 4.2.2, theorem B). */
const sum: Exactness = (s, f, scalar, x, y, r) => {
  const { add, sub, eq } = f.bits === 32 ? f32x4 : f64x2;
  const second = s.letVector(sub(r, x));
  const error = add(sub(x, sub(r, second)), sub(y, second));
  return allHold(f, scalar, eq(error, ZERO));
};

const difference: Exactness = (s, f, scalar, x, y, r) => {
  const { neg } = f.bits === 32 ? f32x4 : f64x2;
  return sum(s, f, scalar, x, s.letVector(neg(y)), r);
};

/** The lower or upper two singles as doubles. */
function promoted(value: Vector, half: 0 | 1): Vector {
  const upper = () => i8x16.shuffle(value, value, Array.from({ length: 16 }, (_, i) => i & 7 | 8));
  return f64x2.promote_low_f32x4(half === 0 ? value : upper());
}

/** Nonzero if the product of x and y is p. Two significands of 53 bits: without its trailing zeros a product must fit in 53. */
function isProduct(s: Scratch, x: Wide, y: Wide, p: Wide): Value {
  const fraction = i64.const((1n << 52n) - 1n), hidden = i64.const(1n << 52n);
  const zeros = (value: Wide) => i32.wrap_i64(i64.ctz(i64.or(i64.and(value, fraction), hidden)));
  const exponent = (value: Wide) => i32.and(i32.wrap_i64(i64.shr_u(value, i64.const(52))), i32.const(0x7ff));
  const both = s.let(i32.add(zeros(x), zeros(y)));
  // Significands of together 54 bits have a product of 53 if its exponent is the sum of theirs.
  const narrow = i32.eq(exponent(p), i32.sub(i32.add(exponent(x), exponent(y)), i32.const(1023)));
  return i32.or(
    i64.eqz(i64.shl(p, i64.const(1))),
    i32.or(i32.gt_u(both, i32.const(52)), i32.and(i32.eq(both, i32.const(52)), narrow)),
  );
}

/** `whole` is the exact product of x and y. */
function products(s: Scratch, f: LaneFormat, scalar: boolean, x: Vector, y: Vector, whole: Vector): Value {
  if (f.bits === 32) {
    // Two significands of 24 bits.
    const equal = (half: 0 | 1) => f64x2.eq(f64x2.mul(promoted(x, half), promoted(y, half)), promoted(whole, half));
    if (scalar) return i32.wrap_i64(i64x2.extract_lane(equal(0), 0));
    return i64x2.all_true(v128.and(equal(0), equal(1)));
  }
  const one = (k: number) => {
    const bits = (value: Vector) => s.let64(i64x2.extract_lane(value, k));
    const a = bits(x), c = bits(y);
    const product = s.let64(i64.reinterpret_f64(f64.mul(f64x2.extract_lane(x, k), f64x2.extract_lane(y, k))));
    const same = f64.eq(f64.reinterpret_i64(product), f64x2.extract_lane(whole, k));
    return i32.and(same, isProduct(s, a, c, product));
  };
  return scalar ? one(0) : i32.and(s.let(one(0)), one(1));
}

/** Whether results are exact, by operation. Of a square root the second operand is the radicand. */
export const EXACT = {
  sum,
  difference,
  product: products,
  quotient: (s, f, scalar, x, y, r) => products(s, f, scalar, r, y, x),
  root: (s, f, scalar, _x, y, r) => products(s, f, scalar, r, r, y),
} satisfies Record<string, Exactness>;

/** Leaves if the result would set MXCSR.PE, or may have been rounded in another direction. */
export function requireQuiet(
  b: Builder,
  kind: keyof typeof EXACT,
  f: LaneFormat,
  scalar: boolean,
  x: Vector,
  y: Vector,
  r: Vector,
): void {
  unlessQuiet(
    b,
    () =>
      b.shared(
        `exact ${kind} ${f.bits} ${scalar}`,
        [x, y, r],
        (s, ...[x, y, r]) => EXACT[kind](s, f, scalar, x!, y!, r!),
      ),
  );
}

/** Leaves unless SSE arithmetic is quiet, or it rounds to nearest and `exact` holds. */
export function unlessQuiet(b: Builder, exact: () => Value): void {
  b.if(
    i32.eqz(b.roundsQuietly()),
    () => {
      b.calloutIf(i32.and(b.state(STATE.MXCSR), i32.const(3 << MXCSR.RC_SHIFT)));
      b.calloutIf(i32.eqz(exact()));
    },
    undefined,
    "unlikely",
  );
}
