/**
 * Arithmetic of 128 bits on pairs of 64-bit values, as far as significands need it.
 *
 * @module
 */
import { i32, i64, type Local } from "../../wasm/mod.ts";
import type { Builder } from "./builder.ts";
import type { Wide } from "./fpu_builder.ts";

const ZERO = i64.const(0);
const LOW = i64.const(0xffff_ffff);
const HALF = i64.const(32);

/** 1 as the lowest bit if any bit is set. */
export const sticky = (value: Wide): Wide => i64.extend_i32_u(i64.ne(value, ZERO));

/** `value` << (64 - count) for counts from 0 to 63: what a shift to the right loses. */
export const lost = (value: Wide, count: Wide): Wide =>
  i64.shl(i64.shl(value, i64.const(1)), i64.xor(count, i64.const(63)));

/** The product of two values. Its halves may be used more than once. */
export function product(b: Builder, x: Wide, y: Wide): { high: Wide; low: Wide } {
  const xl = b.let64(i64.and(x, LOW)), xh = b.let64(i64.shr_u(x, HALF));
  const yl = b.let64(i64.and(y, LOW)), yh = b.let64(i64.shr_u(y, HALF));
  const bottom = b.let64(i64.mul(xl, yl));
  const first = b.let64(i64.mul(xl, yh)), second = b.let64(i64.mul(xh, yl));
  const middle = b.let64(
    i64.add(i64.add(i64.shr_u(bottom, HALF), i64.and(first, LOW)), i64.and(second, LOW)),
  );
  return {
    high: b.let64(i64.add(
      i64.add(i64.mul(xh, yh), i64.shr_u(middle, HALF)),
      i64.add(i64.shr_u(first, HALF), i64.shr_u(second, HALF)),
    )),
    low: b.let64(i64.or(i64.shl(middle, HALF), i64.and(bottom, LOW))),
  };
}

/**
 * One digit of a quotient to the base 2^32 (Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D): of `rest` (below the
 * divisor) followed by `next`. The divisor's highest bit is set. Leaves the new rest in `rest`.
 */
function digit(b: Builder, rest: Local<"i64">, next: Wide, divisor: Wide, high: Wide, low: Wide): Wide {
  const quotient = b.variable64(), r = b.variable64();
  b.set64(quotient, i64.div_u(rest.get(), high));
  b.set64(r, i64.sub(rest.get(), i64.mul(quotient.get(), high)));
  const tooLarge = () =>
    i32.or(
      i64.ne(i64.shr_u(quotient.get(), HALF), ZERO),
      i64.gt_u(i64.mul(quotient.get(), low), i64.or(i64.shl(r.get(), HALF), next)),
    );
  const lower = () => {
    b.set64(quotient, i64.sub(quotient.get(), i64.const(1)));
    b.set64(r, i64.add(r.get(), high));
  };
  b.if(tooLarge(), () => {
    lower();
    b.if(i32.and(i64.eqz(i64.shr_u(r.get(), HALF)), tooLarge()), lower);
  });
  b.set64(rest, i64.sub(i64.or(i64.shl(rest.get(), HALF), next), i64.mul(quotient.get(), divisor)));
  return quotient.get();
}

/**
 * Divides 128 bits, `rest` above and `lower` below, by a divisor whose highest bit is set and which is greater than `rest`. Returns the
 * quotient and leaves the remainder in `rest`.
 */
export function divideWide(b: Builder, rest: Local<"i64">, lower: Wide, divisor: Wide): Wide {
  const high = b.let64(i64.shr_u(divisor, HALF)), low = b.let64(i64.and(divisor, LOW));
  const first = digit(b, rest, i64.shr_u(lower, HALF), divisor, high, low);
  const second = digit(b, rest, i64.and(lower, LOW), divisor, high, low);
  return b.let64(i64.or(i64.shl(first, HALF), second));
}
