/**
 * Memory operands of the x87 FPU as numbers: what unpacks to zero or to a normal number without an exception (Intel SDM volume 1, 4.2).
 *
 * @module
 */
import { i32, i64, select } from "../../wasm/mod.ts";
import { BIAS } from "../fpu/extended.ts";
import type { Builder, Value } from "./builder.ts";
import type { Wide } from "./fpu_builder.ts";
import type { Parts } from "./fpu_frame.ts";

const INTEGER_BIT = 1n << 63n;

/** A single or double at a host address; leaves if it is denormal, infinite or no number. */
export function loadReal(b: Builder, bits: number, host: Value): Parts {
  const single = bits === 32;
  const loaded = single ? undefined : b.let64(i64.load(host));
  const raw = single ? b.let(i32.load(host)) : undefined;
  const field = b.let(
    single
      ? i32.and(i32.shr_u(raw!, i32.const(23)), i32.const(0xff))
      : i32.and(i32.wrap_i64(i64.shr_u(loaded!, i64.const(52))), i32.const(0x7ff)),
  );
  const special = single ? 0xff : 0x7ff;
  const exponent = b.variable(), significand = b.variable64();
  const fraction: Wide = single ? i64.shl(i64.extend_i32_u(raw!), i64.const(40)) : i64.shl(loaded!, i64.const(11));
  b.if(i32.lt_u(i32.sub(field, i32.const(1)), i32.const(special - 1)), () => {
    b.set64(significand, i64.or(fraction, i64.const(INTEGER_BIT)));
    b.set(exponent, i32.add(field, i32.const(BIAS - (special >> 1))));
  }, () => {
    b.calloutIf(single ? i32.shl(raw!, i32.const(1)) : i64.ne(i64.shl(loaded!, i64.const(1)), i64.const(0)));
    b.set64(significand, i64.const(0));
    b.set(exponent, i32.const(0));
  });
  const sign = single ? i32.shr_u(raw!, i32.const(16)) : i32.wrap_i64(i64.shr_u(loaded!, i64.const(48)));
  return {
    sign: b.let(i32.and(sign, i32.const(0x8000))),
    exponent: exponent.get(),
    significand: significand.get(),
  };
}

/** An integer of 16, 32 or 64 bits at a host address. */
export function loadInteger(b: Builder, bits: number, host: Value): Parts {
  const value = b.let64(bits === 16 ? i64.load16_s(host) : bits === 32 ? i64.load32_s(host) : i64.load(host));
  const negative = b.let64(i64.shr_s(value, i64.const(63)));
  const magnitude = b.let64(i64.sub(i64.xor(value, negative), negative));
  const zeros = b.let64(i64.clz(magnitude));
  return {
    sign: b.let(i32.and(i32.wrap_i64(negative), i32.const(0x8000))),
    exponent: b.let(
      select(i64.eqz(magnitude), i32.const(0), i32.sub(i32.const(BIAS + 63), i32.wrap_i64(zeros))),
    ),
    significand: b.let64(i64.shl(magnitude, zeros)),
  };
}
