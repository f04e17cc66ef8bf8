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

/** The area as doublewords, where it is no plain memory in one page: it goes to and from there in accesses of its own. */
const APART = new Int32Array(SIZE / 4);

/** Where XMM0 begins, in doublewords. */
const XMM_WORD = AREA.XMM >> 2;

/** FXSAVE. */
export function fxsave(cpu: Cpu, instruction: Instruction): void {
  const linear = area(cpu, instruction, true);
  const { memory, user, i32 } = cpu;
  memory.probeWrite(linear, SIZE, user);
  const direct = memory.direct(linear, SIZE, true, user), sse = savesSse(cpu);
  if (direct >= 0) return saveTo(cpu, i32, memory.words, direct, sse);
  saveTo(cpu, i32, APART, 0, sse);
  for (let word = 0; word < (sse ? XMM_WORD + XMM_DOUBLEWORDS : XMM_WORD); word++) {
    if (word === AREA.MXCSR >> 2 && !sse) continue;
    memory.write32((linear + word * 4) >>> 0, APART[word]! >>> 0, user);
  }
}

function saveTo(cpu: Cpu, i32: Int32Array, words: Int32Array, to: number, sse: boolean): void {
  const status = statusWord(cpu), tags = tagWord(cpu);
  let valid = 0;
  for (let physical = 0; physical < 8; physical++) if ((tags >> (physical * 2) & 3) !== 3) valid |= 1 << physical;
  words[to + (AREA.FCW >> 2)] = controlWord(cpu) | status << 16;
  words[to + (AREA.FTW >> 2)] = valid | i32[STATE.FPU_OPCODE >> 2]! << 16;
  words[to + (AREA.FIP >> 2)] = i32[STATE.FPU_IP >> 2]!;
  words[to + (AREA.FCS >> 2)] = i32[STATE.FPU_CS >> 2]! & 0xffff;
  words[to + (AREA.FDP >> 2)] = i32[STATE.FPU_DP >> 2]!;
  words[to + (AREA.FDS >> 2)] = i32[STATE.FPU_DS >> 2]! & 0xffff;
  if (sse) words[to + (AREA.MXCSR >> 2)] = i32[STATE.MXCSR >> 2]!;
  words[to + (AREA.MXCSR_MASK >> 2)] = MXCSR.WRITABLE;
  for (let i = 0; i < 8; i++) {
    const from = (STATE.FPU_ST >> 2) + ((status >> 11) + i & 7) * 4, at = to + (AREA.ST >> 2) + i * 4;
    words[at] = i32[from]!;
    words[at + 1] = i32[from + 1]!;
    words[at + 2] = i32[from + 2]! & 0xffff;
    words[at + 3] = 0;
  }
  if (!sse) return;
  for (let i = 0; i < XMM_DOUBLEWORDS; i++) words[to + XMM_WORD + i] = i32[(STATE.XMM >> 2) + i]!;
}

/** FXRSTOR: nothing is pending afterwards but what the restored status word says. */
export function fxrstor(cpu: Cpu, instruction: Instruction): void {
  const linear = area(cpu, instruction, false);
  const { memory, user, i32 } = cpu;
  memory.probeRead(linear, SIZE, user);
  const direct = memory.direct(linear, SIZE, false, user), sse = savesSse(cpu);
  if (direct >= 0) return restoreFrom(cpu, i32, memory.words, direct, sse);
  for (let word = 0; word < (sse ? XMM_WORD + XMM_DOUBLEWORDS : XMM_WORD); word++) {
    APART[word] = memory.read32((linear + word * 4) >>> 0, user);
  }
  restoreFrom(cpu, i32, APART, 0, sse);
}

function restoreFrom(cpu: Cpu, i32: Int32Array, words: Int32Array, from: number, sse: boolean): void {
  const mxcsr = words[from + (AREA.MXCSR >> 2)]!;
  if (sse) requireMxcsr(mxcsr);
  const control = words[from + (AREA.FCW >> 2)]!, tags = words[from + (AREA.FTW >> 2)]!;
  i32[STATE.FPU_OPCODE >> 2] = tags >>> 16 & 0x7ff;
  i32[STATE.FPU_IP >> 2] = words[from + (AREA.FIP >> 2)]!;
  i32[STATE.FPU_CS >> 2] = words[from + (AREA.FCS >> 2)]! & 0xffff;
  i32[STATE.FPU_DP >> 2] = words[from + (AREA.FDP >> 2)]!;
  i32[STATE.FPU_DS >> 2] = words[from + (AREA.FDS >> 2)]! & 0xffff;
  const status = control >>> 16;
  for (let i = 0; i < 8; i++) {
    const to = (STATE.FPU_ST >> 2) + ((status >> 11) + i & 7) * 4, at = from + (AREA.ST >> 2) + i * 4;
    i32[to] = words[at]!;
    i32[to + 1] = words[at + 1]!;
    i32[to + 2] = words[at + 2]! & 0xffff;
  }
  setStatusWord(cpu, status);
  setControlWord(cpu, control & 0xffff);
  let empty = 0;
  for (let physical = 0; physical < 8; physical++) if ((tags >> physical & 1) === 0) empty |= 3 << (physical * 2);
  setTagWord(cpu, empty);
  if (!sse) return;
  i32[STATE.MXCSR >> 2] = mxcsr;
  for (let i = 0; i < XMM_DOUBLEWORDS; i++) i32[(STATE.XMM >> 2) + i] = words[from + XMM_WORD + i]!;
}
