/**
 * Shifts and rotates (Intel SDM volume 2). A count of zero changes no flag; counts are taken modulo 32.
 *
 * @module
 */
import { i32, i64 } from "../../wasm/mod.ts";
import { type Builder, type Semantics, signed, unsigned, type Value, type Width } from "./builder.ts";

const zero = () => i32.const(0);
const one = () => i32.const(1);
const bit = (value: Value, index: Value | number) =>
  i32.and(i32.shr_u(value, typeof index === "number" ? i32.const(index) : index), one());

/** The most significant bit of a width's value. */
const sign = (w: Width, value: Value) => bit(value, w - 1);

/** Opens operand 0, takes the count from operand `k`, and lets `body` compute result and flags when the count is not zero. */
function counted(b: Builder, k: number, body: (x: Value, count: Value) => Value): void {
  const count = b.let(i32.and(b.read(k, "u"), i32.const(31)));
  const place = b.open(0);
  const x = b.let(place.value);
  b.if(count, () => place.commit(body(x, count)));
}

const shl: Semantics = (b) => {
  const w = b.width(0);
  counted(b, 1, (x, count) => {
    const full = b.let(i32.shl(w === 32 ? x : unsigned(w, x), count));
    const r = b.let(signed(w, full));
    const carry = b.let(w === 32 ? bit(x, i32.sub(i32.const(32), count)) : bit(full, w));
    b.setCarry(carry);
    b.setOverflowAdjust(i32.xor(sign(w, r), carry), zero());
    b.flagsResult(r);
    return r;
  });
};

const shr: Semantics = (b) => {
  const w = b.width(0);
  counted(b, 1, (x, count) => {
    const u = b.let(unsigned(w, x));
    const r = b.let(signed(w, i32.shr_u(u, count)));
    b.setCarry(bit(u, i32.sub(count, one())));
    // The sign before a shift by one; clear after a longer one, as the processors leave what is undefined.
    b.setOverflowAdjust(bit(r, w - 2), zero());
    b.flagsResult(r);
    return r;
  });
};

const sar: Semantics = (b) => {
  counted(b, 1, (x, count) => {
    const r = b.let(i32.shr_s(x, count));
    b.setCarry(i32.and(i32.shr_s(x, i32.sub(count, one())), one()));
    b.setOverflowAdjust(zero(), zero());
    b.flagsResult(r);
    return r;
  });
};

/** Rotates set CF and OF and keep the rest. */
function rotateFlags(b: Builder, carry: Value, overflow: Value): void {
  const adjust = b.let(b.adjust());
  b.setCarry(carry);
  b.setOverflowAdjust(overflow, adjust);
}

/** The low `w` bits of a value rotated left by a count below `w`. */
function rotateLeft(b: Builder, w: Width, x: Value, count: Value): Value {
  if (w === 32) return i32.rotl(x, count);
  const u = b.let(unsigned(w, x));
  const n = b.let(i32.and(count, i32.const(w - 1)));
  return signed(w, i32.or(i32.shl(u, n), i32.shr_u(u, i32.sub(i32.const(w), n))));
}

const rol: Semantics = (b) => {
  const w = b.width(0);
  counted(b, 1, (x, count) => {
    const r = b.let(rotateLeft(b, w, x, count));
    const carry = b.let(bit(r, 0));
    rotateFlags(b, carry, i32.xor(sign(w, r), carry));
    return r;
  });
};

const ror: Semantics = (b) => {
  const w = b.width(0);
  counted(b, 1, (x, count) => {
    const r = b.let(rotateLeft(b, w, x, i32.and(i32.sub(i32.const(w), count), i32.const(w - 1))));
    rotateFlags(b, sign(w, r), i32.xor(sign(w, r), bit(r, w - 2)));
    return r;
  });
};

/** RCL and RCR rotate the `w + 1` bits of CF and the operand. */
function throughCarry(b: Builder, left: boolean): void {
  const w = b.width(0), ring = w + 1;
  counted(b, 1, (x, count) => {
    const n = b.let(w === 32 ? count : i32.rem_u(count, i32.const(ring)));
    const turn = b.let(left ? n : i32.sub(i32.const(ring), n));
    const carryIn = b.let(b.carry());
    const v = b.let64(i64.or(
      i64.shl(i64.extend_i32_u(carryIn), i64.const(w)),
      i64.extend_i32_u(unsigned(w, x)),
    ));
    const amount = b.let64(i64.extend_i32_u(turn));
    const rotated = b.let64(
      i64.or(i64.shl(v, amount), i64.shr_u(v, i64.sub(i64.const(ring), amount))),
    );
    const r = b.let(signed(w, i32.wrap_i64(rotated)));
    const carry = b.let(i32.and(i32.wrap_i64(i64.shr_u(rotated, i64.const(w))), one()));
    const overflow = left ? i32.xor(sign(w, r), carry) : i32.xor(sign(w, r), bit(r, w - 2));
    rotateFlags(b, carry, overflow);
    return r;
  });
}

/** SHLD and SHRD. A 16-bit operand with a count over 16 is undefined; like the processors, the operands rotate through. */
function double(b: Builder, left: boolean): void {
  const w = b.width(0);
  const count = b.let(i32.and(b.read(2, "u"), i32.const(31)));
  const place = b.open(0);
  const x = b.let(place.value), y = b.let(b.read(1));
  b.if(count, () => {
    let r: Value, carry: Value;
    if (w === 32) {
      const back = b.let(i32.sub(i32.const(32), count));
      r = b.let(left ? i32.or(i32.shl(x, count), i32.shr_u(y, back)) : i32.or(i32.shr_u(x, count), i32.shl(y, back)));
      carry = left ? bit(x, back) : bit(x, i32.sub(count, one()));
    } else {
      const n = b.let64(i64.extend_i32_u(count));
      const xs = b.let64(i64.extend_i32_u(unsigned(16, x))), ys = i64.extend_i32_u(unsigned(16, y));
      const three = b.let64(
        i64.or(i64.or(i64.shl(xs, i64.const(32)), i64.shl(ys, i64.const(16))), xs),
      );
      const moved = b.let64(left ? i64.shl(three, n) : i64.shr_u(three, n));
      r = b.let(signed(16, i32.wrap_i64(left ? i64.shr_u(moved, i64.const(32)) : moved)));
      carry = left
        ? i32.and(i32.wrap_i64(i64.shr_u(moved, i64.const(48))), one())
        : i32.and(i32.wrap_i64(i64.shr_u(three, i64.sub(n, i64.const(1)))), one());
    }
    b.setCarry(carry);
    b.setOverflowAdjust(sign(w, i32.xor(r, x)), zero());
    b.flagsResult(r);
    place.commit(r);
  });
}

/** This family by semantics name. */
export const SHIFT: Record<string, Semantics> = {
  shl,
  shr,
  sar,
  rol,
  ror,
  rcl: (b) => throughCarry(b, true),
  rcr: (b) => throughCarry(b, false),
  shld: (b) => double(b, true),
  shrd: (b) => double(b, false),
};
