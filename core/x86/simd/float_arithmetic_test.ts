import { assertEquals } from "@std/assert";
import { DOUBLE, type Format, SINGLE } from "./binary_format.ts";
import {
  add,
  type BinaryArithmetic,
  convert,
  divide,
  fromInteger,
  maximum,
  minimum,
  multiply,
  reciprocal,
  reciprocalRoot,
  roundToIntegral,
  satisfies,
  squareRoot,
  subtract,
  toInteger,
} from "./float_arithmetic.ts";
import { FloatOperation, ROUNDING } from "./float_operation.ts";
import { EXCEPTION } from "./unit.ts";

const { INVALID: IE, DENORMAL: DE, ZERO_DIVIDE: ZE, OVERFLOW: OE, UNDERFLOW: UE, PRECISION: PE } = EXCEPTION;
const MASKED = 0x1f80, FTZ = 0x8000, DAZ = 0x40;

const view = new DataView(new ArrayBuffer(8));

function bits(f: Format, value: number): bigint {
  if (f === SINGLE) {
    view.setFloat32(0, value);
    return BigInt(view.getUint32(0));
  }
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** Result in hexadecimal and flags of an operation on single-precision bits. */
function single(compute: BinaryArithmetic, x: number, y: number, mxcsr = MASKED): [string, number] {
  const operation = new FloatOperation(mxcsr);
  const result = compute(operation, SINGLE, BigInt(x >>> 0), BigInt(y >>> 0));
  return [result.toString(16), operation.flags];
}

const ONE = 0x3f80_0000, INFINITY = 0x7f80_0000, QNAN = 0x7fc0_0001, SNAN = 0x7f80_0002, TINY = 1, LEAST = 0x80_0000;
const GREATEST = 0x7f7f_ffff, MINUS = 0x8000_0000, INDEFINITE = "ffc00000";

Deno.test("rounding to nearest equals the host's, in both formats", () => {
  let seed = 1;
  const next = () => (seed = (Math.imul(seed, 1664525) + 1013904223) | 0) / 2 ** 31;
  const operations: [BinaryArithmetic, (x: number, y: number) => number][] = [
    [add, (x, y) => x + y],
    [subtract, (x, y) => x - y],
    [multiply, (x, y) => x * y],
    [divide, (x, y) => x / y],
  ];
  for (let round = 0; round < 4000; round++) {
    const range = round % 2 === 0 ? 8 : 300;
    const x = next() * 2 ** (next() * range), y = next() * 2 ** (next() * range);
    for (const [compute, expected] of operations) {
      const operation = new FloatOperation(MASKED);
      assertEquals(compute(operation, DOUBLE, bits(DOUBLE, x), bits(DOUBLE, y)), bits(DOUBLE, expected(x, y)));
      const a = Math.fround(x), b = Math.fround(y);
      // A double has bits enough that rounding twice is rounding once.
      assertEquals(compute(operation, SINGLE, bits(SINGLE, a), bits(SINGLE, b)), bits(SINGLE, expected(a, b)));
    }
    const operation = new FloatOperation(MASKED);
    assertEquals(squareRoot(operation, DOUBLE, bits(DOUBLE, Math.abs(x))), bits(DOUBLE, Math.sqrt(Math.abs(x))));
    assertEquals(convert(operation, DOUBLE, SINGLE, bits(DOUBLE, x)), bits(SINGLE, x));
  }
});

Deno.test("the other rounding modes bracket an inexact result", () => {
  const third = (rounding: number, sign: number) => single(divide, ONE | sign, 0x4040_0000, MASKED | rounding << 13)[0];
  assertEquals([0, 1, 2, 3].map((rounding) => third(rounding, 0)), ["3eaaaaab", "3eaaaaaa", "3eaaaaab", "3eaaaaaa"]);
  assertEquals([0, 1, 2, 3].map((rounding) => third(rounding, MINUS)), [
    "beaaaaab",
    "beaaaaab",
    "beaaaaaa",
    "beaaaaaa",
  ]);
  assertEquals(single(subtract, ONE, ONE, MASKED | ROUNDING.DOWN << 13), ["80000000", 0]);
});

Deno.test("NaNs: the first operand's, made quiet; signaling ones are invalid", () => {
  assertEquals(single(add, QNAN, SNAN), ["7fc00001", IE]);
  assertEquals(single(add, SNAN, QNAN), ["7fc00002", IE]);
  assertEquals(single(add, ONE, QNAN), ["7fc00001", 0]);
  assertEquals(single(add, TINY, QNAN), ["7fc00001", 0]);
  assertEquals(single(subtract, INFINITY, INFINITY), [INDEFINITE, IE]);
  assertEquals(single(multiply, INFINITY, 0), [INDEFINITE, IE]);
  assertEquals(single(divide, 0, MINUS), [INDEFINITE, IE]);
  assertEquals(single((o, f, _x, y) => squareRoot(o, f, y), 0, MINUS | ONE), [INDEFINITE, IE]);
  assertEquals(single((o, f, _x, y) => squareRoot(o, f, y), 0, MINUS), ["80000000", 0]);
});

Deno.test("division by zero, overflow and underflow", () => {
  assertEquals(single(divide, ONE, MINUS), ["ff800000", ZE]);
  assertEquals(single(divide, TINY, 0), ["7f800000", ZE]);
  assertEquals(single(divide, INFINITY, 0), ["7f800000", 0]);
  assertEquals(single(multiply, GREATEST, GREATEST), ["7f800000", OE | PE]);
  assertEquals(single(multiply, GREATEST, GREATEST, MASKED | ROUNDING.TOWARD_ZERO << 13), ["7f7fffff", OE | PE]);
  assertEquals(single(multiply, GREATEST, MINUS | GREATEST, MASKED | ROUNDING.UP << 13), ["ff7fffff", OE | PE]);
  // Half of the least normal number is exact, and no underflow unless that is unmasked or flushed.
  const half = 0x3f00_0000;
  assertEquals(single(multiply, LEAST, half), ["400000", 0]);
  assertEquals(single(multiply, LEAST, half, MASKED | FTZ), ["0", UE | PE]);
  assertEquals(single(multiply, LEAST, half, MASKED & ~(UE << 7)), ["0", UE]);
  assertEquals(single(multiply, LEAST | 1, half), ["400000", UE | PE]);
  // Tiny before rounding, not after it.
  assertEquals(single(multiply, LEAST, 0x3f7f_ffff, MASKED | ROUNDING.UP << 13), ["800000", UE | PE]);
  assertEquals(single(multiply, 0x00ff_ffff, 0x3f00_0001), ["800000", PE]);
});

Deno.test("denormal operands raise DE, unless they are zeros", () => {
  assertEquals(single(add, TINY, ONE), ["3f800000", DE | PE]);
  assertEquals(single(add, TINY, ONE, MASKED | DAZ), ["3f800000", 0]);
  assertEquals(single(add, TINY, TINY, MASKED | FTZ), ["0", DE | UE | PE]);
  assertEquals(single(maximum, MINUS | TINY, MINUS | TINY, MASKED | DAZ), ["80000000", 0]);
});

Deno.test("MIN and MAX give the second operand of zeros and NaNs", () => {
  assertEquals(single(minimum, 0, MINUS), ["80000000", 0]);
  assertEquals(single(maximum, MINUS, 0), ["0", 0]);
  assertEquals(single(minimum, QNAN, ONE), ["3f800000", IE]);
  assertEquals(single(maximum, ONE, SNAN), ["7f800002", IE]);
  assertEquals(single(minimum, ONE, MINUS | ONE), ["bf800000", 0]);
});

Deno.test("the eight predicates", () => {
  const of = (x: number, y: number) =>
    Array.from({ length: 8 }, (_, predicate) => {
      const operation = new FloatOperation(MASKED);
      return satisfies(operation, SINGLE, BigInt(x), BigInt(y), predicate) ? 1 : 0;
    }).join("");
  assertEquals(of(0, MINUS), "10100101");
  assertEquals(of(0, ONE), "01101001");
  assertEquals(of(ONE, 0), "00001111");
  assertEquals(of(ONE, QNAN), "00011110");
  const objects = (predicate: number, nan: number) => {
    const operation = new FloatOperation(MASKED);
    satisfies(operation, SINGLE, BigInt(nan), 0n, predicate);
    return operation.flags;
  };
  assertEquals([0, 1, 2, 3, 4, 5, 6, 7].map((predicate) => objects(predicate, QNAN)), [0, IE, IE, 0, 0, IE, IE, 0]);
  assertEquals(objects(0, SNAN), IE);
});

Deno.test("integers: rounding, range and the integer indefinite", () => {
  const to = (value: number, rounding: number): [number, number] => {
    const operation = new FloatOperation(MASKED);
    return [toInteger(operation, DOUBLE, bits(DOUBLE, value), rounding), operation.flags];
  };
  assertEquals([0, 1, 2, 3].map((rounding) => to(-2.5, rounding)), [[-2, PE], [-3, PE], [-2, PE], [-2, PE]]);
  assertEquals([to(2147483647.5, 0), to(2147483647.5, 3)], [[-0x8000_0000, IE], [0x7fff_ffff, PE]]);
  assertEquals([to(-2147483648, 0), to(-2147483648.5, 0)], [[-0x8000_0000, 0], [-0x8000_0000, PE]]);
  assertEquals([to(NaN, 0), to(-Infinity, 0), to(1e300, 0)], Array(3).fill([-0x8000_0000, IE]));
  const operation = new FloatOperation(MASKED);
  assertEquals(fromInteger(operation, SINGLE, 0x7fff_ffff), bits(SINGLE, 2 ** 31));
  assertEquals([fromInteger(operation, DOUBLE, -0x8000_0000), operation.flags], [bits(DOUBLE, -(2 ** 31)), PE]);
});

Deno.test("ROUNDPS keeps the sign of zero and may be silent", () => {
  const round = (value: number, rounding: number, quiet = false): [number, number] => {
    const operation = new FloatOperation(MASKED);
    const result = roundToIntegral(operation, DOUBLE, bits(DOUBLE, value), rounding, quiet);
    view.setBigUint64(0, result);
    return [view.getFloat64(0), operation.flags];
  };
  assertEquals([round(0.5, 0), round(1.5, 0), round(-0.25, 2)], [[0, PE], [2, PE], [-0, PE]]);
  assertEquals([round(-0.25, 1, true), round(1e18, 0), round(Infinity, 0)], [[-1, 0], [1e18, 0], [Infinity, 0]]);
});

Deno.test("approximations flush tiny results and raise nothing", () => {
  assertEquals([reciprocal(0x4080_0000), reciprocal(0), reciprocal(MINUS | TINY | 0)], [
    0x3e80_0000,
    INFINITY,
    (MINUS | INFINITY) | 0,
  ]);
  assertEquals([reciprocal(0x7f00_0000), reciprocal(INFINITY), reciprocal(SNAN)], [0, 0, SNAN | 0x40_0000]);
  assertEquals([reciprocalRoot(0x4080_0000), reciprocalRoot(MINUS | ONE)], [0x3f00_0000, 0xffc0_0000 | 0]);
});
