/**
 * PCMPISTRI and PCMPESTRI on bytes (Intel SDM volume 2, 4.1), where the control byte is known when the code is emitted: C libraries compare
 * and search strings with them. Everything else is left to their definition in `core/x86/simd`.
 *
 * @module
 */
import { constantOf, i32, i8x16, select, v128 } from "../../wasm/mod.ts";
import { FLAG, GPR } from "../registers.ts";
import type { Builder, Semantics, Value } from "./builder.ts";
import type { Vector } from "./vector_builder.ts";

/** Bits of the control byte (4.1.2 to 4.1.6). */
const CONTROL = { WORDS: 1, AGGREGATION: 3 << 2, NEGATE: 1 << 4, MASKED: 1 << 5, LAST: 1 << 6 } as const;

/** Aggregations, in place. */
const AGGREGATION = { EQUAL_ANY: 0 << 2, EQUAL_EACH: 2 << 2, EQUAL_ORDERED: 3 << 2 } as const;

const COUNT = 16;
const ALL = (1 << COUNT) - 1;
const ZERO = v128.const(new Uint8Array(16));

/** Bytes before the first zero. */
function implicitLength(b: Builder, operand: Vector): Value {
  const zeros = i8x16.bitmask(i8x16.eq(operand, ZERO));
  return b.let(i32.ctz(i32.or(zeros, i32.const(1 << COUNT))));
}

/** The magnitude of a length register, saturated. */
function explicitLength(b: Builder, register: number): Value {
  const given = b.let(b.register(register, 32));
  const magnitude = b.let(select(i32.lt_s(given, i32.const(0)), i32.sub(i32.const(0), given), given));
  return b.let(select(i32.lt_u(magnitude, i32.const(COUNT)), magnitude, i32.const(COUNT)));
}

/** A bit for each byte that lies before a length. */
const before = (b: Builder, length: Value) => b.let(i32.sub(i32.shl(i32.const(1), length), i32.const(1)));

/** Bits of `text` that equal byte `index` of `pattern`. */
const equals = (text: Vector, pattern: Vector, index: Value) =>
  i8x16.bitmask(i8x16.eq(text, i8x16.swizzle(pattern, i8x16.splat(index))));

/** Goes through the pattern's bytes. */
function eachOf(b: Builder, length: Value, body: (index: Value) => void): void {
  const index = b.variable();
  b.set(index, i32.const(0));
  b.if(length, () =>
    b.loop((again) => {
      body(index.get());
      b.set(index, i32.add(index.get(), i32.const(1)));
      b.if(i32.lt_u(index.get(), length), again);
    }));
}

interface Operands {
  readonly pattern: Vector;
  readonly text: Vector;
  readonly patternLength: Value;
  /** Bits of the bytes that count. */
  readonly validPattern: Value;
  readonly validText: Value;
}

/** IntRes1 (4.1.3). */
function aggregate(b: Builder, aggregation: number, operands: Operands): Value {
  const { pattern, text, patternLength, validPattern, validText } = operands;
  const bits = b.variable();
  switch (aggregation) {
    case AGGREGATION.EQUAL_EACH: {
      const neither = i32.xor(i32.or(validPattern, validText), i32.const(ALL));
      b.set(
        bits,
        i32.or(i32.and(i8x16.bitmask(i8x16.eq(pattern, text)), i32.and(validPattern, validText)), neither),
      );
      break;
    }
    case AGGREGATION.EQUAL_ANY:
      b.set(bits, i32.const(0));
      eachOf(b, patternLength, (index) => b.set(bits, i32.or(bits.get(), equals(text, pattern, index))));
      b.set(bits, i32.and(bits.get(), validText));
      break;
    default:
      b.set(bits, i32.const(ALL));
      // Beyond the end of the register there is nothing to contradict.
      eachOf(b, patternLength, (index) => {
        const here = i32.or(i32.and(equals(text, pattern, index), validText), i32.const(ALL << COUNT));
        b.set(bits, i32.and(bits.get(), i32.shr_u(here, index)));
      });
  }
  return bits.get();
}

function comparison(explicit: boolean): Semantics {
  return (b) => {
    const control = constantOf(b.read(2, "u"));
    const aggregation = (control ?? 0) & CONTROL.AGGREGATION;
    const known = Object.values(AGGREGATION).some((one) => one === aggregation);
    if (control === undefined || (control & CONTROL.WORDS) !== 0 || !known) return b.calloutIf(i32.const(1));
    b.requireSse();
    const text = b.letVector(b.readVector(1, 16, "any"));
    const pattern = b.letVector(b.readVector(0, 16));
    const patternLength = explicit ? explicitLength(b, GPR.AX) : implicitLength(b, pattern);
    const textLength = explicit ? explicitLength(b, GPR.DX) : implicitLength(b, text);
    const validPattern = before(b, patternLength), validText = before(b, textLength);
    const found = aggregate(b, aggregation, { pattern, text, patternLength, validPattern, validText });
    const inverted = (control & CONTROL.MASKED) !== 0 ? validText : i32.const(ALL);
    const bits = b.let((control & CONTROL.NEGATE) !== 0 ? i32.xor(found, inverted) : found);
    const place = (control & CONTROL.LAST) !== 0 ? i32.sub(i32.const(31), i32.clz(bits)) : i32.ctz(bits);
    b.setRegister(GPR.CX, 32, b.let(select(bits, place, i32.const(COUNT))));
    const flag = (condition: Value, mask: number) => i32.mul(condition, i32.const(mask));
    const shorter = (length: Value) => i32.lt_u(length, i32.const(COUNT));
    const low = i32.or(flag(i32.ne(bits, i32.const(0)), FLAG.CF), flag(shorter(textLength), FLAG.ZF));
    const high = i32.or(flag(shorter(patternLength), FLAG.SF), flag(i32.and(bits, i32.const(1)), FLAG.OF));
    b.setArithmeticFlags(b.let(i32.or(low, high)), false);
  };
}

/** This family by semantics name. */
export const VECTOR_STRING: Record<string, Semantics> = {
  pcmpestri: comparison(true),
  pcmpistri: comparison(false),
};
