/**
 * Values of constant expressions.
 *
 * @module
 */
import { Binary, type Expr, I32Const, Unary } from "./expression.ts";
import { I32 } from "./opcodes.ts";

const { binary, compare, unary, test } = I32;

const BINARY = new Map<number, (x: number, y: number) => number>([
  [binary.add, (x, y) => (x + y) | 0],
  [binary.sub, (x, y) => (x - y) | 0],
  [binary.mul, Math.imul],
  [binary.and, (x, y) => x & y],
  [binary.or, (x, y) => x | y],
  [binary.xor, (x, y) => x ^ y],
  [binary.shl, (x, y) => x << y],
  [binary.shr_s, (x, y) => x >> y],
  [binary.shr_u, (x, y) => (x >>> y) | 0],
  [compare.eq, (x, y) => x === y ? 1 : 0],
  [compare.ne, (x, y) => x !== y ? 1 : 0],
  [compare.lt_s, (x, y) => x < y ? 1 : 0],
  [compare.lt_u, (x, y) => x >>> 0 < y >>> 0 ? 1 : 0],
  [compare.gt_s, (x, y) => x > y ? 1 : 0],
  [compare.gt_u, (x, y) => x >>> 0 > y >>> 0 ? 1 : 0],
  [compare.le_u, (x, y) => x >>> 0 <= y >>> 0 ? 1 : 0],
  [compare.ge_u, (x, y) => x >>> 0 >= y >>> 0 ? 1 : 0],
]);

const UNARY = new Map<number, (x: number) => number>([
  [test.eqz, (x) => x === 0 ? 1 : 0],
  [unary.extend8_s, (x) => (x << 24) >> 24],
  [unary.extend16_s, (x) => (x << 16) >> 16],
]);

/** The value of an expression of 32-bit constants, as a signed number; undefined if it is not known when the code is emitted. */
export function constantOf(expression: Expr): number | undefined {
  if (expression instanceof I32Const) return expression.value | 0;
  if (expression instanceof Binary) {
    const x = constantOf(expression.a);
    if (x === undefined) return undefined;
    const y = constantOf(expression.b);
    return y === undefined ? undefined : BINARY.get(expression.code)?.(x, y);
  }
  if (expression instanceof Unary) {
    const x = constantOf(expression.a);
    return x === undefined ? undefined : UNARY.get(expression.code)?.(x);
  }
  return undefined;
}
