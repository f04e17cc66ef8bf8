/**
 * Sixteen bytes as the lanes of a register, and where they come from and go to.
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { STATE, VECTOR } from "../registers.ts";
import { STATUS } from "../fpu/stack.ts";
import type { Format } from "./binary_format.ts";

const XMM = STATE.XMM >> 2;
const ST = STATE.FPU_ST >> 2;

/** Doublewords of a register's slot. */
const SLOT = 4;

/** The content of a register or memory operand. */
export class Lanes {
  readonly i32: Int32Array = new Int32Array(4);
  readonly u32: Uint32Array = new Uint32Array(this.i32.buffer);
  readonly u16: Uint16Array = new Uint16Array(this.i32.buffer);
  readonly u8: Uint8Array = new Uint8Array(this.i32.buffer);

  /** An element of a format. */
  get(f: Format, lane: number): bigint {
    if (f.bits === 32) return BigInt(this.u32[lane]!);
    return BigInt(this.u32[lane * 2 + 1]!) << 32n | BigInt(this.u32[lane * 2]!);
  }

  set(f: Format, lane: number, value: bigint): void {
    if (f.bits === 32) this.u32[lane] = Number(value);
    else {
      this.u32[lane * 2] = Number(value & 0xffff_ffffn);
      this.u32[lane * 2 + 1] = Number(value >> 32n);
    }
  }

  /** Reads an XMM register. */
  readXmm(cpu: Cpu, register: number): this {
    for (let i = 0; i < 4; i++) this.i32[i] = cpu.i32[XMM + register * SLOT + i]!;
    return this;
  }

  /** Writes an XMM register. */
  writeXmm(cpu: Cpu, register: number): void {
    for (let i = 0; i < 4; i++) cpu.i32[XMM + register * SLOT + i] = this.i32[i]!;
  }

  /** Writes the low half to an MMX register; the FPU's registers are then MMX's (Intel SDM volume 3, 12.2). */
  writeMmx(cpu: Cpu, register: number): void {
    enterMmx(cpu);
    const at = ST + register * SLOT;
    cpu.i32[at] = this.i32[0]!;
    cpu.i32[at + 1] = this.i32[1]!;
    cpu.i32[at + 2] = 0xffff;
  }

  /** Reads operand `k`: a register whole, or `bytes` of memory, which must be aligned if they are 16 unless `anywhere`. */
  read(cpu: Cpu, instruction: Instruction, k: number, bytes: 4 | 8 | 16, anywhere = false): this {
    const operand = instruction.operands[k]!;
    if (operand.kind === OPERAND.XMM) return this.readXmm(cpu, operand.register);
    if (operand.kind === OPERAND.MMX) {
      this.i32[0] = cpu.i32[ST + operand.register * SLOT]!;
      this.i32[1] = cpu.i32[ST + operand.register * SLOT + 1]!;
      return this;
    }
    const { memory, user } = cpu;
    const linear = cpu.linear(operand.segment, cpu.effectiveAddress(instruction, operand), bytes, false);
    if (bytes === 16 && !anywhere) requireAligned(linear);
    for (let at = 0; at < bytes; at += 4) this.u32[at >> 2] = memory.read32((linear + at) >>> 0, user);
    return this;
  }
}

/** #GP(0) unless a linear address is a multiple of 16 (Intel SDM volume 1, 4.1.1). */
export function requireAligned(linear: number): void {
  if ((linear & 15) !== 0) throw new GuestFault(VECTOR.GP, 0);
}

/** An MMX instruction takes the FPU's registers over: TOP is 0, all tags are valid. */
export function enterMmx(cpu: Cpu): void {
  cpu.i32[STATE.FPU_STATUS >> 2]! &= ~STATUS.TOP;
  cpu.i32[STATE.FPU_TAG >> 2] = 0;
}
