/**
 * Conversions between integers, single and double precision (Intel SDM volume 1, 10.4.3, 11.4.4, figure 11-8).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import type { Callout } from "../system/callout.ts";
import { DOUBLE, type Format, SINGLE } from "./binary_format.ts";
import { convert, fromInteger, toInteger } from "./float_arithmetic.ts";
import { FloatOperation, ROUNDING } from "./float_operation.ts";
import { enterMmx, Lanes } from "./lanes.ts";
import { requireMmx, requireSse } from "./unit.ts";

const source = new Lanes();
const target = new Lanes();

/** Between packed elements of an XMM register; what the results do not fill is cleared. */
function packed(
  bytes: 8 | 16,
  count: number,
  compute: (operation: FloatOperation, lane: number) => void,
): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    source.read(cpu, instruction, 1, bytes);
    const operation = FloatOperation.of(cpu);
    target.i32.fill(0);
    for (let lane = 0; lane < count; lane++) compute(operation, lane);
    operation.settle(cpu);
    target.writeXmm(cpu, instruction.operands[0].register);
  };
}

function fromIntegers(f: Format): Callout {
  const count = 128 / f.bits;
  return packed(
    count === 4 ? 16 : 8,
    count,
    (operation, lane) => target.set(f, lane, fromInteger(operation, f, source.i32[lane]!)),
  );
}

function toIntegers(f: Format, truncate: boolean): Callout {
  return packed(16, 128 / f.bits, (operation, lane) => {
    target.i32[lane] = toInteger(operation, f, source.get(f, lane), roundingOf(operation, truncate));
  });
}

function between(from: Format, to: Format): Callout {
  return packed(
    from.bits === 32 ? 8 : 16,
    2,
    (operation, lane) => target.set(to, lane, convert(operation, from, to, source.get(from, lane))),
  );
}

function roundingOf(operation: FloatOperation, truncate: boolean): number {
  return truncate ? ROUNDING.TOWARD_ZERO : operation.rounding;
}

/** CVTSS2SD, CVTSD2SS: the lowest element; the rest of the destination stays. */
function scalar(from: Format, to: Format): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    source.read(cpu, instruction, 1, from.bits / 8 as 4 | 8);
    const operation = FloatOperation.of(cpu);
    const value = convert(operation, from, to, source.get(from, 0));
    operation.settle(cpu);
    setLowest(cpu, instruction, to, value);
  };
}

function setLowest(cpu: Cpu, instruction: Instruction, f: Format, value: bigint): void {
  const { register } = instruction.operands[0];
  target.readXmm(cpu, register).set(f, 0, value);
  target.writeXmm(cpu, register);
}

/** CVTSI2SS, CVTSI2SD. */
function fromGeneral(f: Format): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    const integer = cpu.readOperand(instruction, 1) | 0;
    const operation = FloatOperation.of(cpu);
    const value = fromInteger(operation, f, integer);
    operation.settle(cpu);
    setLowest(cpu, instruction, f, value);
  };
}

/** CVTSS2SI and its like. */
function toGeneral(f: Format, truncate: boolean): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    source.read(cpu, instruction, 1, f.bits / 8 as 4 | 8);
    const operation = FloatOperation.of(cpu);
    const value = toInteger(operation, f, source.get(f, 0), roundingOf(operation, truncate));
    operation.settle(cpu);
    cpu.setGpr32(instruction.operands[0].register, value);
  };
}

/** An instruction that works on MMX registers as well; one that must wait for the FPU's error stays where it is. */
function withMmx(body: Callout): Callout {
  return (cpu, instruction) => {
    requireSse(cpu);
    if (requireMmx(cpu)) body(cpu, instruction);
    else cpu.next = cpu.eip;
  };
}

/** CVTPI2PS: the low half of the destination. */
const cvtpi2ps: Callout = withMmx((cpu, instruction) => {
  source.read(cpu, instruction, 1, 8);
  const { register } = instruction.operands[0];
  target.readXmm(cpu, register);
  const operation = FloatOperation.of(cpu);
  for (let lane = 0; lane < 2; lane++) target.set(SINGLE, lane, fromInteger(operation, SINGLE, source.i32[lane]!));
  // Processors take the FPU's registers over even when the conversion then raises #XM.
  if (instruction.operands[1].kind === OPERAND.MMX) enterMmx(cpu);
  operation.settle(cpu);
  target.writeXmm(cpu, register);
});

/** CVTPI2PD is always exact; with a memory source it leaves the FPU alone (volume 2, CVTPI2PD). */
const cvtpi2pd: Callout = (cpu, instruction) => {
  const body: Callout = () => {
    source.read(cpu, instruction, 1, 8);
    const operation = FloatOperation.of(cpu);
    for (let lane = 0; lane < 2; lane++) target.set(DOUBLE, lane, fromInteger(operation, DOUBLE, source.i32[lane]!));
    if (instruction.operands[1].kind === OPERAND.MMX) enterMmx(cpu);
    target.writeXmm(cpu, instruction.operands[0].register);
  };
  if (instruction.operands[1].kind === OPERAND.MMX) return withMmx(body)(cpu, instruction);
  requireSse(cpu);
  body(cpu, instruction);
};

/** CVTPS2PI and its like. */
function toMmx(f: Format, truncate: boolean): Callout {
  return withMmx((cpu, instruction) => {
    source.read(cpu, instruction, 1, f.bits / 4 as 8 | 16);
    const operation = FloatOperation.of(cpu);
    for (let lane = 0; lane < 2; lane++) {
      target.i32[lane] = toInteger(operation, f, source.get(f, lane), roundingOf(operation, truncate));
    }
    enterMmx(cpu);
    operation.settle(cpu);
    target.writeMmx(cpu, instruction.operands[0].register);
  });
}

/** By semantics name. */
export const CONVERSION_CALLOUTS: Readonly<Record<string, Callout>> = {
  cvtdq2ps: fromIntegers(SINGLE),
  cvtdq2pd: fromIntegers(DOUBLE),
  cvtps2dq: toIntegers(SINGLE, false),
  cvttps2dq: toIntegers(SINGLE, true),
  cvtpd2dq: toIntegers(DOUBLE, false),
  cvttpd2dq: toIntegers(DOUBLE, true),
  cvtps2pd: between(SINGLE, DOUBLE),
  cvtpd2ps: between(DOUBLE, SINGLE),
  cvtss2sd: scalar(SINGLE, DOUBLE),
  cvtsd2ss: scalar(DOUBLE, SINGLE),
  cvtsi2ss: fromGeneral(SINGLE),
  cvtsi2sd: fromGeneral(DOUBLE),
  cvtss2si: toGeneral(SINGLE, false),
  cvttss2si: toGeneral(SINGLE, true),
  cvtsd2si: toGeneral(DOUBLE, false),
  cvttsd2si: toGeneral(DOUBLE, true),
  cvtpi2ps,
  cvtpi2pd,
  cvtps2pi: toMmx(SINGLE, false),
  cvttps2pi: toMmx(SINGLE, true),
  cvtpd2pi: toMmx(DOUBLE, false),
  cvttpd2pi: toMmx(DOUBLE, true),
};
