/**
 * FXSAVE and FXRSTOR (Intel SDM volume 1, 10.5; volume 2, table 3-43).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { CR0, CR4, STATE, VECTOR } from "../registers.ts";
import { controlWord, setControlWord, setStatusWord, setTagWord, statusWord, tagWord } from "../fpu/stack.ts";
import { requireMxcsr } from "./control.ts";
import { requireAligned } from "./lanes.ts";
import { MXCSR } from "./unit.ts";

const SIZE = 512;

/** Offsets in the area. */
const AREA = {
  FCW: 0,
  FTW: 4,
  FIP: 8,
  FCS: 12,
  FDP: 16,
  FDS: 20,
  MXCSR: 24,
  MXCSR_MASK: 28,
  ST: 32,
  XMM: 160,
} as const;

/** XMM registers outside 64-bit mode. */
const XMM_DOUBLEWORDS = 8 * 4;

/** Linear address of the area, checked but for paging. Both instructions are #NM under CR0.EM, unlike the rest of SSE. */
function area(cpu: Cpu, instruction: Instruction, write: boolean): number {
  if ((cpu.i32[STATE.CR0 >> 2]! & (CR0.EM | CR0.TS)) !== 0) throw new GuestFault(VECTOR.NM);
  const operand = instruction.operands[0];
  const linear = cpu.linear(operand.segment, cpu.effectiveAddress(instruction, operand), SIZE, write);
  requireAligned(linear);
  return linear;
}

/** XMM registers and MXCSR are part of it once the system says that it saves them (10.5.1). */
function savesSse(cpu: Cpu): boolean {
  return (cpu.i32[STATE.CR4 >> 2]! & CR4.OSFXSR) !== 0;
}

/** FXSAVE. */
export function fxsave(cpu: Cpu, instruction: Instruction): void {
  const linear = area(cpu, instruction, true);
  const { memory, user, u32, i32 } = cpu;
  memory.probeWrite(linear, SIZE, user);
  const at = memory.direct(linear, SIZE, true, user), all = memory.words;
  const put = (offset: number, value: number) => {
    if (at >= 0) all[at + (offset >> 2)] = value;
    else memory.write32((linear + offset) >>> 0, value >>> 0, user);
  };
  const status = statusWord(cpu), tags = tagWord(cpu);
  let valid = 0;
  for (let physical = 0; physical < 8; physical++) if ((tags >> (physical * 2) & 3) !== 3) valid |= 1 << physical;
  put(AREA.FCW, controlWord(cpu) | status << 16);
  put(AREA.FTW, valid | u32[STATE.FPU_OPCODE >> 2]! << 16);
  put(AREA.FIP, u32[STATE.FPU_IP >> 2]!);
  put(AREA.FCS, u32[STATE.FPU_CS >> 2]! & 0xffff);
  put(AREA.FDP, u32[STATE.FPU_DP >> 2]!);
  put(AREA.FDS, u32[STATE.FPU_DS >> 2]! & 0xffff);
  if (savesSse(cpu)) put(AREA.MXCSR, u32[STATE.MXCSR >> 2]!);
  put(AREA.MXCSR_MASK, MXCSR.WRITABLE);
  for (let i = 0; i < 8; i++) {
    const from = (STATE.FPU_ST >> 2) + ((status >> 11) + i & 7) * 4;
    put(AREA.ST + i * 16, u32[from]!);
    put(AREA.ST + i * 16 + 4, u32[from + 1]!);
    put(AREA.ST + i * 16 + 8, u32[from + 2]! & 0xffff);
    put(AREA.ST + i * 16 + 12, 0);
  }
  if (!savesSse(cpu)) return;
  for (let i = 0; i < XMM_DOUBLEWORDS; i++) put(AREA.XMM + i * 4, i32[(STATE.XMM >> 2) + i]!);
}

/** FXRSTOR: nothing is pending afterwards but what the restored status word says. */
export function fxrstor(cpu: Cpu, instruction: Instruction): void {
  const linear = area(cpu, instruction, false);
  const { memory, user, u32, i32 } = cpu;
  memory.probeRead(linear, SIZE, user);
  const at = memory.direct(linear, SIZE, false, user), all = memory.words;
  const get = (offset: number) =>
    at >= 0 ? all[at + (offset >> 2)]! >>> 0 : memory.read32((linear + offset) >>> 0, user);
  const sse = savesSse(cpu);
  const mxcsr = get(AREA.MXCSR);
  if (sse) requireMxcsr(mxcsr);
  const words = get(AREA.FCW), tags = get(AREA.FTW);
  u32[STATE.FPU_OPCODE >> 2] = tags >>> 16 & 0x7ff;
  u32[STATE.FPU_IP >> 2] = get(AREA.FIP);
  u32[STATE.FPU_CS >> 2] = get(AREA.FCS) & 0xffff;
  u32[STATE.FPU_DP >> 2] = get(AREA.FDP);
  u32[STATE.FPU_DS >> 2] = get(AREA.FDS) & 0xffff;
  const status = words >>> 16;
  for (let i = 0; i < 8; i++) {
    const to = (STATE.FPU_ST >> 2) + ((status >> 11) + i & 7) * 4;
    u32[to] = get(AREA.ST + i * 16);
    u32[to + 1] = get(AREA.ST + i * 16 + 4);
    u32[to + 2] = get(AREA.ST + i * 16 + 8) & 0xffff;
  }
  setStatusWord(cpu, status);
  setControlWord(cpu, words & 0xffff);
  let empty = 0;
  for (let physical = 0; physical < 8; physical++) if ((tags >> physical & 1) === 0) empty |= 3 << (physical * 2);
  setTagWord(cpu, empty);
  if (!sse) return;
  u32[STATE.MXCSR >> 2] = mxcsr;
  for (let i = 0; i < XMM_DOUBLEWORDS; i++) i32[(STATE.XMM >> 2) + i] = get(AREA.XMM + i * 4);
}
