/**
 * Emits the lazy flags: the encoding is told in `core/x86/registers.ts` (STATE.RESULT to STATE.CY).
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { FLAG, STATE } from "../../x86/registers.ts";
import type { Builder, Value, Width } from "../../x86/semantics/mod.ts";

/** Where the words of the lazy flags are: in the state block, or in locals. Their names are STATE's offsets. */
export interface FlagWords extends Pick<Builder, "state" | "setState" | "let"> {
  /** Sets RESULT, and PATCH to 0. */
  setResult(r: Value): void;
  /** Sets OX, OY, CX and CY to 0. */
  clearOperands(): void;
}

/** What can be said of the flags. */
export type FlagEmission = ReturnType<typeof emitFlags>;

/** The flag operations over the words. */
export function emitFlags(b: FlagWords) {
  const bit31 = (value: Value) => i32.shr_u(value, i32.const(31));
  const result = (r: Value) => b.setResult(r);
  /** RESULT ^ PATCH: sign and parity. */
  const patched = () => i32.xor(b.state(STATE.RESULT), b.state(STATE.PATCH));
  const overflowWord = () => {
    const ox = b.let(b.state(STATE.OX)), oy = b.let(b.state(STATE.OY));
    return i32.and(i32.xor(ox, oy), i32.xor(ox, i32.sub(ox, oy)));
  };
  const carry = () => i32.lt_u(b.state(STATE.CX), b.state(STATE.CY));
  const zero = () => i32.eqz(b.state(STATE.RESULT));
  const overflow = () => bit31(overflowWord());
  const adjust = () => {
    const ox = b.let(b.state(STATE.OX)), oy = b.let(b.state(STATE.OY));
    return i32.and(i32.shr_u(i32.xor(i32.xor(ox, oy), i32.sub(ox, oy)), i32.const(4)), i32.const(1));
  };
  const parity = () => {
    const low = b.let(i32.and(patched(), i32.const(0xff)));
    const nibble = i32.and(i32.xor(low, i32.shr_u(low, i32.const(4))), i32.const(15));
    return i32.and(i32.shr_u(i32.const(0x9669), nibble), i32.const(1));
  };
  const less = () => bit31(i32.xor(patched(), overflowWord()));
  const setOverflowAdjust = (of: Value, af: Value) => {
    // (OX, OY) for (OF, AF): (0,0) (0,1) (80000000h,10h) (80000000h,1), see STATE.OX.
    const overflowing = b.let(of), adjusting = b.let(af);
    b.setState(STATE.OX, i32.shl(overflowing, i32.const(31)));
    const alone = i32.and(overflowing, i32.xor(adjusting, i32.const(1)));
    b.setState(STATE.OY, i32.or(adjusting, i32.shl(alone, i32.const(4))));
  };
  /**
   * OX and OY of a difference of sign-extended values. OF is found at bit 31, so that narrow values go to the top; AF is found at bit 4,
   * for which their low bits stay, with bit 5 of OX to borrow from.
   */
  const operands = (w: Width, x: Value, y: Value) => {
    if (w === 32) {
      b.setState(STATE.OX, x);
      b.setState(STATE.OY, y);
      return;
    }
    const top = (value: Value) => i32.shl(value, i32.const(32 - w));
    const low = (value: Value) => i32.and(value, i32.const(0x1f));
    b.setState(STATE.OX, i32.or(i32.or(top(x), i32.const(0x20)), low(x)));
    b.setState(STATE.OY, i32.or(top(y), low(y)));
  };
  const setCarry = (value: Value) => {
    b.setState(STATE.CY, value);
    b.setState(STATE.CX, i32.const(0));
  };

  const conditions: readonly (() => Value)[] = [
    overflow,
    carry,
    zero,
    () => i32.or(carry(), zero()),
    () => bit31(patched()),
    parity,
    less,
    () => i32.or(less(), zero()),
  ];

  return {
    result,
    carry,
    adjust,
    overflow,
    setCarry,
    setOverflowAdjust,
    add(w: Width, r: Value, y: Value) {
      result(r);
      operands(w, r, y);
      b.setState(STATE.CX, r);
      b.setState(STATE.CY, y);
    },
    sub(w: Width, r: Value, x: Value, y: Value) {
      result(r);
      operands(w, x, y);
      b.setState(STATE.CX, x);
      b.setState(STATE.CY, y);
    },
    logic(r: Value) {
      result(r);
      b.clearOperands();
    },
    increment(w: Width, r: Value) {
      result(r);
      operands(w, r, i32.const(1));
    },
    decrement(w: Width, r: Value, x: Value) {
      result(r);
      operands(w, x, i32.const(1));
    },
    /** Operands as for any CF without OF and AF; RESULT ^ PATCH is 1, which is positive and of odd parity. */
    compared(less: Value, equal: Value) {
      const equals = b.let(equal);
      const carries = b.let(less);
      b.setState(STATE.RESULT, i32.xor(equals, i32.const(1)));
      b.setState(STATE.PATCH, equals);
      b.setState(STATE.OX, i32.const(0));
      b.setState(STATE.OY, i32.const(0));
      setCarry(carries);
    },
    /** Nonzero if the condition holds; codes come in pairs, the odd one negated. */
    holds(code: number): Value {
      const value = conditions[code >> 1]!();
      return (code & 1) === 0 ? value : i32.eqz(value);
    },
    all(): Value {
      const at = (value: Value, bit: number) => i32.shl(value, i32.const(bit));
      const low = i32.or(i32.or(carry(), at(parity(), 2)), i32.or(at(adjust(), 4), at(zero(), 6)));
      return i32.or(low, i32.or(at(bit31(patched()), 7), at(overflow(), 11)));
    },
    setAll(value: Value) {
      const flag = (bit: number) => i32.and(i32.shr_u(value, i32.const(bit)), i32.const(1));
      setCarry(flag(0));
      setOverflowAdjust(flag(11), flag(4));
      // RESULT is 0 or 1 by ZF; the patch turns its sign into SF and its low byte's parity into PF.
      const r = b.let(i32.xor(flag(6), i32.const(1)));
      b.setState(STATE.RESULT, r);
      const odd = i32.xor(flag(2), i32.const(1));
      const low = i32.xor(r, odd);
      const sign = i32.shl(i32.and(value, i32.const(FLAG.SF)), i32.const(24));
      b.setState(STATE.PATCH, i32.or(sign, low));
    },
  };
}
