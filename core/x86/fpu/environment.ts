/**
 * FLDENV, FNSTENV, FRSTOR and FNSAVE (Intel SDM volume 1, 8.1.10 and 8.1.11, figures 8-9 to 8-12).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Instruction } from "../instruction.ts";
import { STATE } from "../registers.ts";
import { EXCEPTION } from "./context.ts";
import { Extended } from "./extended.ts";
import { operandAddress } from "./memory_operand.ts";
import {
  controlWord,
  initialize,
  readRegister,
  setControlWord,
  setStatusWord,
  setTagWord,
  statusWord,
  tagWord,
  writeRegister,
} from "./stack.ts";

const IP = STATE.FPU_IP >> 2;
const CS = STATE.FPU_CS >> 2;
const DP = STATE.FPU_DP >> 2;
const DS = STATE.FPU_DS >> 2;
const OPCODE = STATE.FPU_OPCODE >> 2;

/** Bytes of the eight registers behind an environment. */
const REGISTERS = 80;

const value = new Extended();

/** Bytes of an environment: seven words or doublewords. */
function environmentSize(instruction: Instruction): number {
  return instruction.operandSize === 2 ? 14 : 28;
}

/** The seven fields in their order, from the control word on. */
function fields(cpu: Cpu, wide: boolean): number[] {
  const { u32 } = cpu;
  const words = [controlWord(cpu), statusWord(cpu), tagWord(cpu)];
  if (cpu.protectedMode) {
    const selector = wide ? u32[CS]! | (u32[OPCODE]! << 16) : u32[CS]!;
    return [...words, u32[IP]!, selector, u32[DP]!, u32[DS]!];
  }
  // Real-address and virtual-8086 mode: linear addresses, their upper parts shifted to bit 12.
  const instruction = ((u32[CS]! << 4) + u32[IP]!) >>> 0;
  const data = ((u32[DS]! << 4) + u32[DP]!) >>> 0;
  const upper = (address: number) => ((address >>> 16) << 12) & (wide ? 0x0fff_f000 : 0xf000);
  return [
    ...words,
    instruction & 0xffff,
    upper(instruction) | u32[OPCODE]!,
    data & 0xffff,
    upper(data),
  ];
}

/** Fields of the 32-bit formats whose upper half is reserved and written as ones: all but the offsets and the opcode's. */
function reservedUpper(cpu: Cpu, index: number): boolean {
  return index < 3 || (cpu.protectedMode ? index === 6 : index === 3 || index === 5);
}

function storeEnvironment(cpu: Cpu, linear: number, wide: boolean): void {
  const { memory, user } = cpu;
  for (const [index, field] of fields(cpu, wide).entries()) {
    if (wide) {
      const word = reservedUpper(cpu, index) ? field | 0xffff_0000 : field;
      memory.write32((linear + index * 4) >>> 0, word >>> 0, user);
    } else memory.write16((linear + index * 2) >>> 0, field & 0xffff, user);
  }
}

function loadEnvironment(cpu: Cpu, linear: number, wide: boolean): void {
  const { memory, user, u32 } = cpu;
  const words: number[] = [];
  for (let index = 0; index < 7; index++) {
    words.push(
      wide ? memory.read32((linear + index * 4) >>> 0, user) : memory.read16((linear + index * 2) >>> 0, user),
    );
  }
  const [control, status, tags, ip, selector, dp, ds] = words as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (cpu.protectedMode) {
    u32[IP] = ip;
    u32[CS] = selector & 0xffff;
    u32[DP] = dp;
    u32[DS] = ds & 0xffff;
    if (wide) u32[OPCODE] = (selector >>> 16) & 0x7ff;
  } else {
    const upper = (field: number) => (field << 4) & (wide ? 0xffff_0000 : 0xf_0000);
    u32[IP] = (ip & 0xffff) | upper(selector);
    u32[CS] = 0;
    u32[DP] = (dp & 0xffff) | upper(ds);
    u32[DS] = 0;
    u32[OPCODE] = selector & 0x7ff;
  }
  setStatusWord(cpu, status & 0xffff);
  setControlWord(cpu, control);
  setTagWord(cpu, tags);
}

/** FNSTENV: afterwards all exceptions are masked. */
export function fnstenv(cpu: Cpu, instruction: Instruction): void {
  const size = environmentSize(instruction);
  const linear = operandAddress(cpu, instruction, size, true);
  cpu.memory.probeWrite(linear, size, cpu.user);
  storeEnvironment(cpu, linear, size === 28);
  setControlWord(cpu, controlWord(cpu) | EXCEPTION.ALL);
}

/** FLDENV. */
export function fldenv(cpu: Cpu, instruction: Instruction): void {
  const size = environmentSize(instruction);
  const linear = operandAddress(cpu, instruction, size, false);
  cpu.memory.probeRead(linear, size, cpu.user);
  loadEnvironment(cpu, linear, size === 28);
}

/** FNSAVE: afterwards the FPU is initialized. */
export function fnsave(cpu: Cpu, instruction: Instruction): void {
  const size = environmentSize(instruction);
  const linear = operandAddress(cpu, instruction, size + REGISTERS, true);
  const { memory, user } = cpu;
  // The processors try the last byte first: a page fault names it.
  memory.probeWrite((linear + size + REGISTERS - 1) >>> 0, 1, user);
  memory.probeWrite(linear, size + REGISTERS, user);
  storeEnvironment(cpu, linear, size === 28);
  for (let i = 0; i < 8; i++) {
    const at = linear + size + i * 10;
    const { sign, exponent, high, low } = readRegister(cpu, i, value);
    memory.write32(at >>> 0, low >>> 0, user);
    memory.write32((at + 4) >>> 0, high >>> 0, user);
    memory.write16((at + 8) >>> 0, (sign << 15) | exponent, user);
  }
  initialize(cpu);
}

/** FRSTOR. */
export function frstor(cpu: Cpu, instruction: Instruction): void {
  const size = environmentSize(instruction);
  const linear = operandAddress(cpu, instruction, size + REGISTERS, false);
  const { memory, user } = cpu;
  memory.probeRead(linear, size + REGISTERS, user);
  loadEnvironment(cpu, linear, size === 28);
  const tags = tagWord(cpu);
  for (let i = 0; i < 8; i++) {
    const at = linear + size + i * 10;
    const top = memory.read16((at + 8) >>> 0, user);
    value.set(top >> 15, top & 0x7fff, memory.read32((at + 4) >>> 0, user) | 0, memory.read32(at >>> 0, user) | 0);
    writeRegister(cpu, i, value);
  }
  setTagWord(cpu, tags);
}
