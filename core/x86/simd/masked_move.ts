/**
 * MASKMOVQ and MASKMOVDQU (Intel SDM volume 2): bytes whose mask is negative go to DS:eDI.
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { type Instruction, OPERAND } from "../instruction.ts";
import { GPR, SEG } from "../registers.ts";
import { enterMmx, Lanes } from "./lanes.ts";
import { requireMmx, requireSse } from "./unit.ts";

const data = new Lanes();
const mask = new Lanes();

/** Both instructions: the file of the registers tells which. */
export function maskedMove(cpu: Cpu, instruction: Instruction): void {
  const mmx = instruction.operands[0].kind === OPERAND.MMX;
  if (!mmx) requireSse(cpu);
  else if (!requireMmx(cpu)) {
    cpu.next = cpu.eip;
    return;
  }
  const size = mmx ? 8 : 16;
  data.read(cpu, instruction, 0, size);
  mask.read(cpu, instruction, 1, size);
  const segment = instruction.segment >= 0 ? instruction.segment : SEG.DS;
  const offset = cpu.gpr(GPR.DI, instruction.addressSize);
  const linear = cpu.linear(segment, offset, size, true);
  const selected = Array.from({ length: size }, (_, at) => at).filter((at) => mask.u8[at]! >= 0x80);
  // Pages in which nothing is written are not touched.
  for (const at of selected) cpu.memory.probeWrite((linear + at) >>> 0, 1, cpu.user);
  for (const at of selected) cpu.memory.write8((linear + at) >>> 0, data.u8[at]!, cpu.user);
  if (mmx) enterMmx(cpu);
}
