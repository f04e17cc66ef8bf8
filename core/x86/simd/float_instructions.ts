/**
 * The floating-point instructions of SSE to SSE4.1 (Intel SDM volume 2).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Instruction } from "../instruction.ts";
import { ARITHMETIC_FLAGS, FLAG } from "../registers.ts";
import type { Callout } from "../system/callout.ts";
import { DOUBLE, type Format, SINGLE } from "./binary_format.ts";
import {
  add,
  type BinaryArithmetic,
  compare,
  divide,
  maximum,
  minimum,
  multiply,
  ORDER,
  reciprocal,
  reciprocalRoot,
  roundToIntegral,
  satisfies,
  squareRoot,
  subtract,
  type UnaryArithmetic,
} from "./float_arithmetic.ts";
import { FloatOperation } from "./float_operation.ts";
import { Lanes } from "./lanes.ts";
import { requireSse } from "./unit.ts";

const x = new Lanes();
const y = new Lanes();
const result = new Lanes();

const immediate = (instruction: Instruction) => instruction.operands[2].value;

/** Computes elements of destination and source into the destination: all, or the lowest alone. */
function elements(
  f: Format,
  scalar: boolean,
  compute: (operation: FloatOperation, x: bigint, y: bigint, instruction: Instruction) => bigint,
): Callout {
  const count = scalar ? 1 : 128 / f.bits;
  const bytes = scalar ? f.bits / 8 as 4 | 8 : 16;
  return (cpu, instruction) => {
    requireSse(cpu);
    y.read(cpu, instruction, 1, bytes);
    const { register } = instruction.operands[0];
    x.readXmm(cpu, register);
    const operation = FloatOperation.of(cpu);
    for (let lane = 0; lane < count; lane++) {
      x.set(f, lane, compute(operation, x.get(f, lane), y.get(f, lane), instruction));
    }
    operation.settle(cpu);
    x.writeXmm(cpu, register);
  };
}

/** Both formats, packed and scalar, by suffix. */
const TYPES: readonly (readonly [suffix: string, f: Format, scalar: boolean])[] = [
  ["ps", SINGLE, false],
  ["pd", DOUBLE, false],
  ["ss", SINGLE, true],
  ["sd", DOUBLE, true],
];

function arithmetic(name: string, compute: BinaryArithmetic): [string, Callout][] {
  return TYPES.map(([suffix, f, scalar]) => [
    name + suffix,
    elements(f, scalar, (operation, a, b) => compute(operation, f, a, b)),
  ]);
}

function ofSource(name: string, compute: UnaryArithmetic): [string, Callout][] {
  return arithmetic(name, (operation, f, _a, b) => compute(operation, f, b));
}

/** CMPPS and its like: bits 3 to 7 of the immediate are ignored. */
const comparisons: [string, Callout][] = TYPES.map(([suffix, f, scalar]) => {
  const ones = f.signBit * 2n - 1n;
  return [
    `cmp${suffix}`,
    elements(
      f,
      scalar,
      (operation, a, b, instruction) => satisfies(operation, f, a, b, immediate(instruction) & 7) ? ones : 0n,
    ),
  ];
});

/** ROUNDPS and its like: the rounding mode is the immediate's or, with bit 2, MXCSR's; bit 3 suppresses PE. */
const roundings: [string, Callout][] = TYPES.map(([suffix, f, scalar]) => [
  `round${suffix}`,
  elements(f, scalar, (operation, _a, b, instruction) => {
    const control = immediate(instruction);
    const rounding = (control & 4) !== 0 ? operation.rounding : control & 3;
    return roundToIntegral(operation, f, b, rounding, (control & 8) !== 0);
  }),
]);

/** COMISS, COMISD (`signaling`), UCOMISS and UCOMISD. */
function flagsComparison(f: Format, signaling: boolean): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    y.read(cpu, instruction, 1, f.bits / 8 as 4 | 8);
    x.readXmm(cpu, instruction.operands[0].register);
    const operation = FloatOperation.of(cpu);
    const order = compare(operation, f, x.get(f, 0), y.get(f, 0), signaling);
    operation.settle(cpu);
    const flags = order === ORDER.UNORDERED
      ? FLAG.ZF | FLAG.PF | FLAG.CF
      : order === ORDER.LESS
      ? FLAG.CF
      : order === ORDER.EQUAL
      ? FLAG.ZF
      : 0;
    cpu.setEflags(flags, ARITHMETIC_FLAGS);
  };
}

/** RCPPS, RCPSS, RSQRTPS, RSQRTSS. */
function approximate(compute: (bits: number) => number, scalar: boolean): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    y.read(cpu, instruction, 1, scalar ? 4 : 16);
    const { register } = instruction.operands[0];
    x.readXmm(cpu, register);
    for (let lane = 0; lane < (scalar ? 1 : 4); lane++) x.i32[lane] = compute(y.i32[lane]!);
    x.writeXmm(cpu, register);
  };
}

/** HADDPS and its like: adjacent elements of the destination, then of the source. */
function horizontal(f: Format, compute: BinaryArithmetic): Callout {
  const half = 64 / f.bits;
  return (cpu, instruction) => {
    requireSse(cpu);
    y.read(cpu, instruction, 1, 16);
    const { register } = instruction.operands[0];
    x.readXmm(cpu, register);
    const operation = FloatOperation.of(cpu);
    for (let lane = 0; lane < 2 * half; lane++) {
      const from = lane < half ? x : y;
      const pair = (lane % half) * 2;
      result.set(f, lane, compute(operation, f, from.get(f, pair), from.get(f, pair + 1)));
    }
    operation.settle(cpu);
    result.writeXmm(cpu, register);
  };
}

/** ADDSUBPS and ADDSUBPD: even elements are subtracted, odd ones added. */
function alternating(f: Format): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    y.read(cpu, instruction, 1, 16);
    const { register } = instruction.operands[0];
    x.readXmm(cpu, register);
    const operation = FloatOperation.of(cpu);
    for (let lane = 0; lane < 128 / f.bits; lane++) {
      const compute = lane % 2 === 0 ? subtract : add;
      x.set(f, lane, compute(operation, f, x.get(f, lane), y.get(f, lane)));
    }
    operation.settle(cpu);
    x.writeXmm(cpu, register);
  };
}

/** One step of a dot product, with its own exceptions. */
function step(cpu: Cpu, compute: (operation: FloatOperation) => bigint[]): bigint[] {
  const operation = FloatOperation.of(cpu);
  const values = compute(operation);
  operation.settle(cpu);
  return values;
}

/** DPPS and DPPD: products that the immediate's high bits select are added pair by pair, and stored where its low bits say. */
function dotProduct(f: Format): Callout {
  const count = 128 / f.bits;
  return (cpu, instruction) => {
    requireSse(cpu);
    y.read(cpu, instruction, 1, 16);
    const { register } = instruction.operands[0];
    x.readXmm(cpu, register);
    const control = immediate(instruction);
    let terms = step(cpu, (operation) =>
      Array.from(
        { length: count },
        (_, lane) => (control >> (4 + lane) & 1) !== 0 ? multiply(operation, f, x.get(f, lane), y.get(f, lane)) : 0n,
      ));
    while (terms.length > 1) {
      const pairs = terms;
      terms = step(cpu, (operation) =>
        Array.from(
          { length: pairs.length / 2 },
          (_, pair) => add(operation, f, pairs[pair * 2]!, pairs[pair * 2 + 1]!),
        ));
    }
    for (let lane = 0; lane < count; lane++) x.set(f, lane, (control >> lane & 1) !== 0 ? terms[0]! : 0n);
    x.writeXmm(cpu, register);
  };
}

/** By semantics name. */
export const FLOAT_CALLOUTS: Readonly<Record<string, Callout>> = Object.fromEntries([
  ...arithmetic("add", add),
  ...arithmetic("sub", subtract),
  ...arithmetic("mul", multiply),
  ...arithmetic("div", divide),
  ...arithmetic("min", minimum),
  ...arithmetic("max", maximum),
  ...ofSource("sqrt", squareRoot),
  ...comparisons,
  ...roundings,
  ["ucomiss", flagsComparison(SINGLE, false)],
  ["ucomisd", flagsComparison(DOUBLE, false)],
  ["comiss", flagsComparison(SINGLE, true)],
  ["comisd", flagsComparison(DOUBLE, true)],
  ["rcpps", approximate(reciprocal, false)],
  ["rcpss", approximate(reciprocal, true)],
  ["rsqrtps", approximate(reciprocalRoot, false)],
  ["rsqrtss", approximate(reciprocalRoot, true)],
  ["haddps", horizontal(SINGLE, add)],
  ["haddpd", horizontal(DOUBLE, add)],
  ["hsubps", horizontal(SINGLE, subtract)],
  ["hsubpd", horizontal(DOUBLE, subtract)],
  ["addsubps", alternating(SINGLE)],
  ["addsubpd", alternating(DOUBLE)],
  ["dpps", dotProduct(SINGLE)],
  ["dppd", dotProduct(DOUBLE)],
]);
